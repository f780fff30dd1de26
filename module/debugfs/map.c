// SPDX-License-Identifier: GPL-2.0
/*
 * map: blocks in the address space of a process.
 *
 *	fd = open("map", O_RDWR);
 *	p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, handle << 32);
 *
 *	page touched --> fault --> handle --> where the block is now --> page table
 *
 * A page comes into the page table when it is touched.  When the block moves it is taken
 * out, and touched again it is the one at the new place, with the same contents.  When
 * contents are lost whoever touches it gets SIGBUS: si_code BUS_MCEERR_AR, si_addr the
 * address.  When the handle is given up, SIGBUS as behind the end of a file.
 *
 * Only blocks that were filled, of types that move, and of a page at the least: so nobody
 * sees what was in the memory before, and nothing is mapped that is not the owner's alone.
 *
 * The file is one that debugfs does not stand in front of (it does not pass mmap on);
 * who has it open, or something of it mapped, holds the module.  Under lockdown it cannot
 * be opened.
 */
#include <linux/capability.h>
#include <linux/debugfs.h>
#include <linux/errno.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>

#include "../include/compat.h"
#include "../include/trace.h"
#include "../owners/holder.h"
#include "map.h"

static u64 offset_of(pgoff_t pgoff)
{
	return ((u64)pgoff << PAGE_SHIFT) & ((1ULL << POTAD_MAP_SHIFT) - 1);
}

static unsigned long handle_of(pgoff_t pgoff)
{
	return pgoff >> (POTAD_MAP_SHIFT - PAGE_SHIFT);
}

static vm_fault_t map_fault(struct vm_fault *vmf)
{
	return potad_holder_fault(handle_of(vmf->pgoff), offset_of(vmf->pgoff), vmf);
}

static const struct vm_operations_struct map_vm_ops = {
	.fault = map_fault,
};

static int refuse(int err, const char *reason)
{
	trace_potad_refused("map", reason, err);
	return err;
}

static int map_mmap(struct file *file, struct vm_area_struct *vma)
{
	int err;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (!(vma->vm_flags & VM_SHARED))
		return refuse(-EINVAL, "not shared");
	err = potad_holder_map(handle_of(vma->vm_pgoff), offset_of(vma->vm_pgoff),
			       vma->vm_end - vma->vm_start, file->f_mapping);
	switch (err) {
	case 0:
		break;
	case -ENOENT:
		return refuse(err, "the handle is not given out");
	case -EOPNOTSUPP:
		return refuse(err, "it is no block of a type that moves");
	case -ENXIO:
		return refuse(err, "the block is not so large");
	default:
		return refuse(err, "it was not filled");
	}
	vm_flags_set(vma, VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP);
	vma->vm_ops = &map_vm_ops;
	return 0;
}

static const struct file_operations map_fops = {
	.owner = THIS_MODULE,
	.open = nonseekable_open,
	.mmap = map_mmap,
};

void potad_map_file(struct dentry *dir)
{
	debugfs_create_file_unsafe("map", 0600, dir, NULL, &map_fops);
}
