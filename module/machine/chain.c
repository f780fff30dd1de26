// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's chain of those who want machine-check records (x86).
 *
 *	#MC, CMCI, polling  \                                   priority
 *	mce-inject           > the kernel's pool --work--> chain:  CEC
 *	ACPI (GHES)         /    (80 records or so)                EARLY: trace, and we
 *	                                                           UC: memory_failure()
 *	                                                           EXTLOG NFIT EDAC ...
 *
 * It is called from a work item, in process context, and could sleep; it must not for
 * long, as the kernel's pool is small (machine.c).  To unregister waits for whoever is
 * in the chain: after that nothing of ours runs.
 *
 * The kernel's own handler comes after us.  It can do nothing for memory that a module
 * holds, but to mark the whole page; so what is in the region, and what we have taken,
 * stops here, and is marked as handled.  (Nobody after us sees it then, EDAC included:
 * that is the price.)  All else goes on untouched.  The page stays in the kernel's direct
 * map, whence the kernel takes a page that failed: the rest of it may be in use.
 *
 * Firmware that handles errors itself reports them by way of ACPI.  On x86 the kernel
 * makes records of those (apei_mce_report_mem_error()), which come along here; it also
 * calls memory_failure() by itself, which marks the page, and which nobody can keep it
 * from.  Its own chain of such reports, ghes_register_report_chain() (not in 6.1), would
 * bring each of them a second time.
 *
 * Processors differ in what they write down.  Intel's and Zhaoxin's say in MISC how the
 * address is meant, and how much has failed.  On others the kernel knows which addresses
 * can be used, and a page is what it takes for failed; AMD's and Hygon's have errors
 * that are deferred: contents are lost, and nobody has used them yet.
 */
#include <linux/bitfield.h>
#include <linux/mm.h>
#include <linux/notifier.h>

#include <asm/mce.h>
#include <asm/processor.h>

#include "machine.h"

static bool is_of_intel_kind(const struct mce *m)
{
	return m->cpuvendor == X86_VENDOR_INTEL || m->cpuvendor == X86_VENDOR_ZHAOXIN;
}

/* Error records of whatever kind, in the layout of record.h. */
static struct potad_record translate(struct mce *m)
{
	struct potad_record record = {
		.status = m->status,
		.misc = m->misc,
		/* The bits above are not the address's: some say which key it was. */
		.addr = m->addr & GENMASK_ULL(boot_cpu_data.x86_phys_bits - 1, 0),
		.memory = mce_is_memory_error(m),
	};

	if (is_of_intel_kind(m))
		return record;
	if (m->status & MCI_STATUS_DEFERRED)
		record.status |= POTAD_MCI_UNCORRECTED;
	record.status &= ~POTAD_MCI_MISC_VALID;
	if (mce_usable_address(m)) {
		record.status |= POTAD_MCI_MISC_VALID;
		record.misc = FIELD_PREP(POTAD_MCI_MODE, POTAD_MCI_PHYSICAL) |
			      FIELD_PREP(POTAD_MCI_GRANULE, PAGE_SHIFT);
	}
	return record;
}

static int chain_call(struct notifier_block *nb, unsigned long val, void *data)
{
	struct potad_machine *machine = container_of(nb, struct potad_machine, chain);
	struct potad_record record;
	struct mce *m = data;

	if (!m)
		return NOTIFY_DONE;
	record = translate(m);
	if (!potad_machine_report(machine, &record))
		return NOTIFY_DONE;
	m->kflags |= MCE_HANDLED_UC;
	return NOTIFY_STOP;
}

/* Process context; may sleep. */
void potad_chain_join(struct potad_machine *machine)
{
	machine->chain.notifier_call = chain_call;
	machine->chain.priority = MCE_PRIO_EARLY;	/* among those, the last to come */
	mce_register_decode_chain(&machine->chain);
}

/* Returns when nobody is in chain_call() any more.  Process context; sleeps. */
void potad_chain_leave(struct potad_machine *machine)
{
	mce_unregister_decode_chain(&machine->chain);
}
