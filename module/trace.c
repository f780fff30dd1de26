// SPDX-License-Identifier: GPL-2.0
/* The bodies of the tracepoints in include/trace.h. */
#include <linux/types.h>

#include "pool/pool.h"

#define CREATE_TRACE_POINTS
#include "include/trace.h"
