/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What lines.c uses of QEMU's interface for TCG plugins, version 1 (QEMU 4.2 to
 * 8.2).  Debian ships the interface in qemu-system-x86, but no header for it;
 * names and types are as QEMU documents them.
 */
#ifndef LINES_QEMU_PLUGIN_H
#define LINES_QEMU_PLUGIN_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/types.h>

#define QEMU_PLUGIN_VERSION	1
#define QEMU_PLUGIN_EXPORT	__attribute__((visibility("default")))

struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_info_t;

enum qemu_plugin_cb_flags {
	QEMU_PLUGIN_CB_NO_REGS,
	QEMU_PLUGIN_CB_R_REGS,
	QEMU_PLUGIN_CB_RW_REGS,
};

enum qemu_plugin_mem_rw {
	QEMU_PLUGIN_MEM_R = 1,
	QEMU_PLUGIN_MEM_W,
	QEMU_PLUGIN_MEM_RW,
};

/* A plugin has these two; install is called once, before the guest starts. */
extern QEMU_PLUGIN_EXPORT int qemu_plugin_version;
QEMU_PLUGIN_EXPORT int qemu_plugin_install(__u64 id, const struct qemu_info_t *info,
					   int argc, char **argv);

/* The rest is QEMU's. reset() takes all callbacks away, then calls @cb. */
void qemu_plugin_reset(__u64 id, void (*cb)(__u64 id));
void qemu_plugin_register_atexit_cb(__u64 id, void (*cb)(__u64 id, void *arg), void *arg);

/* Whenever code is translated, @cb may ask to be called when it runs. */
void qemu_plugin_register_vcpu_tb_trans_cb(__u64 id,
					   void (*cb)(__u64 id, struct qemu_plugin_tb *tb));
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t i);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
__u64 qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);

void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn,
					    void (*cb)(unsigned int cpu, void *arg),
					    enum qemu_plugin_cb_flags flags, void *arg);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *insn,
				      void (*cb)(unsigned int cpu, __u32 info,
						 __u64 address, void *arg),
				      enum qemu_plugin_cb_flags flags,
				      enum qemu_plugin_mem_rw rw, void *arg);
unsigned int qemu_plugin_mem_size_shift(__u32 info);
bool qemu_plugin_mem_is_store(__u32 info);

#endif /* LINES_QEMU_PLUGIN_H */
