/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Kernels that differ, in one place.
 *
 * The code is written for the newest kernel (7.3); this header and the probes
 * in Kbuild carry it back to 6.1.  Kbuild looks for the feature itself (a
 * symbol in Module.symvers, a declaration in a header) and defines HAVE_...;
 * nothing here compares version numbers.
 */
#ifndef POTAD_COMPAT_H
#define POTAD_COMPAT_H

#include <linux/export.h>
#include <linux/gfp.h>
#include <linux/mmzone.h>
#include <linux/slab.h>

#if BITS_PER_LONG != 64
#error "potad needs a 64-bit kernel: a tagged word holds a descriptor's address"
#endif

/*
 * POTAD_HAVE_NS_STRING: since 6.13 a namespace is a string; before, a bare
 * word.  Can go with 6.12.
 */
#ifdef POTAD_HAVE_NS_STRING
#define EXPORT_SYMBOL_POTAD_TESTS(sym)	EXPORT_SYMBOL_NS_GPL(sym, "POTAD_TESTS")
#define POTAD_IMPORT_FOR_TESTS()	MODULE_IMPORT_NS("POTAD_TESTS")
#else
#define EXPORT_SYMBOL_POTAD_TESTS(sym)	EXPORT_SYMBOL_NS_GPL(sym, POTAD_TESTS)
#define POTAD_IMPORT_FOR_TESTS()	MODULE_IMPORT_NS(POTAD_TESTS)
#endif

/*
 * MAX_PAGE_ORDER: since 6.8, inclusive.  Before, MAX_ORDER, which was
 * exclusive up to 6.3 and inclusive from 6.4 to 6.7; 6.1 is the only one of
 * those that is supported.
 */
#ifndef MAX_PAGE_ORDER
#define MAX_PAGE_ORDER			(MAX_ORDER - 1)
#endif

/* kzalloc_obj() and its like: since 7.0.  Can go with 6.12. */
#ifndef kzalloc_obj
#define kzalloc_obj(p, gfp)		kzalloc(sizeof(p), gfp)
#define kmalloc_obj(p, gfp)		kmalloc(sizeof(p), gfp)
#define kvzalloc_obj(p, gfp)		kvzalloc(sizeof(p), gfp)
#endif

#endif /* POTAD_COMPAT_H */
