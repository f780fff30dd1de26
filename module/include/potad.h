/* SPDX-License-Identifier: GPL-2.0 */
/*
 * POTAD: a power-of-two allocator with descriptors.
 *
 * A pool manages a stretch of physical memory in blocks of any power of two,
 * from a granule (512 bytes, say) to the whole.  A block is handed out together
 * with a descriptor, whose size and meaning are the business of the block's
 * type:
 *
 *	static const struct potad_type_info buf_info = {
 *		.name = "buf", .desc_size = sizeof(struct buf), .ops = &buf_ops,
 *		.mobility = POTAD_PINNED, .module = THIS_MODULE,
 *	};
 *	type = potad_type_register(potad_pool_default(), &buf_info);
 *	err  = potad_alloc(type, order, GFP_KERNEL, arg, &block);
 *	buf  = block.data;                         block.phys, block.order
 *	potad_free(&block);
 *
 * Memory so described says of itself what it is: from any physical address
 * potad_lookup() tells the block, its size, its type and its owner, and
 * potad_get(), without a lock, the descriptor.  When memory fails, the owner is
 * told through the type's operations, and the granule is never used again.  When
 * somebody else needs the place, the owner is asked to move: potad_migrate().
 *
 * Two ways in
 * - potad_alloc() makes the descriptor as well.  Block, descriptor and the words
 *   that lead to it stay together when they are freed, in a stock of this CPU's
 *   for the next who asks for the same.
 * - potad_alloc_own() describes the block by memory that the caller has, in which
 *   a struct potad_desc is the first member.
 *
 * Who owns what
 * - A block belongs to the caller of potad_alloc() until potad_free().
 * - A descriptor lives as long as there are references: the allocation is one,
 *   each potad_get() another.  The memory goes back with the last of them,
 *   whoever puts it, from whatever context.
 * - A type belongs to the module that registered it, and serves one pool.  It
 *   cannot be unregistered while blocks of it live, nor its module unloaded.
 * - What is in the memory is the owner's alone: potad neither reads nor writes
 *   it, free or not.
 *
 * A struct potad_block is a handle: it carries the generation of its descriptor,
 * so that one that was given up is told from the next at the same place.  An
 * address alone is none.
 *
 * Units: addresses are physical, and lengths are, in bytes.  An order is one of granules:
 * a block of order k has granule << k bytes.  potad_order() turns bytes into it.
 *
 * Errors are told apart, and each function lists its own: -EINVAL for what makes no
 * sense, -ENXIO for memory that is not the pool's (slab memory, say), -ENOENT for what is
 * not allocated (any more), -EPERM for what is another's, -ENOSPC where there is no such
 * block, -ENOMEM where there is no memory to describe it, -EHWPOISON for what has failed.
 *
 * The pieces come from mails to linux-mm, 2021-2024: blocks handed out with a
 * descriptor (Matthew Wilcox), one tagged word for each page ("memdescs", the
 * same), free without allocation (Vlastimil Babka, David Hildenbrand).
 */
#ifndef POTAD_H
#define POTAD_H

#include <linux/atomic.h>
#include <linux/build_bug.h>
#include <linux/gfp.h>
#include <linux/types.h>

#include "mobility.h"

struct module;
struct potad_pool;
struct potad_type;

/* Types of other modules at one time; those of potad's own do not count. */
#define POTAD_MAX_TYPES		16
#define POTAD_NAME_MAX		31
#define POTAD_DESC_MAX		4096

/**
 * struct potad_desc - what every descriptor begins with; all of it is potad's
 * @life: references and generation
 * @place: which block it describes
 *
 * Owners of memory of their own (potad_alloc_own()) have it as their first
 * member, zeroed when the memory is new, and set nothing in it after that.
 */
struct potad_desc {
	atomic64_t	life;
	u64		place;
} __aligned(16);

/**
 * enum potad_answer - what an owner did about failed memory
 * @POTAD_UNTOLD: nobody was told: the memory was free, or its type has no
 *		  memory_failure operation
 * @POTAD_RECOVERED: contents were rebuilt from elsewhere; nothing is lost
 * @POTAD_MOVED: contents were moved away in time
 * @POTAD_LOST: contents are lost; users of it will be told
 * @POTAD_REFUSED: the owner can do nothing
 * @POTAD_LATE: the owner has been asked, and has not answered in its time; what it
 *		answers then is another event
 */
