# `make help` lists the targets. Needs Debian 12 or 13; `make build` installs missing packages.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := build
MAKEFLAGS += --no-builtin-rules

PREFIX ?= /usr/local
# The installed program's name: another program may have the name rt. Man pages and completion follow.
NAME ?= rt
MAN := build/man$(if $(filter-out rt,$(NAME)),-$(NAME))
# `make V=1` shows the commands.
Q := $(if $(V),,@)
say = @printf '  %-8s%s\n' $(1) $@

export PATH := $(CURDIR)/build/toolchain/bin:$(PATH)

BUILD_PACKAGES := gcc g++ make cmake musl-tools ca-certificates debian-archive-keyring xz-utils git libc6-dev linux-libc-dev
DEMO_PACKAGES := busybox-static
CHECK_PACKAGES := clang-format clang-tidy shellcheck
# The package of clang's sanitizer runtime depends on the version: 14 in Debian 12, 19 in Debian 13.
FUZZ_PACKAGES := clang libclang-rt-14-dev? libclang-rt-19-dev?
TEST_PACKAGES := $(DEMO_PACKAGES) crun runc libseccomp-dev procps umoci docker.io docker-cli? uidmap iproute2 \
	bash zsh fish man-db groff-base mandoc strace
ENGINES_PACKAGES := $(TEST_PACKAGES) containerd containernetworking-plugins tini podman conmon buildah redis-tools
# Without rpmbuild there is no RPM package.
DIST_PACKAGES := rpm?
BENCH_PACKAGES := $(TEST_PACKAGES) hyperfine

STAMPS := build/stamps

# ---- The target architecture, by Debian's name: this machine's, or another one on amd64 (make build ARCH=arm64), which
# builds only build/arm64/rt.

# With their names in compilers and in uname(2).
MACHINES := amd64:x86_64 arm64:aarch64 riscv64:riscv64
# Those that build natively; amd64 builds for all.
NATIVE := amd64 arm64
machine_of = $(patsubst $1:%,%,$(filter $1:%,$(MACHINES)))
THIS_MACHINE := $(shell uname -m)
THIS_ARCH := $(filter $(NATIVE),$(patsubst %:$(THIS_MACHINE),%,$(filter %:$(THIS_MACHINE),$(MACHINES))))
ARCH ?= $(THIS_ARCH)
MACHINE := $(call machine_of,$(ARCH))
ifeq ($(and $(MACHINE),$(filter $(ARCH) amd64,$(THIS_ARCH))),)
$(error rt is made on amd64 for each of $(foreach pair,$(MACHINES),$(firstword $(subst :, ,$(pair)))) (ARCH=), and on $(filter-out amd64,$(NATIVE)) for itself; this is $(THIS_MACHINE) with ARCH='$(ARCH)')
endif
ifeq ($(ARCH),$(THIS_ARCH))
OUT := build
MUSL_GCC ?= musl-gcc
MUSL_KERNEL_HEADERS := /usr/include /usr/include/$(shell uname -m)-linux-gnu
COMPILERS := $(STAMPS)/packages
# Runs target binaries, which sealing requires.
EMULATOR :=
else
OUT := build/$(ARCH)
CROSS_COMPILE ?= $(MACHINE)-linux-gnu-
MUSL_GCC ?= $(OUT)/musl-gcc
MUSL_KERNEL_HEADERS := /usr/$(MACHINE)-linux-gnu/include
COMPILERS := $(STAMPS)/packages $(STAMPS)/packages-$(ARCH) $(STAMPS)/musl-$(ARCH)
EMULATOR := qemu-$(MACHINE)-static
endif
# As usual, CC, CXX, OBJCOPY or CROSS_COMPILE choose the tools; CFLAGS, CPPFLAGS and LDFLAGS are added, except for the
# helper, which has no C library. CC must be a gcc: musl-gcc passes it specs. AR and STRIP have nothing to do.
ifeq ($(origin CC),default)
CC := $(CROSS_COMPILE)gcc
endif
ifeq ($(origin CXX),default)
CXX := $(CROSS_COMPILE)g++
endif
OBJCOPY ?= $(CROSS_COMPILE)objcopy
# QuickJS has atomic operations on bytes, which gcc leaves to its library on riscv64.
ATOMIC_LIBRARY := $(if $(filter riscv64,$(ARCH)),-latomic)
# Otherwise gcc calls libgcc for atomic operations, and the helper is linked without libraries.
ARCH_CFLAGS := $(if $(filter arm64,$(ARCH)),-mno-outline-atomics)
NODE_MODULES := $(STAMPS)/node-modules
BIN := node_modules/.bin

