#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Requests without end, good ones and rubbish, from two threads at once: every
# answer must be the right one. This is the test for kernels with sanitizers, where
# the other scripts' many processes take too long. POTAD_ROUNDS says how many
# requests a thread makes, POTAD_SEED where to begin.

. "$(dirname "$0")/lib.sh"
begin
fresh || exit 1

rounds=${POTAD_ROUNDS:-5000}
seed=${POTAD_SEED:-1}

fuzz() {
	"$here/fuzz" "$dir" "$rounds" "$1" "$start" "$bytes"
	books
	same "blocks live" 0 "$(value stats blocks_live)"
}

racing() {
	"$here/freerace" "$dir" "$1"
}

pieces() {
	"$here/rawio" "$dir/alloc" line '4096 buf' read1 lseek 4 read1 fill 1048576 4 fill 4096 4 \
		pad 4095 4096 buf lseek 0 read badptr 8 badptr 4096 readbad nul 4096 buf empty read
}

check "F07 F08 random requests from two threads, first seed" fuzz "$seed"
check "F07 F08 random requests from two threads, second seed" fuzz $((seed + 1))
check "F19 of two threads that free the same handle one succeeds" racing 200
check "F08 F09 F11 long, torn and unmapped buffers" pieces

end