enum potad_answer {
	POTAD_UNTOLD,
	POTAD_RECOVERED,
	POTAD_MOVED,
	POTAD_LOST,
	POTAD_REFUSED,
	POTAD_LATE,
};

/**
 * struct potad_block - an allocated block, as its owner holds it
 * @phys: physical address of its first byte
 * @bytes: its size
 * @order: the same, as an order of granules
 * @generation: tells it from others that its descriptor, or the type, has had
 * @type: its type
 * @data: the owner's part of the descriptor, @type's desc_size bytes; the owner's
 *	  own memory where it has brought that; NULL if the type has none
 * @part: it is one of several blocks of the descriptor, but not the first
 *
 * To be copied and kept as the owner likes; changed by potad alone.
 */
struct potad_block {
	phys_addr_t		phys;
	u64			bytes;
	unsigned int		order;
	u32			generation;
	struct potad_type	*type;
	void			*data;
	bool			part;
};

/**
 * struct potad_failure - what an owner is told of failed memory
 * @block: the block that it is in
 * @offset: where in the block the failure begins, in bytes
 * @length: how far it reaches, in bytes; whole granules, inside the block
 * @flags: POTAD_FAIL_*
 */
struct potad_failure {
	const struct potad_block *block;
	u64			offset;
	u64			length;
	unsigned int		flags;
};

/* The most that can fail in one call, in bytes. */
#define POTAD_FAIL_MAX		(2UL << 20)

#define POTAD_FAIL_INJECTED	0x1	/* a test: the memory is in truth good */
#define POTAD_FAIL_SOFT		0x2	/* it is going to fail: it can be read yet */

/**
 * struct potad_ops - what an owner does for its blocks; NULL: nothing
 * @init: set up the owner's part of a new descriptor, from what was passed to
 *	potad_alloc(), which cannot fail any more.  Called before anybody can
 *	find the block; must not sleep.  Without it the contents are undefined.
 *	Not for owners of memory of their own.
 * @release: the last reference is gone; the memory and the descriptor go back
 *	as soon as it returns.  Any context in which potad_put() is called.
 * @gone: for owners of memory of their own, who must have it: after @release,
 *	and nothing of potad's points to the descriptor any more, but readers
 *	may still look at its struct potad_desc until a grace period of RCU is
 *	over: kfree_rcu().  Same context.
 * @memory_failure: memory of the block has failed.  Told once for each granule (and
 *	again of one that had failed softly, when it fails hard).
 *	Process context, may sleep, no lock of potad's is held: it may free this
 *	block, and allocate others.  The block stays until it returns.  Called from a
 *	worker, for whose answer a failure waits some time, not for ever.  With
 *	%POTAD_FAIL_SOFT the block could not be moved by @migrate, which comes first.
 * @migrate: move what is in @from to @to, both of the same size, and use @to
 *	from then on; @to is the handle to be kept, if it is still @from that
 *	the owner has.  0, or an error to refuse, and
 *	nothing has changed.  Process context, may sleep; the owner keeps its own
 *	users out meanwhile, and a free of the block that comes during it takes
 *	effect after it.  It must not report a failure of @to itself, nor a soft
 *	one of @from, which would wait for it to end.  Owners of movable blocks must have it.
 * @dirty: somebody has written to the block, at @offset: see potad_dirty().
 *	Any context in which that is called.
 * @describe: say in words who owns it, for potad_lookup().  Must not sleep.
 */
struct potad_ops {
	void (*init)(void *data, void *arg);
	void (*release)(void *data);
	void (*gone)(void *data);
	enum potad_answer (*memory_failure)(const struct potad_failure *failure);
	int (*migrate)(const struct potad_block *from, const struct potad_block *to);
	void (*dirty)(void *data, u64 offset);
	int (*describe)(const void *data, char *buf, size_t size);
};

/* struct potad_type_info.flags */
#define POTAD_TYPE_OWN		0x1	/* descriptors are the owner's memory */
#define POTAD_TYPE_PARTS	0x2	/* a descriptor can have several blocks */

/**
 * struct potad_type_info - what a type is, given at registration
 * @name: 1 to 31 letters, digits, '-' and '_'; not in use already
 * @desc_size: bytes of the owner's part of the descriptor, 0 .. 4096.  With 0
 *	there is no descriptor at all: no references, no operations.  With
 *	%POTAD_TYPE_OWN: of the whole, the struct potad_desc in it included.
 * @desc_align: to which the owner's part is aligned: a power of two up to 4096;
 *	0: to 16.  Not for owners of memory of their own.
 * @flags: POTAD_TYPE_*
 * @mobility: of what kind its blocks are: those of one kind are kept together
 * @ops: operations, or NULL
 * @module: THIS_MODULE; while blocks of the type live it cannot be unloaded
 */