TS_SOURCES := $(shell find src schema \( -name '*.ts' -o -name '*.js' -o -name '*.json' \) ! -name '*.test.ts') package.json
HELPER_SOURCES := $(wildcard native/helper/*.c native/generated/*.c)
# unsealed.c replaces these in sanitizer builds.
HOST_SOURCES := $(filter-out %/unsealed.c,$(wildcard native/host/*.c)) native/generated/kernel.c
NATIVE_HEADERS := $(wildcard native/*/*.h native/host/*.def)

# The time that outputs contain, in seconds: that of the last commit. Files of a source archive have it, too.
ifeq ($(origin SOURCE_DATE_EPOCH),undefined)
SOURCE_DATE_EPOCH := $(shell { [ -e .git ] && git log -1 --format=%ct 2>/dev/null; } || stat --format=%Y Makefile)
endif

.PHONY: help demo test test-attacks test-faults test-upgrade test-vm test-engines test-engines-vm conformance build check mutants \
	fuzz bench soak races errors page test-page support \
	format generate fetch install uninstall dist test-packages check-reproducible clean
help: ## list the targets
	@sed -n 's/^\([a-z0-9-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

# ---- Set-up: stamps, so that a second run does nothing.

$(STAMPS)/packages: native/setup/packages.sh Makefile
	@mkdir -p $(@D)
	native/setup/packages.sh $(BUILD_PACKAGES)
	@touch $@

# packages-demo, packages-test and so on: the additional packages of the list of that name; packages-arm64 and so on: those
# of a compiler for that architecture.
cross_packages = $(foreach machine,$(call machine_of,$1),gcc-$(machine)-linux-gnu libc6-dev-$1-cross \
	linux-libc-dev-$1-cross qemu-user-static)
$(STAMPS)/packages-%: native/setup/packages.sh Makefile
	@mkdir -p $(@D)
	native/setup/packages.sh $(or $($(shell tr a-z A-Z <<<$*)_PACKAGES),$(call cross_packages,$*))
	@touch $@

$(STAMPS)/node: native/setup/node.sh | $(STAMPS)/packages
	native/setup/node.sh
	@touch $@

$(NODE_MODULES): package-lock.json native/setup/node-modules.sh | $(STAMPS)/node
	native/setup/node-modules.sh
	@touch $@

fetch: $(COMPILERS) $(STAMPS)/quickjs $(NODE_MODULES) ## download what a build needs; then make build OFFLINE=1 uses no network. INSTALL=no: name missing packages

# ---- QuickJS. Startup time decides: no position-independent code, and musl, because glibc queries the processor's
# caches before main with CPUID, and each CPUID exits a virtual machine (0.5 ms in total).

MUSL_CC := REALGCC='$(CC)' $(MUSL_GCC) $(MUSL_KERNEL_HEADERS:%=-idirafter %)

QUICKJS := build/quickjs/source
QUICKJS_OBJECTS := $(patsubst %,$(OUT)/quickjs/%.o,quickjs libregexp libunicode cutils dtoa)
# -fno-gcse: gcc's manual recommends it for interpreters with computed gotos.
QUICKJS_CFLAGS := $(ARCH_CFLAGS) -O2 -fno-gcse -fno-pie -fwrapv -ffunction-sections -fdata-sections \
	-fno-asynchronous-unwind-tables -D_GNU_SOURCE -DCONFIG_VERSION='"2025-04-26"' -w $(CPPFLAGS) $(CFLAGS)

$(STAMPS)/quickjs: native/setup/quickjs.sh | $(STAMPS)/packages
	native/setup/quickjs.sh
	@touch $@

$(STAMPS)/musl-%: native/setup/musl.sh native/setup/debian.sh | $(STAMPS)/packages-%
	native/setup/musl.sh $* $(call machine_of,$*)
	@touch $@

$(OUT)/quickjs/%.o: $(STAMPS)/quickjs | $(COMPILERS)
	$(call say,CC)
	@mkdir -p $(@D)
	$(Q)$(MUSL_CC) $(QUICKJS_CFLAGS) -c $(QUICKJS)/$*.c -o $@

$(STAMPS)/criu: native/setup/criu.sh | $(STAMPS)/packages
	native/setup/criu.sh
	@touch $@

$(STAMPS)/engines: $(wildcard $(addprefix conformance/engines/tools/,*.* cri/* buildkit/*)) | $(STAMPS)/packages
	conformance/engines/tools/build.sh
	@touch $@

$(STAMPS)/engines-client: $(wildcard $(addprefix conformance/engines/tools/,*.* cri/*)) | $(STAMPS)/packages
	conformance/engines/tools/build.sh cri
	@touch $@

$(STAMPS)/nvidia: $(wildcard conformance/engines/tools/nvidia/*) | $(STAMPS)/engines
	conformance/engines/tools/build.sh nvidia
	@touch $@

$(STAMPS)/kubernetes: $(wildcard $(addprefix conformance/engines/tools/kubernetes/,* */*)) | $(STAMPS)/engines
	conformance/engines/tools/build.sh kubernetes
	@touch $@

# ---- C: the helper, and the rt binary that embeds it.

WARNINGS := -Wall -Wextra -Werror -Wswitch-enum -Wformat=2 -Wstrict-prototypes
HELPER_CFLAGS := -std=gnu11 $(WARNINGS) $(ARCH_CFLAGS) -Os -ffreestanding -fno-pie -fno-stack-protector \
	-fno-asynchronous-unwind-tables -fno-tree-loop-distribute-patterns -ffunction-sections -fdata-sections -MMD -MP
HELPER_LDFLAGS := -static -nostdlib -no-pie -Wl,--gc-sections -Wl,-z,noexecstack \
	-Wl,-z,noseparate-code -Wl,--build-id=none -Wl,-z,norelro -s
HOST_CFLAGS := -std=gnu11 -D_GNU_SOURCE $(WARNINGS) $(ARCH_CFLAGS) -O2 -fno-pie -ffunction-sections -fdata-sections \
	-fno-asynchronous-unwind-tables -isystem $(QUICKJS) -MMD -MP $(CPPFLAGS) $(CFLAGS)
HOST_LDFLAGS := -static -no-pie -Wl,--gc-sections -Wl,-z,noexecstack -Wl,-z,now -Wl,--build-id=none -s $(LDFLAGS)

HELPER_OBJECTS := $(patsubst native/%.c,$(OUT)/helper-objects/%.o,$(HELPER_SOURCES))
# The host also runs programs (runProgram), with libc instead of freestanding.c.
HOST_OBJECTS := $(patsubst native/%.c,$(OUT)/host-objects/%.o,$(HOST_SOURCES) $(filter-out %/freestanding.c,$(HELPER_SOURCES)))

$(OUT)/helper-objects/%.o: native/%.c | $(COMPILERS)
	$(call say,CC)
	@mkdir -p $(@D)
	$(Q)$(CC) $(HELPER_CFLAGS) -c $< -o $@

$(OUT)/helper: $(HELPER_OBJECTS)
	$(call say,LD)
	$(Q)$(CC) $(HELPER_LDFLAGS) $^ -o $@

$(OUT)/host-objects/%.o: native/%.c $(STAMPS)/quickjs | $(COMPILERS)
	$(call say,CC)
	@mkdir -p $(@D)
	$(Q)$(MUSL_CC) $(HOST_CFLAGS) -c $< -o $@

CONFIG_SCHEMA := schema/config.schema.json

$(OUT)/host-objects/embedded.o: native/host/embedded.S $(OUT)/helper $(CONFIG_SCHEMA)
	$(call say,CC)
	@mkdir -p $(@D)
	$(Q)$(CC) -DRT_HELPER='"$(OUT)/helper"' -DRT_SCHEMA='"$(CONFIG_SCHEMA)"' -c $< -o $@

# The map lists the linked code, for NOTICE.
$(OUT)/rt-unsealed $(OUT)/rt.map &: $(HOST_OBJECTS) $(OUT)/host-objects/embedded.o $(QUICKJS_OBJECTS)
	@printf '  %-8s%s\n' LD $(OUT)/rt-unsealed
	$(Q)$(MUSL_CC) $(HOST_LDFLAGS) -Wl,-Map=$(OUT)/rt.map $^ -lm $(ATOMIC_LIBRARY) -o $(OUT)/rt-unsealed

# The native functions in QuickJS for their unit test, without the program or its heap.
NATIVE_TEST_OBJECTS := $(OUT)/host-objects/test/quickjs.o \
	$(filter-out $(patsubst %,$(OUT)/host-objects/host/%.o,rt engine arena arrange),$(HOST_OBJECTS))

