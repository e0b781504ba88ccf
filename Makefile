# blindlist - private URL blocking for iPhone, iPad and Mac
#
#   make            the programs: build/blindlist, build/blindlist-server
#   make help       all targets
#
# Rooms are found by their folders: a new .c file needs no line here. docs/ARCHITECTURE.md names the
# rooms and what each may include.

BUILD  ?= build
CC     ?= gcc
PREFIX ?= /usr/local
ifeq ($(origin CC),default)
CC := gcc
endif
VERSION := 0.1.0
PYTHON ?= python3
comma := ,
# V=1 shows whole commands.
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-5s %s\n' $(1) $@)

# ---- flags ----
SANITIZE ?=
OPTIMIZE ?= -O2
WARNINGS := -Wall -Wextra -Wconversion -Wshadow -Wmissing-prototypes -Wstrict-prototypes \
            -Wpointer-arith -Wwrite-strings -Wundef -Wvla -Werror
FEATURES := -D_POSIX_C_SOURCE=200809L -D_DEFAULT_SOURCE -DBLINDLIST_VERSION='"$(VERSION)"'
INCLUDES := -I. -I$(BUILD)/generated
SANFLAGS := $(if $(SANITIZE),-DBLINDLIST_CHECK_RANGES -DBLINDLIST_SANITIZED -fsanitize=$(SANITIZE) -fno-omit-frame-pointer -fno-sanitize-recover=all)
HARDEN   := -fstack-protector-strong -fPIE $(if $(SANITIZE),,-D_FORTIFY_SOURCE=2)
# What a sanitizer says needs lines, and no variables.
DEBUG    := $(if $(SANITIZE),-g1,-g)
ALL_CFLAGS = -std=c17 $(DEBUG) $(OPTIMIZE) $(WARNINGS) $(FEATURES) $(INCLUDES) $(HARDEN) $(SANFLAGS) \
             -pthread -MMD -MP $(CFLAGS)
ALL_LDFLAGS = -pthread -pie -Wl,-z,relro,-z,now -Wl,--as-needed $(SANFLAGS) $(LDFLAGS)
LIBS := -lcrypto -ljansson -lexpat -lidn2 -lpsl -lpcre2-8 -lprotobuf-c -lsqlite3 -lpq -lz -lzstd -lm
SERVER_LIBS := -lmicrohttpd
TOOL_LIBS := -lcurl -lresolv
TEST_LIBS := -lcriterion

# ---- rooms ----
ROOMS := base json bloom bloom/formats urls \
         pir-server/ring pir-server/ring/ntt pir-server/ring/row pir-server/bfv pir-server/pir \
         pir-server/pir/sha256_many pir-server/wire pir-server/crypto pir-server/privacypass \
         pir-server/ohttp pir-server/oprf pir-server/dataset lists pir-server/store \
         pir-server/service pir-server/config testvectors