struct potad_type_info {
	const char		*name;
	unsigned int		desc_size;
	unsigned int		desc_align;
	unsigned int		flags;
	enum potad_mobility	mobility;
	const struct potad_ops	*ops;
	struct module		*module;
};

/**
 * enum potad_what - what is at an address
 * @POTAD_IS_FREE: free, can be handed out
 * @POTAD_IS_CACHED: free, but some CPU has it at hand
 * @POTAD_IS_BLOCK: a block with a type
 * @POTAD_IS_BARE: allocated without a type (or about to get one)
 * @POTAD_IS_QUARANTINED: failed, never handed out again
 * @POTAD_IS_HOLE: in the pool's range, but none of its memory
 */
enum potad_what {
	POTAD_IS_FREE,
	POTAD_IS_CACHED,
	POTAD_IS_BLOCK,
	POTAD_IS_BARE,
	POTAD_IS_QUARANTINED,
	POTAD_IS_HOLE,
};

/**
 * struct potad_info - the answer to "what is at this address?"
 * @what: the kind
 * @phys: first byte of the block; of the largest free block around it
 * @bytes: size of that
 * @order: the same, as an order of granules
 * @failed: the granule at the address has failed, and is still in its block
 * @type: name of the block's type, else empty
 * @owner: what the type's describe operation says, else empty
 */
struct potad_info {
	enum potad_what	what;
	phys_addr_t	phys;
	u64		bytes;
	unsigned int	order;
	bool		failed;
	char		type[POTAD_NAME_MAX + 1];
	char		owner[48];
};

/**
 * enum potad_obstacle - why a block stays where it is
 * @POTAD_REFUSED_MOVE: its owner has refused
 * @POTAD_CANNOT_MOVE: its type has no migrate operation
 * @POTAD_NO_OWNER: it has no type
 * @POTAD_FAILED_THERE: failed memory, in no block or in one that cannot be read
 * @POTAD_NOT_THERE: no block, but a hole
 */
enum potad_obstacle {
	POTAD_REFUSED_MOVE,
	POTAD_CANNOT_MOVE,
	POTAD_NO_OWNER,
	POTAD_FAILED_THERE,
	POTAD_NOT_THERE,
};

/**
 * typedef potad_obstacle_fn - told of what is in the way of potad_evacuate()
 * @what: why
 * @info: what is there
 * @err: what its owner said, or 0
 * @arg: the caller's
 */
typedef void (*potad_obstacle_fn)(enum potad_obstacle what,
				  const struct potad_info *info, int err, void *arg);

/**
 * struct potad_adjacent - adjacent blocks without a descriptor: wanted, and found
 * @bytes: how much, 1 or more; set to that in whole granules
 * @align: its address is to be a multiple of this, a power of two; 0: of any.  It is
 *	made of blocks of this size at the least (but for what is left at the end, if
 *	@bytes is not a multiple of it)
 * @nocross: a power of two, or 0: no multiple of it lies inside
 * @min: lowest address that it may have
 * @max: highest; 0: any
 * @phys: set to the address of the first byte
 * @order: set to the order of the blocks that it is made of
 * @tried: set to the orders that were tried, the highest first: bit k for order k
 */
struct potad_adjacent {
	u64			bytes;
	u64			align;
	u64			nocross;
	phys_addr_t		min;
	phys_addr_t		max;

	phys_addr_t		phys;
	unsigned int		order;
	u64			tried;
};

/**
 * potad_pool_default() - the pool of this module
 *
 * Context: Any.
 * Return: the pool; it is there as long as the module is loaded.
 */
struct potad_pool *potad_pool_default(void);

/**
 * potad_order() - how large a block holds so many bytes
 * @pool: the pool
 * @bytes: how many, 1 or more
 *
 * Context: Any.
 * Return: the smallest such order, 0 for what is not larger than a granule; -EINVAL if
 * @bytes is 0; -E2BIG if no block of this pool can be that large.
 */
int potad_order(const struct potad_pool *pool, u64 bytes);