$(OUT)/native-test: $(NATIVE_TEST_OBJECTS) $(OUT)/host-objects/embedded.o $(QUICKJS_OBJECTS)
	$(call say,LD)
	$(Q)$(MUSL_CC) $(HOST_LDFLAGS) $^ -lm -o $@

-include $(HELPER_OBJECTS:.o=.d) $(HOST_OBJECTS:.o=.d) $(OUT)/host-objects/test/quickjs.d

# ---- build/sanitized/rt, the same program with sanitizers. They need glibc and a dynamic executable, and do not support
# a heap image (native/host/unsealed.c). The helper has no library to report a fault, so it traps.

SANITIZED := build/sanitized
SANITIZERS := -g -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
HELPER_SANITIZERS := -g -fsanitize=undefined,bounds-strict -fsanitize-undefined-trap-on-error -fno-sanitize=alignment
# No UBSan for the engine: it calls functions through pointers of other types and relies on machine shifts.
ENGINE_SANITIZERS := -g -O2 -fno-omit-frame-pointer -fsanitize=address
SANITIZED_HOST := $(patsubst native/%.c,$(SANITIZED)/host/%.o,native/host/unsealed.c \
	$(filter-out %/arena.c %/arrange.c,$(HOST_SOURCES)) $(filter-out %/freestanding.c,$(HELPER_SOURCES)))
SANITIZED_HELPER := $(patsubst native/%.c,$(SANITIZED)/helper-objects/%.o,$(HELPER_SOURCES))
SANITIZED_ENGINE := $(patsubst %,$(SANITIZED)/quickjs/%.o,quickjs libregexp libunicode cutils dtoa)

$(SANITIZED)/host/%.o: native/%.c $(STAMPS)/quickjs | $(COMPILERS)
	$(call say,CC)
	@mkdir -p $(@D)
	$(Q)$(CC) $(filter-out -O2 -fno-pie,$(HOST_CFLAGS)) $(SANITIZERS) -c $< -o $@

# These run in a child that shares memory until execve, so AddressSanitizer's stack poisoning would persist.
$(addprefix $(SANITIZED)/host/,host/clone_helper.o host/read_memory.o helper/clone.o helper/hook.o): SANITIZERS := -g

$(SANITIZED)/helper-objects/%.o: native/%.c | $(COMPILERS)
	$(call say,CC)
	@mkdir -p $(@D)
	$(Q)$(CC) $(HELPER_CFLAGS) $(HELPER_SANITIZERS) -c $< -o $@

$(SANITIZED)/helper: $(SANITIZED_HELPER)
	$(call say,LD)
	$(Q)$(CC) $(filter-out -s,$(HELPER_LDFLAGS)) $^ -o $@

$(SANITIZED)/quickjs/%.o: $(STAMPS)/quickjs | $(COMPILERS)
	$(call say,CC)
	@mkdir -p $(@D)
	$(Q)$(CC) $(filter-out -fno-pie,$(QUICKJS_CFLAGS)) $(ENGINE_SANITIZERS) -c $(QUICKJS)/$*.c -o $@

# Parsing the program at each start would take most of the time.
$(SANITIZED)/code: build/rt-unsealed build/rt.js
	$(Q)build/rt-unsealed code build/rt.js $@

$(SANITIZED)/embedded.o: native/host/embedded.S $(SANITIZED)/helper $(SANITIZED)/code $(CONFIG_SCHEMA)
	$(Q)$(CC) -DRT_HELPER='"$(SANITIZED)/helper"' -DRT_SCHEMA='"$(CONFIG_SCHEMA)"' -DRT_CODE='"$(SANITIZED)/code"' -c $< -o $@

$(SANITIZED)/rt: $(SANITIZED_HOST) $(SANITIZED)/embedded.o $(SANITIZED_ENGINE)
	$(call say,LD)
	$(Q)$(CC) $(SANITIZERS) $(filter %.o,$^) -lm -o $@

-include $(SANITIZED_HOST:.o=.d) $(SANITIZED_HELPER:.o=.d)

# ---- TypeScript: one file for each host.

build/rt.js build/node/rt.js build/bundled.json &: native/build/bundle.mjs tsconfig.json $(TS_SOURCES) $(wildcard .git/logs/HEAD) $(NODE_MODULES)
	$(call say,BUNDLE)
	$(Q)node native/build/bundle.mjs

# make build ARRANGE=no leaves heap blocks in allocation order (native/host/arrange.h): slower, but simpler to debug.
ARRANGE ?= yes

$(STAMPS)/arrange-%:
	@mkdir -p $(@D) && rm -f $(STAMPS)/arrange-* && touch $@

# Evaluates the program once; rt starts with the resulting heap (native/host/arena.h).
$(OUT)/rt: $(OUT)/rt-unsealed build/rt.js native/build/rehearsal.js conformance/configs/docker.json $(STAMPS)/arrange-$(ARRANGE)
	$(call say,SEAL)
	$(Q)$(EMULATOR) $(OUT)/rt-unsealed image build/rt.js $(OUT)/rt.heap $(if $(filter yes,$(ARRANGE)),native/build/rehearsal.js)
	$(Q)$(OBJCOPY) --update-section .rt_heap=$(OUT)/rt.heap $(OUT)/rt-unsealed $@.new
	@rm $(OUT)/rt.heap && mv $@.new $@

build/node/rt.node: export CC := $(CC)
build/node/rt.node: export CXX := $(CXX)
build/node/rt.node: native/CMakeLists.txt native/package.json native/host/addon.cc $(HOST_SOURCES) $(HELPER_SOURCES) \
		$(NATIVE_HEADERS) native/host/embedded.S build/helper $(CONFIG_SCHEMA) $(NODE_MODULES)
	$(call say,ADDON)
	$(Q)$(BIN)/cmake-js compile --silent --directory native --out build/addon >build/addon.log || { cat build/addon.log; exit 1; }
	$(Q)cp build/addon/Release/rt.node $@.new && mv $@.new $@

# V8's code cache, which saves compiling the program at each start (src/host/main-node.ts).
build/node/program.cache: native/build/node-cache.mjs build/node/rt.js build/node/rt.node native/build/rehearsal.js conformance/configs/docker.json
	$(call say,CACHE)
	$(Q)node $< build/node native/build/rehearsal.js

# The package's type declarations.
build/types: native/build/types.ts tsconfig.json $(TS_SOURCES) $(NODE_MODULES)
	$(call say,TYPES)
	$(Q)$(BIN)/tsx $<
	@touch $@

