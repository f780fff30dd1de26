# SPDX-License-Identifier: GPL-2.0
#
# potad's front door
#
# The kernel's half of the build is in Kbuild; this file only finds a kernel
# to build for and starts the scripts, so `make -C KDIR M=$PWD` and DKMS work
# without it. What is given on the command line (W=1, C=2, V=1, LLVM=1, CC=...,
# INSTALL_MOD_PATH=...) reaches the kernel's build by itself.

KVER ?= $(shell uname -r)
KDIR ?= /lib/modules/$(KVER)/build
export KSRC

# The scripts start kernel builds of their own, for other kernels: this make's
# flags, variables and job slots are not meant for those.
script = unset MAKEFLAGS MFLAGS MAKEOVERRIDES MAKELEVEL;

.PHONY: help modules modules_install clean host kunit kselftest check test demo lines contig fairness cost bench bench-lookup report fuzz space-bench mutants check-model

help: ## this text
	@echo 'potad - a power-of-two page allocator with descriptors, out of tree'
	@echo
	@sed -n 's/^\([a-z_-]*\):[^#]*## \(.*\)/\1|\2/p' $(firstword $(MAKEFILE_LIST)) | \
		while IFS='|' read -r target text; do printf '  %-16s %s\n' "$$target" "$$text"; done
	@echo
	@echo 'Variables:'
	@echo '  KVER=6.1.0-56-amd64  build for that kernel (default: the running one, $(KVER))'
	@echo '  KDIR=/path           kernel build tree or headers (default: /lib/modules/KVER/build)'
	@echo '  KSRC=/path           your kernel tree, for the kernels that demo and the tests boot'
	@echo '  LLVM=1 W=1 C=2 V=1   as in any kernel build'
	@echo '  INSTALL_MOD_PATH=DIR where modules_install puts lib/modules (default: /)'

modules: ## build potad.ko for the kernel KVER or the build tree KDIR
modules_install: ## install what modules built (root, or INSTALL_MOD_PATH)

modules modules_install:
	@test -f '$(KDIR)/.config' || { \
		echo 'potad: no kernel build tree at $(KDIR): install linux-headers-$(KVER)' \
			'or name another with KVER= or KDIR=' >&2; exit 1; }
	$(MAKE) -C '$(KDIR)' M='$(CURDIR)' $@

clean: ## remove what the build and the tests left here (kernels stay cached)
	@find . \( -path ./.git -o -path ./build \) -prune -o -type f \( \
		-name '*.o' -o -name '*.a' -o -name '*.ko' -o -name '*.mod' -o -name '*.mod.c' -o \
		-name '.*.cmd' -o -name '.*.d' -o -name Module.symvers -o -name modules.order \
		\) -exec rm -f {} +
	@rm -rf build out .tmp_versions

kunit: ## run the KUnit suites in user-mode Linux
	@$(script) scripts/deps build && scripts/run-kunit

host: ## run what of the tests runs in user space, under sanitizers
	@$(script) scripts/deps build host && scripts/run-host

kselftest: ## run the scripts over debugfs in a QEMU guest
	@$(script) scripts/deps build qemu && scripts/run-kselftest

check: ## run the static checks: checkpatch, sparse, W=1, kernel-doc, DKMS ...
	@$(script) scripts/deps build check dkms report && scripts/check

test: ## all of host, kunit, kselftest and check; the last line is the sum
	@$(script) scripts/test

demo: ## boot a test kernel and show the whole path, down to the comparison
	@$(script) scripts/demo

lines: ## count the cache lines and instructions of each operation, in QEMU
	@$(script) scripts/deps build qemu && scripts/lines/run

contig: ## ask for contiguous memory where a recording has filled it: potad, CMA, the kernel
	@$(script) scripts/deps build qemu && scripts/contig

bench: ## time every workload beside the native allocator, against targets, in UML
	@$(script) scripts/deps build && scripts/bench

bench-lookup: ## time and count the lookup indexes: words, maple tree, XArray
	@$(script) scripts/deps build qemu && scripts/bench-lookup

report: ## measure what is needed and draw it: out/report.html, one file; TRACES='FILE...'
	@$(script) scripts/deps build qemu report && \
		scripts/report/run $(addprefix --trace ,$(TRACES))

space-bench: ## time the space in user space, beside a list buddy: build/host/space-bench
	@$(script) scripts/deps host && scripts/host/build space-bench && \
		mkdir -p out && build/host/space-bench --all --json out/space-bench.json

fairness: ## measure in what the comparison with the native allocator is unfair, in UML
	@$(script) scripts/deps build && scripts/fairness

cost: ## show what one memory failure costs, beside the kernel's own ways, in QEMU
	@$(script) scripts/deps build qemu && scripts/cost/run

fuzz: ## fuzz the space in user space, with sanitizers, for SECONDS=60 (SEED= repeats)
	@$(script) scripts/deps host && scripts/host/fuzz $(or $(SECONDS),60) $(SEED)

mutants: ## break the space on purpose, in some 70 ways: a test must see each
	@$(script) scripts/deps build && scripts/mutants

check-model: ## run a few calls on two or three CPUs in every order, in user space
	@$(script) scripts/deps build && $(MAKE) -s -f scripts/host/explore.mk && build/host/explore