/**
 * potad_type_register() - a new type of blocks
 * @pool: where its blocks come from
 * @info: what it is; copied, but for @info->module
 *
 * Context: Process context; may sleep.
 * Return: the type, or an error pointer: -EINVAL for a name that is empty, too
 * long or has odd characters, a descriptor larger than 4 KiB or of an alignment
 * that is none, operations that need a descriptor where there is none, one missing
 * that must be there, or no @info->module; -EEXIST if the name is in use; -ENOSPC if there are
 * %POTAD_MAX_TYPES of other modules already, which the log says as well; -ENOMEM.
 */
struct potad_type *potad_type_register(struct potad_pool *pool,
				       const struct potad_type_info *info);

/**
 * potad_type_unregister() - the end of a type
 * @type: from potad_type_register(); the caller allocates no more of it
 *
 * Context: Process context; may sleep.
 * Return: 0, and @type is gone; -EBUSY if blocks of it live, or somebody is
 * using it by name: nothing has changed.
 */
int potad_type_unregister(struct potad_type *type);

/**
 * potad_alloc() - a block and its descriptor
 * @type: its type
 * @order: its order, 0 up to that of the largest block of the pool: it has
 *	   granule << order bytes, and is aligned to that from the start of the pool
 * @gfp: how the descriptor's memory may be had; with __GFP_ZERO the owner's
 *	 part of it is zeroed (the block's memory never is)
 * @arg: handed to the type's init operation
 * @block: filled in
 *
 * Context: as @gfp says; GFP_ATOMIC from any context but NMI.
 * Return: 0; -EINVAL if @order is larger than the pool, or blocks of the type
 * are described by memory of their owners; -ENOSPC if there is no
 * such block now (where @gfp forbids to wait: none that this CPU can have);
 * -ENOMEM if there is no memory for the descriptor; -ENODEV if the type serves no
 * pool (yet).  After an error nothing has changed, and @block means nothing.
 */
int potad_alloc(struct potad_type *type, unsigned int order, gfp_t gfp, void *arg,
		struct potad_block *block);

/* For potad_alloc_own(), which knows that @desc is a member and what size the whole has. */
int __potad_alloc_own(struct potad_type *type, unsigned int order, gfp_t gfp,
		      struct potad_desc *desc, size_t size, struct potad_block *block);

/**
 * potad_alloc_part() - one more block for a descriptor
 * @block: the first block of it, or any other; the caller has it
 * @order: order of the new one, as for potad_alloc(); it need not be the same
 * @gfp: how other memory that this takes may be had
 * @part: filled in: like @block, but with its own address and size
 *
 * A lookup of any address in it leads to the descriptor; potad_free() of @part
 * frees it alone, and when the descriptor goes it goes with it.
 *
 * Context: as @gfp says; GFP_ATOMIC from any context but NMI; from several CPUs at once.
 * Return: 0; -EOPNOTSUPP if the type was registered without %POTAD_TYPE_PARTS;
 * -ENOENT if @block is not allocated any more; -EINVAL, -ENOSPC, -ENOMEM as
 * potad_alloc().
 */
int potad_alloc_part(const struct potad_block *block, unsigned int order, gfp_t gfp,
		     struct potad_block *part);

/**
 * potad_free() - give a block back
 * @block: as potad_alloc() filled it in; the caller's own
 *
 * Drops the reference that the allocation was.  The memory goes back with the
 * last one.  Never allocates.  A part of several goes at once.
 *
 * A block that is freed twice is noticed, by its generation, as long as the
 * memory of its descriptor is one; potad_free_checked() always notices.  So is one that
 * its type's release operation frees again.
 *
 * A block that moves can be freed by the address that it had, or by the one that its
 * owner was given by the migrate operation; it goes when it has moved.
 *
 * Context: Any but NMI.
 * Return: 0; -ENOENT if it is not allocated (any more); -EINVAL if what is in
 * @block does not fit together.
 */
int potad_free(const struct potad_block *block);

/**
 * potad_free_checked() - give a block back, if it is one
 * @pool: the pool
 * @block: what the caller takes for a block; of @data nothing is read
 *
 * For callers who are not sure of what they have: everything is looked up and
 * compared, and if several try at once, one succeeds.  While the block moves, either
 * of its places will do.
 *
 * Context: Any but NMI.
 * Return: 0; -ENXIO if its address is not in the pool; -EINVAL if no block starts
 * there or it has another order; -EPERM if it is of another type, or of none;
 * -ENOENT if nothing is allocated there, or something else by now;
 * -EHWPOISON if it is quarantined.
 */
int potad_free_checked(struct potad_pool *pool, const struct potad_block *block);