# Man pages and completion, from the table of the option parser.
$(sort build/man build/man-oci-rt $(MAN)): export SOURCE_DATE_EPOCH := $(SOURCE_DATE_EPOCH)
$(sort build/man build/man-oci-rt $(MAN)): native/build/man.ts $(TS_SOURCES) $(NODE_MODULES)
	$(call say,MAN)
	$(Q)$(BIN)/tsx $< $@.new $(or $(patsubst build/man-%,%,$(filter build/man-%,$@)),rt)
	@rm -rf $@ && mv $@.new $@

build/completion: $(OUT)/rt
	$(call say,MAKE)
	@mkdir -p $@
	$(Q)$(EMULATOR) $(OUT)/rt completion bash >$@/bash
	$(Q)$(EMULATOR) $(OUT)/rt completion zsh >$@/zsh
	$(Q)$(EMULATOR) $(OUT)/rt completion fish >$@/fish
	@touch $@

build: $(OUT)/rt $(if $(EMULATOR),,build/node/program.cache build/types build/man build/completion) ## build build/rt (static binary) and build/node (for Node)

demo: build $(STAMPS)/packages-demo ## run a container and explain the steps
	conformance/demo.sh

# ---- Tests. Both groups run to completion before the result.

ENGINE_TESTS = $(shell find conformance/engines -name '*.test.ts')
UNIT_TESTS = $(shell find src schema conformance/fuzz -name '*.test.ts')
CONFORMANCE_TESTS = $(shell find conformance -name '*.test.ts' ! -path '*/engines/*' ! -path '*/fuzz/*' ! -path '*/page/*' ! -path '*/upgrade/*')
# The full output goes to a file, a line per test file to the screen.
TAP_OPTIONS = --reporter=tap --output-file=build/tap/$(1).tap
TAP_PROGRESS := awk '/^(not )?ok / && !seen[$$0]++ { print; fflush() }'

# make test FILE=src/plan/plan.test.ts runs one file with the runner for its kind; CASE=hostname selects tests by name. Files
# in conformance run on the hosts in RT_RUNTIMES, rt,node by default. A unit file needs no build.
ifdef FILE
KIND := $(or $(if $(filter conformance/engines/%,$(FILE)),engines),$(if $(filter-out conformance/fuzz/%,$(filter conformance/%,$(FILE))),conformance),unit)
ONE_unit = $(BIN)/tap run --timeout=120
ONE_conformance = $(if $(SANITIZE),RT_RUNTIMES=sanitized RT_PATIENCE=$${RT_PATIENCE:-5}) conformance/harness/run.sh
ONE_engines = RT_RUNTIMES=$${RT_RUNTIMES:-runc,rt} unshare --mount conformance/harness/own-cgroups.sh conformance/harness/run.sh
NEEDS_unit := $(NODE_MODULES)
NEEDS_conformance := build $(STAMPS)/packages-test $(if $(SANITIZE),$(SANITIZED)/rt)
NEEDS_engines := build $(STAMPS)/packages-engines $(STAMPS)/engines

test: $(NEEDS_$(KIND))
	@$(ONE_$(KIND)) $(if $(CASE),--grep='$(CASE)') $(FILE)
else
# make test SANITIZE=1 runs only the container tests, with build/sanitized/rt, which is slower.
test: build build/native-test $(STAMPS)/packages-test $(STAMPS)/criu $(if $(SANITIZE),$(SANITIZED)/rt) ## unit tests, then tests with real containers, ten minutes; SANITIZE=1: with sanitizers; FILE=... for one file (needs root)
	@mkdir -p build/tap
	@rm -f build/tap/unit.tap build/tap/conformance.tap
ifdef SANITIZE
	@RT_RUNTIMES=sanitized RT_PATIENCE=$${RT_PATIENCE:-5} conformance/harness/run.sh --jobs=1 --timeout=0 \
		$(call TAP_OPTIONS,conformance) $(CONFORMANCE_TESTS) | $(TAP_PROGRESS) || true
	@node native/build/totals.mjs build/tap/conformance.tap
else
	@$(BIN)/tap run --timeout=120 $(call TAP_OPTIONS,unit) $(UNIT_TESTS) | $(TAP_PROGRESS) || true
	@conformance/harness/run.sh --jobs=3 $(call TAP_OPTIONS,conformance) $(CONFORMANCE_TESTS) | $(TAP_PROGRESS) || true
	@node native/build/totals.mjs build/tap/unit.tap build/tap/conformance.tap
endif
endif

