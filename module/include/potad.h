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
 *		.module = THIS_MODULE,
 *	};
 *	type = potad_type_register(&buf_info);
 *	err  = potad_alloc(pool, type, order, GFP_KERNEL, arg, &block);
 *	buf  = block.data;                         block.phys, block.order
 *	potad_free(pool, &block);
 *
 * Memory so described says of itself what it is: from any physical address
 * potad_lookup() tells the block, its size, its type and its owner, and
 * potad_get(), without a lock, the descriptor.  When memory fails, the owner is
 * told through the type's operations, and the granule is never used again.
 *
 * Who owns what
 * - A block belongs to the caller of potad_alloc() until potad_free().
 * - A descriptor lives as long as there are references: the allocation is one,
 *   each potad_get() another.  The memory goes back with the last of them,
 *   whoever puts it, from whatever context.
 * - A type belongs to the module that registered it.  It cannot be
 *   unregistered while blocks of it live.
 * - What is in the memory is the owner's alone: potad neither reads nor writes
 *   it, free or not.
 *
 * Units: addresses are physical, in bytes.  An order is one of granules: a
 * block of order k has granule << k bytes.  potad_order() turns bytes into it.
 *
 * The pieces come from mails to linux-mm, 2021-2024: blocks handed out with a
 * descriptor (Matthew Wilcox), one tagged word for each page ("memdescs", the
 * same), free without allocation (Vlastimil Babka, David Hildenbrand).
 */
#ifndef POTAD_H
#define POTAD_H

#include <linux/gfp.h>
#include <linux/refcount.h>
#include <linux/types.h>

#include "mobility.h"

struct module;
struct potad_pool;
struct potad_type;

/* Types at one time: sixteen tags, two of which have a meaning of their own. */
#define POTAD_MAX_TYPES		14
#define POTAD_NAME_MAX		31
#define POTAD_DESC_MAX		4096

/**
 * enum potad_answer - what an owner did about failed memory
 * @POTAD_UNTOLD: nobody was told: the memory was free, or its type has no
 *		  memory_failure operation
 * @POTAD_RECOVERED: contents were rebuilt from elsewhere; nothing is lost
 * @POTAD_MOVED: contents were moved away in time
 * @POTAD_LOST: contents are lost; users of it will be told
 * @POTAD_REFUSED: the owner can do nothing
 */
enum potad_answer {
	POTAD_UNTOLD,
	POTAD_RECOVERED,
	POTAD_MOVED,
	POTAD_LOST,
	POTAD_REFUSED,
};

/**
 * struct potad_block - an allocated block, as its owner holds it
 * @phys: physical address of its first byte
 * @bytes: its size
 * @order: the same, as an order of granules
 * @type: its type
 * @data: the owner's part of the descriptor, @type's desc_size bytes; NULL if
 *	  that is 0
 */
struct potad_block {
	phys_addr_t		phys;
	u64			bytes;
	unsigned int		order;
	struct potad_type	*type;
	void			*data;
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

/**
 * struct potad_ops - what an owner does for its blocks; each may be NULL
 * @init: set up the owner's part of a new descriptor, from what was passed to
 *	potad_alloc(), which cannot fail any more.  Called before anybody can
 *	find the block; must not sleep.  Without it the contents are undefined.
 * @release: the last reference is gone; the memory and the descriptor go back
 *	as soon as it returns.  Any context in which potad_put() is called.
 * @memory_failure: memory of the block has failed.  Told once for each granule.
 *	Process context, may sleep, no lock of potad's is held: it may free this
 *	block, and allocate others.  The block stays until it returns.
 * @describe: say in words who owns it, for potad_lookup().  Must not sleep.
 */
struct potad_ops {
	void (*init)(void *data, void *arg);
	void (*release)(void *data);
	enum potad_answer (*memory_failure)(const struct potad_failure *failure);
	int (*describe)(const void *data, char *buf, size_t size);
};

/**
 * struct potad_type_info - what a type is, given at registration
 * @name: 1 to 31 letters, digits, '-' and '_'; not in use already
 * @desc_size: bytes of the owner's part of the descriptor, 0 .. 4096.  With 0
 *	there is no descriptor at all: no references, no failure callback.
 * @mobility: of what kind its blocks are: those of one kind are kept together
 * @ops: operations, or NULL
 * @module: THIS_MODULE; while blocks of the type live it cannot be unloaded
 */
struct potad_type_info {
	const char		*name;
	unsigned int		desc_size;
	enum potad_mobility	mobility;
	const struct potad_ops	*ops;
	struct module		*module;
};

/**
 * enum potad_what - what is at an address
 * @POTAD_IS_FREE: free, can be handed out
 * @POTAD_IS_BLOCK: a block with a type
 * @POTAD_IS_BARE: allocated without a type (or about to get one)
 * @POTAD_IS_QUARANTINED: failed, never handed out again
 */
enum potad_what {
	POTAD_IS_FREE,
	POTAD_IS_BLOCK,
	POTAD_IS_BARE,
	POTAD_IS_QUARANTINED,
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

struct potad_type *potad_type_register(const struct potad_type_info *info);
int potad_type_unregister(struct potad_type *type);

struct potad_pool *potad_pool_default(void);
int potad_order(const struct potad_pool *pool, u64 bytes);
int potad_alloc(struct potad_pool *pool, struct potad_type *type,
		unsigned int order, gfp_t gfp, void *arg,
		struct potad_block *block);
int potad_free(struct potad_pool *pool, const struct potad_block *block);
int potad_free_at(struct potad_pool *pool, phys_addr_t phys,
		  unsigned int order, struct potad_type *type);
int potad_lookup(struct potad_pool *pool, phys_addr_t phys,
		 struct potad_info *info);
int potad_get(struct potad_pool *pool, phys_addr_t phys,
	      struct potad_block *block);
void potad_put(struct potad_pool *pool, const struct potad_block *block);
int potad_memory_failure(struct potad_pool *pool, phys_addr_t phys, u64 length,
			 unsigned int flags);

#endif /* POTAD_H */