/**
 * potad_lookup() - what is at an address?
 * @pool: the pool
 * @phys: any address, of any byte of a block
 * @info: filled in
 *
 * True at one moment during the call.  A described block is found without a
 * lock, unless some block has failed granules; for what has no type the space
 * is asked, under its locks.
 *
 * Context: Any but NMI.
 * Return: 0, or -ENXIO if @phys is outside the pool: of other memory nothing is known.
 */
int potad_lookup(struct potad_pool *pool, phys_addr_t phys, struct potad_info *info);

/**
 * potad_get() - a reference to the block at an address
 * @pool: the pool
 * @phys: any address, of any byte of the block
 * @block: filled in
 *
 * Takes no lock.  Until potad_put() the descriptor stays, and the block stays allocated,
 * even if its owner frees it; without a reference neither may be looked at.
 *
 * Context: Any but NMI.
 * Return: 0, and the caller calls potad_put(); -ENXIO if @phys is outside the
 * pool; -ENOENT if there is no block of a type; -EOPNOTSUPP if its type has no
 * descriptors; -EAGAIN if it is being allocated, freed or moved at this very
 * moment.
 */
int potad_get(struct potad_pool *pool, phys_addr_t phys, struct potad_block *block);

/**
 * potad_put() - give a reference back
 * @block: from potad_get()
 *
 * The last one runs the type's release operation and frees the block.
 *
 * Context: Any but NMI.
 */
void potad_put(const struct potad_block *block);

/**
 * potad_dirty() - somebody has written to memory of the pool
 * @pool: the pool
 * @phys: where: any address in a block
 *
 * What dirty means is the business of the block's owner.
 *
 * Context: Any but NMI.
 * Return: 0; else as potad_get(); -EOPNOTSUPP also if the type has no dirty
 * operation.
 */
int potad_dirty(struct potad_pool *pool, phys_addr_t phys);

/**
 * potad_memory_failure() - memory has failed
 * @pool: the pool
 * @phys: where, at any byte
 * @length: how much, in bytes, 1 .. POTAD_FAIL_MAX; the granules it touches are meant
 * @flags: POTAD_FAIL_*
 *
 * Each granule is never handed out again; who has it now is told, once.
 *
 * Context: Process context; may sleep, and waits for owners.
 * Return: 0; -EINVAL if @length is 0; -E2BIG if it is more than
 * POTAD_FAIL_MAX; -ENXIO if not all of it is in the pool,
 * and nothing was done; -EHWPOISON if all of it had failed before; -ENOMEM if
 * a part could not be marked.
 */
int potad_memory_failure(struct potad_pool *pool, phys_addr_t phys, u64 length,
			 unsigned int flags);

/**
 * potad_unpoison() - memory whose failure was a test is good again
 * @pool: the pool
 * @phys: where
 * @length: how much, in bytes; the granules it touches are meant
 *
 * Its owners are not told.  What was out of use is free again.
 *
 * Context: Process context; may sleep.
 * Return: 0; -E2BIG if @length is more than POTAD_FAIL_MAX.  If not all of it can be
 * taken back, none is: -ENXIO if it is not all in the pool, -EINVAL if some has not
 * failed, or @length is 0, -EPERM if some has failed really.
 */
int potad_unpoison(struct potad_pool *pool, phys_addr_t phys, u64 length);

/**
 * potad_migrate() - move a block elsewhere
 * @pool: the pool
 * @phys: any address in the block
 * @moved: filled in: where it is now, or NULL
 *
 * Where to is the allocator's choice.  The block's owner copies the contents.
 *
 * Context: Process context; may sleep.
 * Return: 0; -ENXIO if @phys is outside the pool; -ENOENT if there is no block of a
 * type; -EOPNOTSUPP if its type cannot move, or it is one of several parts;
 * -EHWPOISON if some of it has really failed, and not only softly, and so must not be
 * read; -ENOSPC if there is no other block of its size; -ENOMEM; -EAGAIN if it is
 * moving or coming or going all the time; else what the owner has said.
 */
int potad_migrate(struct potad_pool *pool, phys_addr_t phys, struct potad_block *moved);