# ROUNDS: the number of times each race runs. Many attacks succeed on Debian's old runc and crun, which shows that the attacks
# work, so failing files do not fail the target: the table decides, also in build/attacks.json. ATTACK_TESTS=FILE runs one file.
ROUNDS ?= 100
ATTACK_TESTS = $(wildcard conformance/attacks/*.test.ts)

test-attacks: build $(STAMPS)/packages-test ## attacks on rt, runc and crun side by side; ROUNDS=100 of each race (needs root)
	@mkdir -p build/tap
	@rm -f build/attacks.lines build/tap/attacks.tap
	@RT_RUNTIMES=rt,node,runc,crun RT_ROUNDS=$(ROUNDS) RT_PATIENCE=60 RT_ATTACKS=$(CURDIR)/build/attacks.lines \
		conformance/harness/run.sh --jobs=1 --timeout=0 $(call TAP_OPTIONS,attacks) $(ATTACK_TESTS) | $(TAP_PROGRESS) | \
		sed -u 's/^.*ok [0-9]* - //' || true
	@$(BIN)/tsx conformance/attacks/table.ts build/attacks.lines build/attacks.json

# The virtual machines: Debian release, cgroup version, security module. Each uses one processor of this machine and runs two
# test files at a time with the binary. The suffix `-node`: the cases below with Node, which takes seconds per command there;
# `-2of3`: a third of the files.
# The releases are 11, 12, 13 and sid, whose kernels are the oldest and the newest in the archive; no rt runs on that of 11.
# RELEASE-initramfs: a machine with only the initial filesystem. 11-too-old: the same, and the error of rt there. 13-arm64-v2: an emulated arm64 processor, with
# build/arm64/rt; arm64: the same, but only the life of one container.
VM_VARIANTS ?= 12-v2-apparmor 13-v1-apparmor 12-v1-apparmor 13-v2-apparmor 12-v2-selinux 13-v2-apparmor-node 12-initramfs arm64
VM_NODE_CASES ?= lifecycle mounts cgroups systemd
# Case names to which the other machines are restricted; VM_CASES_13-v1-apparmor restricts only that machine.
VM_CASES ?=
VM_JOBS ?= $(shell nproc)

# The page is tested in Debian's Chromium, or in the program that CHROMIUM names.
page: build/page.html ## one HTML file that validates, explains and plans a config in a browser

build/page.html: $(wildcard src/page/* src/bundle/*.ts src/explain/*.ts src/plan/*.ts src/plan/*/*.ts src/diag/*.ts) native/build/page.mjs | build
	$(call say,PAGE)
	$(Q)node native/build/page.mjs

PAGE_PACKAGES := chromium

test-page: page $(if $(CHROMIUM),,$(STAMPS)/packages-page) ## that page in a browser
	@$(BIN)/tap run --timeout=120 conformance/page/page.test.ts

test-vm: build $(STAMPS)/criu ## the container tests in virtual machines: cgroup v1 and v2, systemd, two kernels (needs root)
	@mkdir -p build/tap
	@rm -f build/tap/vm-*
	@$(MAKE) --no-print-directory --jobs=$(VM_JOBS) $(VM_VARIANTS:%=vm-%)
	@node native/build/totals.mjs $(VM_VARIANTS:%=build/tap/vm-%.tap)

vm-arm64: ## a container's life cycle in an arm64 virtual machine, with build/arm64/rt (needs root)
vm-arm64-16k: ## the same with a kernel whose pages have 16 KiB
vm-riscv64: ## the same for riscv64
vm-arm64 vm-arm64-16k vm-riscv64: vm-%: | build
	@$(MAKE) --no-print-directory build ARCH=$(firstword $(subst -, ,$*))
	@mkdir -p build/tap
	@conformance/vm/emulated.sh $* | tee build/tap/$@.tap | $(TAP_PROGRESS) | sed -u 's/^/$*: /' || true

vm-%-initramfs: | build
	@mkdir -p build/tap
	@conformance/vm/initramfs.sh $* | tee build/tap/$@.tap | $(TAP_PROGRESS) | sed -u 's/^/$*-initramfs: /' || true

# A machine that stops prematurely is started once more, which is logged.
vm-%-too-old: | build
	@mkdir -p build/tap
	@conformance/vm/initramfs.sh $* too-old | tee build/tap/$@.tap | $(TAP_PROGRESS) | sed -u 's/^/$*-too-old: /' || true

vm-%: | build
	@IFS=- read -r kernel cgroup lsm rest <<<"$*"; arch=amd64; \
	if [ $$cgroup = arm64 ]; then \
		arch=arm64 cgroup=$$lsm lsm=apparmor; \
		$(MAKE) --no-print-directory build ARCH=arm64; \
	fi; \
	case $$rest in node) export RT_RUNTIMES=node; cases=node ;; *of*) part=$$rest ;; esac; \
	for before in '' '# again: machine $*: not ok the first one ended in the middle'; do \
		status=0; \
		{ echo "$$before"; RT_RUNTIMES=$${RT_RUNTIMES:-rt} conformance/vm/run.sh \
			--kernel $$kernel --arch $$arch --cgroup $$cgroup --lsm $$lsm --part $${part:-1of1} --deadline 3600 \
			$(patsubst %,conformance/cases/%.test.ts,$(or $(VM_CASES_$*),$(VM_CASES))) $${cases:+$(VM_NODE_CASES:%=conformance/cases/%.test.ts)}; } | \
			tee build/tap/vm-$*.tap | $(TAP_PROGRESS) | sed -u 's/^/$*: /' || status=$${PIPESTATUS[0]}; \
		[ "$$status" = 125 ] || break; \
	done

# make test-engines KUBELET=1 also runs pods of a real kubelet, without and with an API server. The first build takes eight
# minutes of processor time. NVIDIA=1: also the NVIDIA container runtime in front of rt, one minute.
test-engines: build $(STAMPS)/packages-engines $(STAMPS)/engines $(if $(KUBELET),$(STAMPS)/kubernetes) $(if $(NVIDIA),$(STAMPS)/nvidia) $(STAMPS)/criu ## containerd, Docker, Podman, BuildKit and the CRI, with runc, then rt (needs root)
	@mkdir -p build/tap
	@rm -f build/tap/engines.tap
	@RT_RUNTIMES=runc,rt unshare --mount conformance/harness/own-cgroups.sh \
		conformance/harness/run.sh --jobs=1 $(call TAP_OPTIONS,engines) $(ENGINE_TESTS) | $(TAP_PROGRESS) || true
	@conformance/harness/machine.sh >>build/tap/engines.tap
	@awk '/ ok [0-9]+ - nothing remains/ { clean++ } END { print clean + 0, "cases left no process, mount, cgroup, state or file" }' \
		build/tap/engines.tap
	@node native/build/totals.mjs build/tap/engines.tap

# The engines of Debian 13 as their packages deploy them: services of systemd in a virtual machine with cgroup v2, systemd's
# cgroup driver and AppArmor.
# KUBELET=1: instead a kubelet, without and with an API server, above the containerd 2 that tools/build.sh makes.
ENGINES_VM_TESTS ?= $(if $(KUBELET),kubelet kubernetes,docker-service podman-service containerd-service \
	$(if $(SHORT),,docker podman podman-pods podman-systemd containerd))
ENGINES_VM_PROGRAMS := cri $(if $(KUBELET),containerd containerd-shim-runc-v2 ctr kubelet kube-apiserver kubectl etcd)
# ENGINES_VM_RELEASE=sid: the engines and the kernel of Debian sid.
ENGINES_VM_RELEASE ?= 13
ENGINES_VM_TAP := $(if $(SHORT),short-)engines-vm$(if $(KUBELET),-kubelet)$(if $(filter 13,$(ENGINES_VM_RELEASE)),,-$(ENGINES_VM_RELEASE)).tap
# SHORT=1: the life of a container and its limits with each of the services, with rt alone.
ENGINES_VM_ALL := runc,rt
ENGINES_VM_RUNTIMES := $(if $(SHORT),rt,$(ENGINES_VM_ALL))
ENGINES_VM_CASE := $(if $(SHORT),limits are properties|(service|root): a life|a pod in a slice|the cgroups of a pod|changed in place)

test-engines-vm: build $(STAMPS)/criu $(STAMPS)/engines-client $(if $(KUBELET),$(STAMPS)/engines $(STAMPS)/kubernetes) ## Docker, Podman and containerd of Debian 13 as deployed, in a virtual machine, with runc, then rt (needs root); SHORT=1: a few cases, with rt; ENGINES_VM_RELEASE=sid: those of sid; KUBELET=1: Kubernetes instead
	@mkdir -p build/tap
	@RT_RUNTIMES=$${RT_RUNTIMES:-$(ENGINES_VM_RUNTIMES)} RT_CASE=$${RT_CASE:-'$(ENGINES_VM_CASE)'} RT_SERVICES=1 RT_JOBS=1 RT_AGAIN=1 \
		conformance/vm/run.sh --kernel $(ENGINES_VM_RELEASE) --engines --memory 4096 \
		$(ENGINES_VM_PROGRAMS:%=--with engines/bin/%) --deadline $(if $(KUBELET),10800,5400) $(ENGINES_VM_TESTS:%=conformance/engines/%.test.ts) | \
		tee build/tap/$(ENGINES_VM_TAP) | $(TAP_PROGRESS) | sed -u 's/^/engines: /' || true
	@node native/build/totals.mjs build/tap/$(ENGINES_VM_TAP)

# From the results that test-vm, test-engines and test-engines-vm left in build/tap; rows of other machines stay.
support: ## bring the table of docs/support.md up to date with the tests that were run
	@node conformance/vm/support.mjs $(shell grep --files-with-matches '^. machine: ' build/tap/vm-*.tap build/tap/engines*.tap)

# SHARD=1/4 tries a quarter of the points. An interrupted run resumes when restarted. VM=1: the sample with cgroup v2 and
# systemd, in a virtual machine.
test-faults: build $(STAMPS)/packages-test ## inject a failure or a kill at each system call: half an hour, or less with SHARD=1/2 and 2/2; SAMPLE=1: a sample, one minute (needs root)
ifdef VM
	@rm -rf build/faults/machine
	@node conformance/vm/bundle.mjs build/faults/machine conformance/faults/run.ts
	@RT_PATIENCE=$${RT_PATIENCE:-10} conformance/vm/run.sh --deadline 3600 --with faults/machine -- \
		env SAMPLE=1 HOST=rt node build/faults/machine/run.mjs
else
	@node --import=tsx conformance/faults/run.ts
endif

# FROM: a commit of this repository, by default the one in conformance/upgrade/from; OLD=FILE: a binary that is there. VM=1:
# with the engines of Debian 13, cgroup v2 and systemd, in a virtual machine.
FROM ?= $(shell cat conformance/upgrade/from)
EARLIER := build/upgrade/$(if $(OLD),old,$(FROM))/rt
UPGRADE_TESTS := $(wildcard conformance/upgrade/*.test.ts)

test-upgrade: build $(STAMPS)/criu $(if $(VM),,$(STAMPS)/packages-engines) $(EARLIER) ## replace rt by another version while containers run, and go back; FROM=COMMIT or OLD=FILE; VM=1: in a virtual machine with cgroup v2 and systemd (needs root)
	@mkdir -p build/tap
ifdef VM
	@RT_EARLIER=$(EARLIER) RT_JOBS=1 conformance/vm/run.sh --kernel 13 --engines --memory 4096 --deadline 3600 \
		--with $(EARLIER:build/%=%) $(UPGRADE_TESTS) | tee build/tap/upgrade.tap | $(TAP_PROGRESS) | sed -u 's/^/upgrade: /' || true
else
	@RT_EARLIER=$(EARLIER) unshare --mount conformance/harness/own-cgroups.sh \
		conformance/harness/run.sh --jobs=1 $(call TAP_OPTIONS,upgrade) $(UPGRADE_TESTS) | $(TAP_PROGRESS) || true
endif
	@node native/build/totals.mjs build/tap/upgrade.tap

build/upgrade/old/rt: $(OLD)
	@mkdir -p $(@D)
	@cp $(OLD) $@

# Built from the commit's files, in a directory of their own.
build/upgrade/%/rt:
	$(call say,BUILD)
	@rm -rf $(@D) && mkdir -p $(@D)/source
	$(Q)git archive $* | tar -x -C $(@D)/source
	$(Q)$(MAKE) --no-print-directory -C $(@D)/source build/rt
	@mv $(@D)/source/build/rt $@
	@rm -rf $(@D)/source

conformance: build $(STAMPS)/packages-test ## OCI's validation programs, with runc and crun as controls (needs root)
	@conformance/oci/build.sh
	@conformance/oci/run

# make bench SCALE=1 measures with 1,000 running containers and 5,000 mounts: five minutes. The results are also in
# build/bench.json or build/bench-scale.json. VM=amd64 or VM=arm64: in a virtual machine with cgroup v2 and systemd, whose
# times are those of an emulation: only their ratios say something.
BENCH_ROUNDS ?= $(if $(VM),20,100)
ifdef VM
bench: build
	$(if $(PEERS),$(error PEERS=$(PEERS): the machine has Debian 13's crun and runc alone))
	@$(if $(filter arm64,$(VM)),$(MAKE) --no-print-directory build ARCH=arm64)
	@node --import=tsx conformance/bench/programs.ts $(VM)
	@rm -rf build/bench && node conformance/vm/bundle.mjs build/bench/machine conformance/bench/run.ts
	@RT_BENCH_SCRIPT=../../build/bench/machine/run.mjs conformance/vm/run.sh --kernel 13 --arch $(VM) --with bench/machine \
		--deadline 3600 -- conformance/bench/run --rounds $(BENCH_ROUNDS) --runtimes rt,crun,runc $(if $(SCALE),--scale) $(if $(BUSY),--busy)
else
bench: build $(STAMPS)/packages-bench $(if $(filter new,$(PEERS)),$(STAMPS)/newest-peers) ## compare with crun, runc and the kernel floor; SCALE=1: on a host with many mounts or containers; BUSY=1: a minute of a busy one; PEERS=new: with those of Debian sid, too; VM=amd64|arm64: in a virtual machine (needs root)
	conformance/bench/run --rounds $(BENCH_ROUNDS) $(if $(filter new,$(PEERS)),--newest) --json build/bench$(if $(SCALE),-scale.json --scale,$(if $(BUSY),-busy.json --busy,.json))
endif

$(STAMPS)/newest-peers: conformance/bench/newest-peers.sh native/setup/debian.sh | $(STAMPS)/packages-bench
	conformance/bench/newest-peers.sh
	@touch $@

# Both take about five minutes, or less with a smaller number: make soak RUNS=1000, make races CALLS=1000. Both wait for the
# kernel's deferred cleanup, then list leftovers.
RUNS ?= 20000
CALLS ?= 60000

soak: build $(STAMPS)/packages-demo ## run 20,000 containers, or RUNS=N, and check for leftovers on the host (needs root)
	RUNS=$(RUNS) $(BIN)/tsx conformance/soak/run.ts

races: build $(STAMPS)/packages-demo ## 16 callers make 60,000 calls, or CALLS=N; some are stopped or killed (needs root)
	CALLS=$(CALLS) conformance/races/run

# WORDS=hook tries only the mistakes whose name contains the word. The messages side by side are in build/errors.md.
errors: build $(STAMPS)/packages-test ## what rt, runc and crun say about some 300 mistakes, with a score: three minutes (needs root)
	conformance/errors/run build/errors.md $(WORDS)

# ---- Fuzzing: conformance/fuzz. Each file in conformance/fuzz/native becomes a libFuzzer program.

FUZZ := build/fuzz/native
FUZZ_PROGRAMS := $(patsubst conformance/fuzz/native/%.c,$(FUZZ)/native-%,$(wildcard conformance/fuzz/native/*.c))
FUZZ_CFLAGS := -std=gnu11 -D_GNU_SOURCE -g -O1 -isystem $(QUICKJS)
FUZZ_SANITIZERS := -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined
FUZZ_ENGINE := $(patsubst %,$(FUZZ)/%.o,quickjs libregexp libunicode cutils dtoa)
$(FUZZ)/native-program: NATIVE_PARTS := native/helper/program.c
$(FUZZ)/native-control: NATIVE_PARTS := $(addprefix native/,host/control.c host/notify.c host/address.c helper/decimal.c helper/descriptor.c)
$(FUZZ)/native-engine: NATIVE_PARTS := native/host/quickjs.c native/host/pack.c $(FUZZ_ENGINE)
$(FUZZ)/native-engine: $(FUZZ_ENGINE)

$(FUZZ)/%.o: $(STAMPS)/quickjs | $(STAMPS)/packages-fuzz
	$(call say,CC)
	@mkdir -p $(@D)
	$(Q)clang $(filter-out -fno-gcse -fno-pie,$(QUICKJS_CFLAGS)) -g -O1 -fsanitize=fuzzer-no-link,address -c $(QUICKJS)/$*.c -o $@

$(FUZZ)/native-%: conformance/fuzz/native/%.c conformance/fuzz/native/fuzz.h $(HELPER_SOURCES) $(HOST_SOURCES) $(NATIVE_HEADERS) | $(STAMPS)/packages-fuzz $(STAMPS)/quickjs
	$(call say,CC)
	@mkdir -p $(@D)
	$(Q)clang $(FUZZ_CFLAGS) $(FUZZ_SANITIZERS) $(sort $< $(NATIVE_PARTS)) -lm -o $@

# Compiled plans are the decoder's seed inputs.
$(FUZZ)/corpus: conformance/fuzz/seeds.ts $(TS_SOURCES) $(NODE_MODULES)
	$(Q)$(BIN)/tsx $< $@
	@touch $@

SECONDS ?= 60
fuzz: $(STAMPS)/packages-fuzz $(FUZZ_PROGRAMS) $(FUZZ)/corpus ## feed generated data to decoders, parsers and the compiler; SECONDS=60 in total, SEED=N
	$(BIN)/tsx conformance/fuzz/run.ts --native=$(FUZZ) --seconds=$(SECONDS) $(if $(SEED),--seed=$(SEED))

# ---- Checks without root.

check-reproducible: fetch ## build twice, in two places and surroundings, and compare the outputs
	@SOURCE_DATE_EPOCH=$(SOURCE_DATE_EPOCH) native/build/check-reproducible.sh

mutants: $(NODE_MODULES) ## mutate the order of operations: the unit tests must notice each change; five minutes
	$(BIN)/tsx conformance/mutants/run.ts

# Each part also runs alone: make check-lint. check-generated runs first, because the others read the files that it writes.
CHECKS := format types lint imports unused scripts c docs
cure = || { echo 'check: $(1)' >&2; exit 1; }

check: build $(STAMPS)/packages-check ## format, lint, types, imports, unused code, scripts, C, generated files, tables of docs
	@$(MAKE) --no-print-directory check-generated
	@$(MAKE) --no-print-directory --keep-going --output-sync --jobs=$(shell nproc) $(CHECKS:%=check-%)

.PHONY: $(CHECKS:%=check-%) check-generated

C_FILES := $(filter-out native/generated/%,$(wildcard native/*/*.c native/*/*.h native/*/*.cc))