ROOM_SRC := $(foreach room,$(ROOMS),$(wildcard $(room)/*.c))
# service/ reaches libmicrohttpd in one adapter file, linked into the server and its tests only by need.
TOOL_SRC := $(wildcard tools/*.c tools/device/*.c tools/doctor/*.c tools/ios/*.c)
SERVER_SRC := $(wildcard pir-server/*.c)
# The example app and the package that it uses, which `blindlist ios init` writes.
EXAMPLE_FILES := $(sort $(shell find control-provider/Example control-provider/Package.swift control-provider/Sources \
    \( -name xcuserdata -o -name '.*' \) -prune -o -type f -print))
EXAMPLE_C := $(BUILD)/generated/tools/ios_example.c
PROTO := $(wildcard pir-server/wire/*.proto)
PROTO_C := $(PROTO:%.proto=$(BUILD)/generated/%.pb-c.c)
PROTO_H := $(PROTO_C:.c=.h)

obj = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
ROOM_OBJ := $(call obj,$(ROOM_SRC))
PROTO_OBJ := $(PROTO_C:$(BUILD)/%.c=$(BUILD)/obj/%.o)
LIB := $(BUILD)/libblindlist.a
BLOOM_LIB := $(BUILD)/libbloom.a
# What bloom/bloom.h declares and nothing more: needs the C library only.
BLOOM_OBJ := $(call obj,bloom/bloom.c)

PROGRAMS := $(if $(TOOL_SRC),$(BUILD)/blindlist) $(if $(SERVER_SRC),$(BUILD)/blindlist-server)

.PHONY: all
all: $(PROGRAMS) $(BLOOM_LIB)

# Files built with their own instruction set; chosen at run time (STYLE: kernels).
ifneq ($(filter x86_64-%,$(shell $(CC) -dumpmachine)),)
$(BUILD)/obj/%_avx2.o: KERNEL_FLAGS := -mavx2 -mbmi2
$(BUILD)/obj/%_avx512.o: KERNEL_FLAGS := -mavx512f -mavx512dq -mavx512bw -mavx512vl -mavx512ifma -mbmi2
$(BUILD)/obj/%_shani.o: KERNEL_FLAGS := -msha -msse4.1
endif
# The lattice and hashing rooms are hot: -O3 vectorizes their portable loops.
HOT_OPTIMIZE ?= $(subst -O2,-O3,$(OPTIMIZE))
$(BUILD)/obj/pir-server/ring/%.o $(BUILD)/obj/pir-server/bfv/%.o $(BUILD)/obj/pir-server/pir/sha256_many/%.o \
    $(BUILD)/obj/bloom/%.o $(BUILD)/obj/bench/%.o: private OPTIMIZE := $(HOT_OPTIMIZE)

$(BUILD)/obj/%.o: %.c $(BUILD)/flags | $(PROTO_H)
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(ALL_CFLAGS) $(KERNEL_FLAGS) -c -o $@ $<

# Where `make install` puts the test vectors; built again when PREFIX changes.
VECTORS_FOLDER := $(PREFIX)/share/blindlist/testvectors
$(BUILD)/obj/tools/cmd_vectors.o: private KERNEL_FLAGS := -DBLINDLIST_VECTORS_FOLDER='"$(VECTORS_FOLDER)"'
$(BUILD)/obj/tools/cmd_vectors.o: $(BUILD)/prefix
$(BUILD)/prefix: FORCE
	@mkdir -p $(@D)
	@echo '$(PREFIX)' | cmp -s - $@ || echo '$(PREFIX)' > $@

# Generated code is not ours to lint.
$(BUILD)/obj/generated/%.o: $(BUILD)/generated/%.c $(BUILD)/flags | $(PROTO_H)
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(filter-out -W%,$(ALL_CFLAGS)) -c -o $@ $<

$(BUILD)/generated/%.pb-c.c $(BUILD)/generated/%.pb-c.h &: %.proto
	@mkdir -p $(@D)
	$(call say,PROTO)
	$(Q)protoc-c --c_out=$(BUILD)/generated --proto_path=. $<

$(EXAMPLE_C): $(EXAMPLE_FILES) $(BUILD)/example-files scripts/embed-files
	@mkdir -p $(@D)
	$(call say,EMBED)
	$(Q)scripts/embed-files $(EXAMPLE_FILES) > $@.tmp && mv $@.tmp $@
# Another file, or one less.
$(BUILD)/example-files: FORCE
	@mkdir -p $(@D)
	@echo '$(EXAMPLE_FILES)' | cmp -s - $@ || echo '$(EXAMPLE_FILES)' > $@

# Rebuild when compiler or flags change.
$(BUILD)/flags: FORCE
	@mkdir -p $(BUILD)
	@echo '$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS)' | cmp -s - $@ || echo '$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS)' > $@
.PHONY: FORCE
.SECONDARY:
FORCE:

$(LIB): $(ROOM_OBJ) $(PROTO_OBJ)
	@rm -f $@
	$(call say,AR)
	$(Q)$(AR) rcs $@ $^
$(BLOOM_LIB): $(BLOOM_OBJ)
	@rm -f $@
	$(call say,AR)
	$(Q)$(AR) rcs $@ $^
$(BUILD)/blindlist: $(call obj,$(TOOL_SRC)) $(EXAMPLE_C:$(BUILD)/%.c=$(BUILD)/obj/%.o) $(LIB)
	$(call say,LD)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS) $(TOOL_LIBS)
$(BUILD)/blindlist-server: $(call obj,$(SERVER_SRC)) $(LIB)
	$(call say,LD)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS) $(SERVER_LIBS)

# ---- tests ----
# tests/**/test_*.c are Criterion programs; tests/**/plain_*.c have a main of their own and print TAP
# (tests/tap.h); tests/**/*.test.sh and *.test.py are scripts that print TAP. All other .c files below
# tests/ are helpers, linked into every test program of their folder.
TEST_SRC := $(shell find tests -name 'test_*.c' 2>/dev/null | sort)
PLAIN_SRC := $(shell find tests -name 'plain_*.c' 2>/dev/null | sort)
HELPER_SRC := $(shell find tests -name '*.c' ! -name 'test_*' ! -name 'plain_*' 2>/dev/null | sort)
# Those of documents, of sources and of what is not in C have nothing to sanitize: they run once.
RUN_ONCE := tests/control-provider/% tests/house/alerts.test.py tests/house/clang.test.sh tests/house/contract.test.py \
            tests/house/headers.test.py tests/house/migrations.test.py tests/house/performance.test.py \
            tests/house/ratios.test.py tests/house/rooms.test.py tests/pir-server/bfv/bfv_secret_time.test.sh \
            tests/pir-server/ring/kernels_arm64.test.sh
SCRIPT_TESTS := $(filter-out $(if $(SANITIZE),$(RUN_ONCE)), \
                    $(shell find tests -name '*.test.sh' -o -name '*.test.py' 2>/dev/null | sort))
TEST_BIN := $(TEST_SRC:%.c=$(BUILD)/%) $(PLAIN_SRC:%.c=$(BUILD)/%)
HELPER_LIB := $(BUILD)/libtesthelpers.a
# There are hundreds of them to link, which takes GNU gold half the time.
TEST_LDFLAGS := $(if $(shell command -v ld.gold),-fuse-ld=gold)

$(HELPER_LIB): $(call obj,$(HELPER_SRC))
	@rm -f $@
	$(call say,AR)
	$(Q)$(AR) rcs $@ $^
$(BUILD)/tests/%: $(BUILD)/obj/tests/%.o $(HELPER_LIB) $(LIB)
	@mkdir -p $(@D)
	$(call say,LD)
	$(Q)$(CC) $(ALL_LDFLAGS) $(TEST_LDFLAGS) -o $@ $^ $(LIBS) $(SERVER_LIBS) $(TOOL_LIBS) \
	    $(if $(filter plain_%,$(notdir $@)),,$(TEST_LIBS))

# ---- fuzzing ----
FUZZ_SRC := $(wildcard fuzz/fuzz_*.c)
REPLAY_BIN := $(FUZZ_SRC:fuzz/%.c=$(BUILD)/replay/%)
FUZZ_BIN := $(FUZZ_SRC:fuzz/%.c=$(BUILD)/fuzz-bin/%)
$(BUILD)/replay/%: $(BUILD)/obj/fuzz/%.o $(BUILD)/obj/fuzz/replay.o $(LIB)
	@mkdir -p $(@D)
	$(call say,LD)
	$(Q)$(CC) $(ALL_LDFLAGS) $(TEST_LDFLAGS) -o $@ $^ $(LIBS) $(SERVER_LIBS)
$(BUILD)/fuzz-bin/%: $(BUILD)/obj/fuzz/%.o $(LIB)
	@mkdir -p $(@D)
	$(call say,LD)
	$(Q)$(CC) $(ALL_LDFLAGS) -fsanitize=fuzzer -o $@ $^ $(LIBS) $(SERVER_LIBS)

.PHONY: tests-build
tests-build: all $(TEST_BIN) $(REPLAY_BIN)

.PHONY: test test-asan test-ubsan test-sanitize test-tsan
test: tests-build ## run all tests (T=word runs those whose path holds it)
	@$(PYTHON) scripts/run-tests --build $(BUILD) $(if $(T),--only $(T)) \
	    $(TEST_BIN) $(REPLAY_BIN) $(SCRIPT_TESTS)
test-asan: ## all tests with the address sanitizer
	@$(MAKE) --no-print-directory test BUILD=$(BUILD)/asan SANITIZE=address OPTIMIZE=-O1
test-ubsan: ## all tests with the undefined-behaviour sanitizer
	@$(MAKE) --no-print-directory test BUILD=$(BUILD)/ubsan SANITIZE=undefined OPTIMIZE=-O1
test-sanitize: ## all tests with both of them in one build
	@$(MAKE) --no-print-directory test BUILD=$(BUILD)/sanitize SANITIZE=address$(comma)undefined OPTIMIZE=-O1
# Criterion does not run under the thread sanitizer: the plain programs and the scripts do, but for those of commands
# that have one thread, and of datasets that others make just so, with as many threads, and serve.
ONE_THREAD := tests/house/% tests/testvectors/% \
              $(patsubst %,tests/tools/%.test.py,bad_lists bloom_diagnose doctor explain ios parsing pruning report sign) \
              $(patsubst %,tests/tools/%.test.sh,kernel suburls tune vectors)
TSAN_SCRIPT_TESTS = $(filter-out $(ONE_THREAD),$(SCRIPT_TESTS))
test-tsan: ## plain programs and tool tests with the thread sanitizer
	@$(MAKE) --no-print-directory test-tsan-run BUILD=$(BUILD)/tsan SANITIZE=thread OPTIMIZE=-O1
.PHONY: test-tsan-run
test-tsan-run: all $(PLAIN_SRC:%.c=$(BUILD)/%)
	@$(PYTHON) scripts/run-tests --build $(BUILD) $(if $(T),--only $(T)) \
	    $(PLAIN_SRC:%.c=$(BUILD)/%) $(TSAN_SCRIPT_TESTS)

# Those whose name holds the word T.
FUZZ_CHOSEN = $(foreach name,$(notdir $(FUZZ_BIN)),$(if $(findstring $(or $(T),fuzz_),$(name)),$(name)))
.PHONY: fuzz fuzz-smoke
fuzz: ## build the libFuzzer targets (clang-14) into build/fuzz/fuzz-bin
	@$(MAKE) --no-print-directory fuzz-build BUILD=$(BUILD)/fuzz CC=clang-14 \
	    SANITIZE=address,undefined,fuzzer-no-link OPTIMIZE=-O1
.PHONY: fuzz-build
fuzz-build: $(FUZZ_BIN)
fuzz-smoke: fuzz ## run each fuzz target for SECONDS_EACH (default 10); T=word as above
	@for target in $(FUZZ_CHOSEN); do \
	    corpus=fuzz/corpus/$${target#fuzz_}; scratch=$(BUILD)/fuzz/scratch/$$target; \
	    mkdir -p $$scratch; \
	    echo "$$target"; \
	    $(BUILD)/fuzz/fuzz-bin/$$target -max_total_time=$${SECONDS_EACH:-10} -print_final_stats=0 \
	        -verbosity=0 -artifact_prefix=$$scratch/ -rss_limit_mb=2048 $$scratch $$corpus || exit 1; \
	done

# ---- benchmarks ----
BENCH_SRC := $(wildcard bench/bench_*.c)
BENCH_BIN := $(BENCH_SRC:%.c=$(BUILD)/%)
# All other .c files in bench/ are helpers, linked into every benchmark that needs them.
BENCH_LIB := $(BUILD)/libbench.a
$(BENCH_LIB): $(call obj,$(filter-out $(BENCH_SRC),$(wildcard bench/*.c)) tests/pir-server/store/postgres_server.c)
	@rm -f $@
	$(call say,AR)
	$(Q)$(AR) rcs $@ $^
$(BUILD)/bench/%: $(BUILD)/obj/bench/%.o $(BENCH_LIB) $(LIB)
	@mkdir -p $(@D)
	$(call say,LD)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS) $(SERVER_LIBS) $(TOOL_LIBS)
.PHONY: bench
bench: all $(BENCH_BIN) ## print the speed figures, a line each (ONLY=word chooses)
	@BUILD=$(BUILD) CC=$(CC) ONLY=$(ONLY) sh bench/run
.PHONY: bench-quick
bench-quick: $(BUILD)/bench/bench_quick ## each kernel against the portable one, and against bench/ratios.json
	@$(BUILD)/bench/bench_quick > $(BUILD)/ratios
	@$(PYTHON) scripts/check-ratios bench/ratios.json < $(BUILD)/ratios

# ---- house keeping ----
.PHONY: demo lint format install clean help
demo: all ## compile a real list, serve it, ask about three URLs
	@BUILD=$(BUILD) sh scripts/run-demo
lint: ## include directions, file names, nothing built or huge, layout
	@$(PYTHON) scripts/check-rooms
	@$(PYTHON) scripts/list-modules
	@if command -v clang-format-14 >/dev/null; then \
	    git ls-files '*.c' '*.h' | xargs clang-format-14 --dry-run -Werror; \
	else echo 'clang-format-14 is not installed: layout not checked'; fi
format: ## settle the layout of all C files
	@git ls-files -co --exclude-standard '*.c' '*.h' | xargs clang-format-14 -i
DOC_FOLDER = $(DESTDIR)$(PREFIX)/share/doc/blindlist
install: all ## install programs, man pages, documents, units of systemd, bloom.h and libbloom.a below PREFIX
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib $(DESTDIR)$(PREFIX)/include \
	    $(DESTDIR)$(PREFIX)/share/man/man1 $(DESTDIR)$(PREFIX)/share/man/man5 \
	    $(DESTDIR)$(PREFIX)/share/man/man8
	install -m 755 $(PROGRAMS) $(DESTDIR)$(PREFIX)/bin
	install -m 644 $(BLOOM_LIB) $(DESTDIR)$(PREFIX)/lib
	install -m 644 bloom/bloom.h $(DESTDIR)$(PREFIX)/include
	install -d $(DESTDIR)$(VECTORS_FOLDER)
	install -m 644 $(wildcard testvectors/*.json) testvectors/*.py testvectors/README.md \
	    $(DESTDIR)$(VECTORS_FOLDER)
	install -m 644 $(wildcard docs/man/*.1) $(DESTDIR)$(PREFIX)/share/man/man1
	install -m 644 $(wildcard docs/man/*.5) $(DESTDIR)$(PREFIX)/share/man/man5
	install -m 644 $(wildcard docs/man/*.8) $(DESTDIR)$(PREFIX)/share/man/man8
	install -d $(DOC_FOLDER)/docs
	install -m 644 $(wildcard docs/*.md) $(DOC_FOLDER)/docs
	cp -R examples $(DOC_FOLDER)
	install -m 755 deploy/blindlist-update-loop $(DESTDIR)$(PREFIX)/bin
	install -d $(DESTDIR)$(PREFIX)/share/blindlist
	cp -R deploy/nginx deploy/caddy deploy/prometheus deploy/grafana deploy/run-local $(DESTDIR)$(PREFIX)/share/blindlist
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system $(DESTDIR)$(PREFIX)/lib/sysusers.d
	for unit in deploy/systemd/blindlist-*; do \
	    sed 's|@PREFIX@|$(PREFIX)|' "$$unit" >$(DESTDIR)$(PREFIX)/lib/systemd/system/"$${unit##*/}" || exit 1; done
	install -m 644 deploy/systemd/blindlist.sysusers $(DESTDIR)$(PREFIX)/lib/sysusers.d/blindlist.conf
.PHONY: deb test-package test-image
deb: ## Debian package in build/deb, clean by lintian
	@scripts/make-deb $(BUILD)/deb
test-package: ## install, run, upgrade and purge that package in a bare Debian 12 (root; minutes)
	@$(PYTHON) scripts/test-package --build $(BUILD)
test-image: ## carry out the Dockerfile without an engine, and run what comes out (root; minutes; ARCH=arm64, too)
	@$(PYTHON) scripts/test-image --build $(BUILD) $(if $(ARCH),--arch $(ARCH))
clean: ## remove everything that was built
	rm -rf build
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(firstword $(MAKEFILE_LIST)) | sort | \
	    awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

-include $(shell find $(BUILD)/obj -name '*.d' -type f 2>/dev/null)
