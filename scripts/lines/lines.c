// SPDX-License-Identifier: GPL-2.0
/*
 * A TCG plugin for QEMU: which lines of 64 bytes does each operation touch?
 *
 *	qemu-system-x86_64 -plugin lines.so,out=FILE ...
 *
 * Operations are what the guest's kernel does between two markers; they are told
 * in module/compare/marker.h.  FILE gets a line of text for each:
 *
 *	LABEL STATE INSTRUCTIONS [ADDRESS[+N]:ACCESS:PC]...
 *
 * ADDRESS is that of a line of memory, in hex, and PC that of the instruction
 * which touched it first; ACCESS is r, w or rw.  They are in order of that first
 * touch; +N says that N more lines follow, touched one after the other by the same
 * instruction in the same way.  STATE is
 *
 *	ok		it is as it should be
 *	waited		so it is, but other threads ran before it went on
 *	interrupted	an interrupt or exception came between: it is not
 *	overflow	more than MAX_LINES lines
 *
 * and a line "percpu CPU BASE", as soon as BASE is known, says where per-CPU
 * variables are: an access to one at the kernel's address S goes to BASE + S.
 *
 * What counts: the instructions after the one that loads from the stack pointer,
 * right behind the marker that begins, up to the marker that ends; what they read
 * or write, but for the 16 KiB of the stack.  Instructions fetched and page tables
 * walked are no accesses here, and a prefetch is none either.  An instruction that
 * repeats itself (rep movsb) is one.  An operation was interrupted if it returned
 * from an interrupt (iretq).  One that waits for others counts only what its own
 * thread does: from where the kernel changes to another's stack (mov X(%rsi),%rsp)
 * until it takes registers back from this one (pop %r15) nothing counts.
 *
 * Until the guest says that there will be operations, nothing but that marker is
 * looked for, and all runs at the emulator's usual speed.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "qemu-plugin.h"

#define MAX_CPUS	64
#define MAX_LINES	8192
#define BUCKETS		(4 * MAX_LINES)
#define LINE_SHIFT	6
#define STACK_SHIFT	14	/* THREAD_SIZE: 16 KiB, aligned to that */
#define KERNEL		0x8000000000000000ULL	/* and above */

/* As in module/compare/marker.h */
#define MARK_MAGIC	0x706f6d00U
enum mark { ARM, LABEL, BIT0, BIT1, BEGIN, END, NR_MARKS };

struct line {
	__u64	nr;		/* address >> LINE_SHIFT */
	__u64	pc;
	unsigned int	bucket;
	bool		read, written;
};

/* An operation that runs on a CPU; only that CPU's thread comes here. */
struct cpu {
	enum { IDLE, WANT_STACK, COUNTING, AWAY } state;
	bool		interrupted, overflow, waited;
	unsigned int	label;
	__u64	stack;		/* address >> STACK_SHIFT */
	__u64	instructions;
	__u64	repeats;	/* pc, if the last instruction was such */
	unsigned int	nr;
	struct line	line[MAX_LINES];
	unsigned int	bucket[BUCKETS];	/* 1 + index; 0: empty */
	bool		base_known;
};

QEMU_PLUGIN_EXPORT int qemu_plugin_version = QEMU_PLUGIN_VERSION;

static struct cpu cpus[MAX_CPUS];
static pthread_mutex_t out_lock = PTHREAD_MUTEX_INITIALIZER;	/* of @out */
static FILE *out;

/* An operation: what it is, what it touches, and its end. ----------------- */

static unsigned int *find_bucket(struct cpu *cpu, __u64 nr)
{
	unsigned int i = (nr * 0x9e3779b97f4a7c15ULL) >> 32;

	for (;; i++) {
		unsigned int *b = &cpu->bucket[i % BUCKETS];

		if (!*b || cpu->line[*b - 1].nr == nr)
			return b;
	}
}

static void touch(struct cpu *cpu, __u64 nr, bool store, __u64 pc)
{
	unsigned int *b = find_bucket(cpu, nr);
	struct line *line;

	if (!*b) {
		if (cpu->nr == MAX_LINES) {
			cpu->overflow = true;
			return;
		}
		cpu->line[cpu->nr] = (struct line){ .nr = nr, .pc = pc,
						    .bucket = b - cpu->bucket };
		*b = ++cpu->nr;
	}
	line = &cpu->line[*b - 1];
	if (store)
		line->written = true;
	else
		line->read = true;
}

static void begin(struct cpu *cpu)
{
	if (!cpu->label)
		return;
	while (cpu->nr)
		cpu->bucket[cpu->line[--cpu->nr].bucket] = 0;
	cpu->interrupted = false;
	cpu->overflow = false;
	cpu->waited = false;
	cpu->state = WANT_STACK;
}