check-format:
	$(call say,CHECK)
	$(Q)$(BIN)/prettier --log-level=warn --check . $(call cure,make format mends that)
	$(Q)clang-format --dry-run -Werror $(C_FILES) $(call cure,make format mends that)

check-types:
	$(call say,CHECK)
	$(Q)$(BIN)/tsc
	$(Q)$(BIN)/tsc --project src/page

check-lint:
	$(call say,CHECK)
	$(Q)$(BIN)/eslint --cache --cache-location build/eslintcache . $(call cure,a rule and its reason stand in eslint.config.js)

check-imports:
	$(call say,CHECK)
	$(Q)$(BIN)/depcruise --config .dependency-cruiser.mjs --output-type err $(IMPORTING) >build/imports.log || \
		{ cat build/imports.log; false; } $(call cure,the table at the top of .dependency-cruiser.mjs says which folder imports which)

IMPORTING := src schema test conformance native/build native/test

check-unused:
	$(call say,CHECK)
	$(Q)$(BIN)/knip $(call cure,delete what nobody uses; a program that is started by name is an entry of knip.jsonc)

check-scripts:
	$(call say,CHECK)
	$(Q)shellcheck --severity=warning $$(grep -rlE '^#! ?/bin/(ba)?sh' .ci native conformance packaging) \
		$(call cure,a false warning has a comment: shellcheck disable=SCNNNN and the reason)