/**
 * potad_evacuate() - have everybody leave a range
 * @pool: the pool
 * @phys: where it begins, at a granule
 * @length: how long it is, in bytes; whole granules
 * @report: called for each thing that cannot go, or NULL
 * @arg: handed to @report
 *
 * The owners of blocks in it are asked in turn to move elsewhere.  What is left
 * then is free, and whoever comes first can have it: see potad_alloc_at().
 * Of several at once that overlap each ends; what one holds just then can be in the
 * other's way.
 *
 * Context: Process context; may sleep, and waits for owners.
 * Return: 0 if all of it was free at one moment; -EBUSY if something stays, which
 * was reported; -EINVAL if the range is empty, or is not of whole granules; -ENXIO
 * if it is not all in the pool; -ENOSPC if there is nowhere to move to; -ENOMEM;
 * -EINTR; -EAGAIN if it is a coming and going without end.
 */
int potad_evacuate(struct potad_pool *pool, phys_addr_t phys, u64 length,
		   potad_obstacle_fn report, void *arg);

/**
 * potad_alloc_at() - this very block, whoever has it now
 * @type: its type
 * @phys: where it begins, aligned to its size from the start of the pool
 * @order: its order, as for potad_alloc()
 * @gfp: flags for the descriptor, as for potad_alloc(); this call may sleep
 * @arg: handed to the type's init operation
 * @report: called for each thing that cannot go, or NULL
 * @report_arg: handed to @report
 * @block: filled in
 *
 * Who is in it is asked to move: see potad_evacuate().
 *
 * Context: Process context; may sleep, and waits for owners.
 * Return: 0; as potad_evacuate(), and -EBUSY also if others took what was emptied, time
 * after time; -EINVAL also if @phys is not aligned, or the type's blocks are described by
 * memory of their owners; -EHWPOISON also if some of it fails just now; -ENODEV if the type
 * serves no pool.
 */
int potad_alloc_at(struct potad_type *type, phys_addr_t phys, unsigned int order,
		   gfp_t gfp, void *arg, potad_obstacle_fn report, void *report_arg,
		   struct potad_block *block);

/**
 * potad_run_alloc() - adjacent blocks
 * @pool: from this pool
 * @a: what is wanted, and where it is; see there
 *
 * One block if there is one, else two adjacent ones of half the size, else four, and
 * so on down to blocks of the size of @a->align.  What CPUs keep at hand is asked
 * for before there is nothing.  If there is such a run it is found.
 *
 * Context: Process context; may sleep.
 * Return: 0; -EINVAL if nothing is wanted, @a->align or @a->nocross is no power of
 * two, the pool does not begin at a multiple of it, @a->min is above @a->max, or
 * the run is longer than what lies between two borders; -ENOSPC if there is no
 * such run; -ENOMEM.
 */
int potad_run_alloc(struct potad_pool *pool, struct potad_adjacent *a);

/**
 * potad_run_free() - give adjacent blocks back
 * @pool: the pool
 * @a: as potad_run_alloc() has left it
 *
 * Nothing is allocated.  Memory that has failed since stays behind.
 *
 * Context: Process context; may sleep.
 * Return: 0; else nothing is given back: -EINVAL if these are not whole granules;
 * -ENXIO if they are not all in the pool; -EPERM if there is a block of a type in
 * it; -ENOENT if some of it is free; -EHWPOISON if some of it is out of use.
 */
int potad_run_free(struct potad_pool *pool, const struct potad_adjacent *a);

/**
 * potad_alloc_own() - a block, described by memory that the caller has
 * @type: its type, registered with %POTAD_TYPE_OWN
 * @order: its order, as for potad_alloc()
 * @gfp: how other memory that this takes may be had
 * @own: pointer to a structure with a struct potad_desc called desc as its first
 *	member, which lives until the type's gone operation is called for it, and
 *	then a grace period of RCU; 16-byte aligned
 * @block: filled in; its data is @own
 *
 * Context: as @gfp says; GFP_ATOMIC from any context but NMI.
 * Return: as potad_alloc(); -EINVAL also if @own is not aligned, has not the size
 * that was registered, or the type is of the other kind; -EBUSY if it describes
 * a block already, or was not zeroed when it was new.  Of two CPUs that come with the
 * same memory at once, one is told so.  (Memory that has described a block is not to be
 * brought again before its gone operation was called.)
 */
#define potad_alloc_own(type, order, gfp, own, block)			\
({									\
	typeof(own) potad_own_ = (own);					\
									\
	BUILD_BUG_ON(offsetof(typeof(*potad_own_), desc));		\
	__potad_alloc_own(type, order, gfp, &potad_own_->desc,		\
			  sizeof(*potad_own_), block);			\
})

#endif /* POTAD_H */