static void print(const struct cpu *cpu)
{
	const char *state = cpu->interrupted ? "interrupted" :
			    cpu->overflow ? "overflow" :
			    cpu->waited ? "waited" : "ok";
	unsigned int i, n;

	pthread_mutex_lock(&out_lock);
	fprintf(out, "%u %s %llu", cpu->label, state, cpu->instructions);
	for (i = 0; i < cpu->nr; i += n) {
		const struct line *l = &cpu->line[i];

		for (n = 1; i + n < cpu->nr; n++)
			if (l[n].nr != l->nr + n || l[n].pc != l->pc ||
			    l[n].read != l->read || l[n].written != l->written)
				break;
		fprintf(out, " %llx", l->nr << LINE_SHIFT);
		if (n > 1)
			fprintf(out, "+%u", n - 1);
		fprintf(out, ":%s%s:%llx", l->read ? "r" : "",
			l->written ? "w" : "", l->pc);
	}
	fputc('\n', out);
	pthread_mutex_unlock(&out_lock);
}

static void end(struct cpu *cpu)
{
	if (cpu->state == AWAY)		/* and nobody saw how it came back */
		cpu->interrupted = true;
	if (cpu->state == COUNTING || cpu->state == AWAY)
		print(cpu);
	cpu->state = IDLE;
}

/* What runs calls these. --------------------------------------------------- */

static void on_mark(unsigned int index, void *mark)
{
	struct cpu *cpu = &cpus[index];

	switch ((enum mark)(unsigned long)mark) {
	case LABEL:
		cpu->label = 0;
		break;
	case BIT0:
	case BIT1:
		cpu->label = cpu->label * 2 + ((unsigned long)mark == BIT1);
		break;
	case BEGIN:
		begin(cpu);
		break;
	case END:
		end(cpu);
		break;
	default:
		break;
	}
}

static void on_instruction(unsigned int index, void *pc)
{
	struct cpu *cpu = &cpus[index];

	(void)pc;
	if (cpu->state == AWAY)
		return;
	cpu->instructions++;
	cpu->repeats = 0;
}

static void on_repeat(unsigned int index, void *pc)
{
	struct cpu *cpu = &cpus[index];

	if (cpu->state == AWAY)
		return;
	if (cpu->repeats != (unsigned long)pc)
		cpu->instructions++;
	cpu->repeats = (unsigned long)pc;
}

static void on_return(unsigned int index, void *arg)
{
	(void)arg;
	if (cpus[index].state != AWAY)
		cpus[index].interrupted = true;
}

static void on_switch(unsigned int index, void *arg)
{
	struct cpu *cpu = &cpus[index];

	(void)arg;
	if (cpu->state == COUNTING) {
		cpu->state = AWAY;
		cpu->waited = true;
	}
}

/* Nobody but its own thread pops from a stack. */
static void on_pop(unsigned int index, __u32 info, __u64 address, void *arg)
{
	struct cpu *cpu = &cpus[index];

	(void)info;
	(void)arg;
	if (cpu->state == AWAY && address >> STACK_SHIFT == cpu->stack)
		cpu->state = COUNTING;
}

static void on_access(unsigned int index, __u32 info, __u64 address, void *pc)
{
	struct cpu *cpu = &cpus[index];
	__u64 nr, last;

	if (cpu->state == WANT_STACK) {
		cpu->stack = address >> STACK_SHIFT;
		cpu->instructions = 0;
		cpu->state = COUNTING;
		return;
	}
	if (cpu->state != COUNTING || address >> STACK_SHIFT == cpu->stack)
		return;
	last = (address + (1U << qemu_plugin_mem_size_shift(info)) - 1) >> LINE_SHIFT;
	for (nr = address >> LINE_SHIFT; nr <= last; nr++)
		touch(cpu, nr, qemu_plugin_mem_is_store(info), (unsigned long)pc);
}

/* @symbol is what a per-CPU access would address without its base. */
static void on_percpu(unsigned int index, __u32 info, __u64 address, void *symbol)
{
	struct cpu *cpu = &cpus[index];

	(void)info;
	if (cpu->state != COUNTING || cpu->base_known)
		return;
	cpu->base_known = true;
	pthread_mutex_lock(&out_lock);
	fprintf(out, "percpu %u %llx\n", index, address - (unsigned long)symbol);
	pthread_mutex_unlock(&out_lock);
}

/* What is translated is looked through by these. --------------------------- */

static int mark_of(const unsigned char *code, size_t size)
{
	__u32 number;

	if (size != 7 || code[0] != 0x0f || code[1] != 0x1f || code[2] != 0x80)
		return -1;
	memcpy(&number, code + 3, sizeof(number));
	number -= MARK_MAGIC;
	return number < NR_MARKS ? (int)number : -1;
}

static bool is_prefix(unsigned char byte)
{
	return byte == 0x65 || byte == 0x66 || byte == 0xf0 || byte == 0xf2 ||
	       byte == 0xf3 || (byte & 0xf0) == 0x40;
}