GENERATED := schema/generated native/generated src/kernel docs/ops.md docs/protocol.md docs/api.md docs/cli.md docs/errors.md NOTICE

check-generated:
	$(call say,CHECK)
	@rm -rf build/generated && mkdir -p build/generated/found && cp -rp --parents $(GENERATED) build/generated/found
	$(Q)$(BIN)/tsx schema/build/ops.ts
	$(Q)$(BIN)/tsx schema/build/errors.ts
	$(Q)$(BIN)/tsx schema/build/protocol.ts
	$(Q)$(BIN)/tsx schema/build/validator.ts
	$(Q)$(BIN)/tsx schema/build/kernel.ts
	$(Q)$(BIN)/tsx native/build/manual.ts
	$(Q)$(BIN)/tsx native/build/api.ts
	$(Q)$(BIN)/tsx native/build/notice.ts
	@mkdir build/generated/made && cp -r --parents $(GENERATED) build/generated/made
	$(Q)diff -r build/generated/found build/generated/made \
		$(call cure,these files were not what make generate writes. They are now; commit them)
	@cp -rp build/generated/found/. . # as old as before: nothing is made anew

check-docs:
	$(call say,CHECK)
	$(Q)$(BIN)/tap run --reporter=terse schema/spec-conformance.test.ts schema/security.test.ts \
	  schema/differences.test.ts schema/contributing.test.ts schema/errors.test.ts

