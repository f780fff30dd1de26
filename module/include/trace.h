/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tracepoints: /sys/kernel/tracing/events/potad/.  Physical addresses, never
 * kernel pointers.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM potad

#if !defined(POTAD_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define POTAD_TRACE_H

#include <linux/tracepoint.h>

struct potad_event;

TRACE_EVENT(potad_alloc,
	TP_PROTO(u64 phys, unsigned int order, const char *type, int err),
	TP_ARGS(phys, order, type, err),
	TP_STRUCT__entry(
		__field(u64, phys)
		__field(unsigned int, order)
		__field(int, err)
		__array(char, type, 32)
	),
	TP_fast_assign(
		__entry->phys = phys;
		__entry->order = order;
		__entry->err = err;
		strscpy(__entry->type, type, sizeof(__entry->type));
	),
	TP_printk("phys=0x%llx order=%u type=%s err=%d", __entry->phys,
		  __entry->order, __entry->type, __entry->err)
);

TRACE_EVENT(potad_free,
	TP_PROTO(u64 phys, unsigned int order, const char *type),
	TP_ARGS(phys, order, type),
	TP_STRUCT__entry(
		__field(u64, phys)
		__field(unsigned int, order)
		__array(char, type, 32)
	),
	TP_fast_assign(
		__entry->phys = phys;
		__entry->order = order;
		strscpy(__entry->type, type, sizeof(__entry->type));
	),
	TP_printk("phys=0x%llx order=%u type=%s", __entry->phys,
		  __entry->order, __entry->type)
);

TRACE_EVENT(potad_migrate,
	TP_PROTO(u64 from, u64 to, unsigned int order, const char *type, int err),
	TP_ARGS(from, to, order, type, err),
	TP_STRUCT__entry(
		__field(u64, from)
		__field(u64, to)
		__field(unsigned int, order)
		__field(int, err)
		__array(char, type, 32)
	),
	TP_fast_assign(
		__entry->from = from;
		__entry->to = to;
		__entry->order = order;
		__entry->err = err;
		strscpy(__entry->type, type, sizeof(__entry->type));
	),
	TP_printk("from=0x%llx to=0x%llx order=%u type=%s err=%d", __entry->from,
		  __entry->to, __entry->order, __entry->type, __entry->err)
);

TRACE_EVENT(potad_run,
	TP_PROTO(u64 phys, u64 nr, unsigned int align, unsigned int order, u64 tried,
		 int err),
	TP_ARGS(phys, nr, align, order, tried, err),
	TP_STRUCT__entry(
		__field(u64, phys)
		__field(u64, nr)
		__field(u64, tried)
		__field(unsigned int, align)
		__field(unsigned int, order)
		__field(int, err)
	),
	TP_fast_assign(
		__entry->phys = phys;
		__entry->nr = nr;
		__entry->tried = tried;
		__entry->align = align;
		__entry->order = order;
		__entry->err = err;
	),
	TP_printk("phys=0x%llx nr=%llu align=%u order=%u tried=0x%llx err=%d",
		  __entry->phys, __entry->nr, __entry->align, __entry->order,
		  __entry->tried, __entry->err)
);

TRACE_DEFINE_ENUM(POTAD_IS_FREE);
TRACE_DEFINE_ENUM(POTAD_IS_BLOCK);
TRACE_DEFINE_ENUM(POTAD_IS_BARE);

TRACE_EVENT(memory_failure,
	TP_PROTO(const struct potad_event *event, const char *answer),
	TP_ARGS(event, answer),
	TP_STRUCT__entry(
		__field(u64, seq)
		__field(u64, phys)
		__field(u64, length)
		__field(u64, block)
		__field(u64, bytes)
		__field(unsigned int, flags)
		__field(unsigned int, what)
		__field(bool, late)
		__array(char, type, 32)
		__array(char, answer, 16)
	),
	TP_fast_assign(
		__entry->seq = event->seq;
		__entry->phys = event->phys;
		__entry->length = event->length;
		__entry->block = event->block;
		__entry->bytes = event->bytes;
		__entry->flags = event->flags;
		__entry->what = event->what;
		__entry->late = event->late;
		strscpy(__entry->type, event->type, sizeof(__entry->type));
		strscpy(__entry->answer, answer, sizeof(__entry->answer));
	),
	TP_printk("seq=%llu phys=0x%llx length=%llu block=0x%llx bytes=%llu offset=%llu type=%s answer=%s late=%d state=%s how=%s",
		  __entry->seq, __entry->phys, __entry->length, __entry->block,
		  __entry->bytes, __entry->bytes ? __entry->phys - __entry->block : 0,
		  __entry->type, __entry->answer, __entry->late,
		  __print_symbolic(__entry->what,
				   { POTAD_IS_FREE, "free" }, { POTAD_IS_BLOCK, "allocated" },
				   { POTAD_IS_BARE, "bare" }),
		  __print_flags(__entry->flags, ",",
				{ POTAD_FAIL_INJECTED, "injected" },
				{ POTAD_FAIL_SOFT, "soft" }))
);

TRACE_EVENT(potad_refused,
	TP_PROTO(const char *request, const char *reason, int err),
	TP_ARGS(request, reason, err),
	TP_STRUCT__entry(
		__array(char, request, 16)
		__array(char, reason, 96)
		__field(int, err)
	),
	TP_fast_assign(
		strscpy(__entry->request, request, sizeof(__entry->request));
		strscpy(__entry->reason, reason, sizeof(__entry->reason));
		__entry->err = err;
	),
	TP_printk("request=%s err=%d reason=\"%s\"", __entry->request,
		  __entry->err, __entry->reason)
);

#endif /* POTAD_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