/* Is it movs, stos, cmps, scas or lods, with rep? */
static bool is_repeat(const unsigned char *code, size_t size)
{
	bool rep = false;
	size_t i;

	for (i = 0; i < size && is_prefix(code[i]); i++)
		rep |= code[i] == 0xf2 || code[i] == 0xf3;
	return rep && i + 1 == size && code[i] >= 0xa4 && code[i] <= 0xaf &&
	       code[i] != 0xa8 && code[i] != 0xa9;
}

/* The address in a %gs:symbol(%rip), or 0. */
static __u64 percpu_symbol(const unsigned char *code, size_t size, __u64 pc)
{
	bool gs = false;
	__s32 offset;
	size_t i;

	for (i = 0; i < size && is_prefix(code[i]); i++)
		gs |= code[i] == 0x65;
	if (!gs)
		return 0;
	i += i < size && code[i] == 0x0f ? 2 : 1;
	if (i + 5 > size || (code[i] & 0xc7) != 0x05)
		return 0;
	memcpy(&offset, code + i + 1, sizeof(offset));
	return pc + size + offset;
}

static void look(struct qemu_plugin_insn *insn)
{
	const unsigned char *code = qemu_plugin_insn_data(insn);
	__u64 pc = qemu_plugin_insn_vaddr(insn), symbol;
	size_t size = qemu_plugin_insn_size(insn);
	int mark = mark_of(code, size);
	void *arg = (void *)(unsigned long)pc;

	if (mark >= 0) {
		qemu_plugin_register_vcpu_insn_exec_cb(insn, on_mark, QEMU_PLUGIN_CB_NO_REGS,
						       (void *)(unsigned long)mark);
		return;
	}
	if (size == 2 && code[0] == 0x48 && code[1] == 0xcf)
		qemu_plugin_register_vcpu_insn_exec_cb(insn, on_return,
						       QEMU_PLUGIN_CB_NO_REGS, NULL);
	qemu_plugin_register_vcpu_insn_exec_cb(insn, is_repeat(code, size) ? on_repeat :
					       on_instruction, QEMU_PLUGIN_CB_NO_REGS, arg);
	qemu_plugin_register_vcpu_mem_cb(insn, on_access, QEMU_PLUGIN_CB_NO_REGS,
					 QEMU_PLUGIN_MEM_RW, arg);
	/* mov X(%rsi),%rsp with 32 bits of X: __switch_to_asm() */
	if (size == 7 && code[0] == 0x48 && code[1] == 0x8b && code[2] == 0xa6)
		qemu_plugin_register_vcpu_insn_exec_cb(insn, on_switch,
						       QEMU_PLUGIN_CB_NO_REGS, NULL);
	/* pop %r15 */
	if (size == 2 && code[0] == 0x41 && code[1] == 0x5f)
		qemu_plugin_register_vcpu_mem_cb(insn, on_pop, QEMU_PLUGIN_CB_NO_REGS,
						 QEMU_PLUGIN_MEM_RW, NULL);
	symbol = percpu_symbol(code, size, pc);
	if (symbol)
		qemu_plugin_register_vcpu_mem_cb(insn, on_percpu, QEMU_PLUGIN_CB_NO_REGS,
						 QEMU_PLUGIN_MEM_RW,
						 (void *)(unsigned long)symbol);
}

static void on_translation(__u64 id, struct qemu_plugin_tb *tb)
{
	size_t i;

	(void)id;
	for (i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);

		if (qemu_plugin_insn_vaddr(insn) & KERNEL)
			look(insn);
	}
}

static void finish(__u64 id, void *arg)
{
	(void)id;
	(void)arg;
	fclose(out);
}

/* Everything has been forgotten, and is translated again from here on. */
static void armed(__u64 id)
{
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
	qemu_plugin_register_atexit_cb(id, finish, NULL);
}

static __u64 own_id;

static void on_arm(unsigned int index, void *arg)
{
	(void)index;
	(void)arg;
	qemu_plugin_reset(own_id, armed);
}

static void wait_for_arm(__u64 id, struct qemu_plugin_tb *tb)
{
	size_t i;

	(void)id;
	for (i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);

		if (mark_of(qemu_plugin_insn_data(insn), qemu_plugin_insn_size(insn)) == ARM)
			qemu_plugin_register_vcpu_insn_exec_cb(insn, on_arm,
							       QEMU_PLUGIN_CB_NO_REGS,
							       NULL);
	}
}

QEMU_PLUGIN_EXPORT int qemu_plugin_install(__u64 id, const struct qemu_info_t *info,
					   int argc, char **argv)
{
	(void)info;
	if (argc != 1 || strncmp(argv[0], "out=", 4)) {
		fprintf(stderr, "lines: one argument, out=FILE, is needed\n");
		return -1;
	}
	out = fopen(argv[0] + 4, "w");
	if (!out) {
		perror(argv[0] + 4);
		return -1;
	}
	own_id = id;
	qemu_plugin_register_vcpu_tb_trans_cb(id, wait_for_arm);
	return 0;
}