# clang-tidy takes seconds per file, so it rechecks only files whose objects were rebuilt.
TIDY := build/tidy
TIDIED := $(patsubst native/%,$(TIDY)/%.ok,$(filter-out native/generated/%,$(HELPER_SOURCES) $(HOST_SOURCES)) native/host/addon.cc)
TIDY_CFLAGS := -std=gnu11 -D_GNU_SOURCE -isystem $(QUICKJS)
TIDY_CXXFLAGS := -std=c++17 -DNAPI_VERSION=8 -DNAPI_DISABLE_CPP_EXCEPTIONS -isystem node_modules/node-addon-api \
	-isystem node_modules/node-api-headers/include
tidy = @mkdir -p $(@D) && clang-tidy --quiet $< -- $(1) >$@.log 2>/dev/null || { cat $@.log; false; } \
	$(call cure,the checks and what is left out stand in .clang-tidy) && touch $@

check-c: $(TIDIED)

$(TIDY)/helper/%.c.ok: native/helper/%.c build/helper-objects/helper/%.o .clang-tidy
	$(call tidy,$(TIDY_CFLAGS))

$(TIDY)/host/%.c.ok: native/host/%.c build/host-objects/host/%.o .clang-tidy
	$(call tidy,$(TIDY_CFLAGS))

$(TIDY)/host/addon.cc.ok: native/host/addon.cc build/node/rt.node .clang-tidy
	$(call tidy,$(TIDY_CXXFLAGS))

format: $(NODE_MODULES) $(STAMPS)/packages-check ## format the sources
	$(BIN)/prettier --log-level=warn --write .
	clang-format -i $(C_FILES)

generate: $(NODE_MODULES) $(STAMPS)/packages-test ## regenerate files: code from schema/, libseccomp and kernel headers, printed plans, pages of docs, NOTICE
	$(BIN)/tsx schema/build/ops.ts
	$(BIN)/tsx schema/build/errors.ts
	$(BIN)/tsx schema/build/protocol.ts
	$(BIN)/tsx schema/build/validator.ts
	$(BIN)/tsx schema/build/syscalls.ts
	$(BIN)/tsx schema/build/kernel.ts
	$(BIN)/tsx schema/build/plans.ts
	$(BIN)/tsx native/build/manual.ts
	$(BIN)/tsx native/build/api.ts
	@$(MAKE) --no-print-directory build/rt.map build/bundled.json
	$(BIN)/tsx native/build/notice.ts

SHARE := $(DESTDIR)$(PREFIX)/share
DOCUMENTS := LICENSE NOTICE CHANGELOG.md
EXAMPLES := daemon.json containers.conf
SCHEMAS := $(CONFIG_SCHEMA) schema/features.schema.json schema/state.schema.json
named := sed -E 's/\brt\b/$(NAME)/g; s/\b_rt\b/_$(NAME)/g'

install: $(OUT)/rt $(MAN) build/completion ## install PREFIX=/usr/local: build/rt, man pages, completion for shells, licences; DESTDIR, NAME=oci-rt
	install -D --mode=755 $(OUT)/rt $(DESTDIR)$(PREFIX)/bin/$(NAME)
	install -D --mode=644 --target-directory=$(SHARE)/man/man1 $(MAN)/*.1
	$(named) build/completion/bash | install -D --mode=644 /dev/stdin $(SHARE)/bash-completion/completions/$(NAME)
	$(named) build/completion/zsh | install -D --mode=644 /dev/stdin $(SHARE)/zsh/site-functions/_$(NAME)
	$(named) build/completion/fish | install -D --mode=644 /dev/stdin $(SHARE)/fish/vendor_completions.d/$(NAME).fish
	install -D --mode=644 --target-directory=$(SHARE)/doc/$(NAME) $(DOCUMENTS)
	for example in $(EXAMPLES); do sed 's|@PROGRAM@|$(PREFIX)/bin/$(NAME)|' packaging/examples/$$example | \
		install -D --mode=644 /dev/stdin $(SHARE)/doc/$(NAME)/examples/$$example; done
	install -D --mode=644 --target-directory=$(SHARE)/$(NAME)/schema $(SCHEMAS)

uninstall: $(MAN) ## remove what make install with the same PREFIX, DESTDIR and NAME installed
	rm -f $(DESTDIR)$(PREFIX)/bin/$(NAME) $(SHARE)/bash-completion/completions/$(NAME) $(SHARE)/zsh/site-functions/_$(NAME) \
		$(SHARE)/fish/vendor_completions.d/$(NAME).fish $(addprefix $(SHARE)/doc/$(NAME)/,$(DOCUMENTS) $(addprefix examples/,$(EXAMPLES))) \
		$(addprefix $(SHARE)/$(NAME)/,$(SCHEMAS))
	cd $(MAN) && for page in *.1; do rm -f $(SHARE)/man/man1/$$page; done
	@rmdir $(SHARE)/doc/$(NAME)/examples $(SHARE)/doc/$(NAME) $(SHARE)/$(NAME)/schema $(SHARE)/$(NAME) 2>/dev/null || true

$(OUT)/rt.spdx.json: export SOURCE_DATE_EPOCH := $(SOURCE_DATE_EPOCH)
$(OUT)/rt.spdx.json: export CC := $(CC)
$(OUT)/rt.spdx.json: native/build/sbom.ts native/build/components.ts $(OUT)/rt $(OUT)/rt.map build/bundled.json
	$(call say,SBOM)
	$(Q)$(BIN)/tsx $< $(OUT)

VERSION := $(shell sed -n '/"version"/{s/.*: "\(.*\)",/\1/p;q}' package.json)

OF_NODE := build/node/rt.js build/types $(if $(EMULATOR),,build/node/rt.node)

dist: $(OUT)/rt $(OUT)/rt.spdx.json build/man build/man-oci-rt build/completion $(OF_NODE) | $(STAMPS)/packages-dist ## build/dist: tarball, Debian, RPM and npm packages, components (SPDX), checksums; ARCH=arm64
	@OUT=$(OUT) ARCH=$(ARCH) VERSION=$(VERSION) SOURCE_DATE_EPOCH=$(SOURCE_DATE_EPOCH) MAKE='$(MAKE)' packaging/dist.sh

test-packages: dist ## install build/dist's Debian package in new Debians, run containers, remove it; lintian (needs root)
	@packaging/test.sh 12
	@packaging/test.sh 13

clean: ## remove build/, keep node_modules
	rm -rf build
