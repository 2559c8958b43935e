# SPDX-License-Identifier: GPL-2.0-or-later
# Build: make [O=DIR] [V=1] [WERROR=1] [SANITIZE=address,undefined] [CC=clang]. "make help" lists the targets.

VERSION   := 0.1.0
SOVERSION := 0

O       ?= build
PREFIX  ?= /usr/local
BINDIR  ?= $(PREFIX)/bin
LIBDIR  ?= $(PREFIX)/lib
INCDIR  ?= $(PREFIX)/include
MANDIR  ?= $(PREFIX)/share/man
# Where the shells look for completion scripts.
BASHDIR ?= $(PREFIX)/share/bash-completion/completions
ZSHDIR  ?= $(PREFIX)/share/zsh/site-functions
FISHDIR ?= $(PREFIX)/share/fish/vendor_completions.d

CC         ?= cc
AR         ?= ar
PKG_CONFIG ?= pkg-config

ROOMS := base memory codec symbols qmp block devstate launch dump linux guest hold job
TOOLS := qmpctl dumptool vmstate tracehooks

# A target that needs packages asks for them by itself, so that `make demo` and `make check` work on a fresh machine. (All
# others expect them to be there: a packager's build must not call apt-get.)
DEPS_FOR := $(filter check demo bench check-tools check-compat,$(MAKECMDGOALS))
ifneq ($(DEPS_FOR),)
DEPS_FLAGS := $(if $(filter check-tools,$(DEPS_FOR)),--tools) $(if $(filter bench,$(DEPS_FOR)),--bench)
ifeq ($(MAKE_RESTARTS),)
DEPS_STATUS := $(shell .ci/deps $(DEPS_FLAGS) >&2 && echo ok)
ifneq ($(DEPS_STATUS),ok)
$(error the dependency step failed)
endif
endif
endif

PACKAGES := libelf libdw libdeflate libzstd liblzma libxxhash libcjson smartcols
# These come without a pkg-config file.
LIBS_BARE := -llzo2 -lsnappy
# Of one tool alone.
LIBS_qmpctl := -lreadline
OPTIONAL := $(shell $(PKG_CONFIG) --exists libisal 2>/dev/null && echo libisal)
# Opened at run time; the headers tell the functions' types.
OPENED := libxml-2.0
LIBVIRT := $(shell $(PKG_CONFIG) --exists libvirt libvirt-qemu 2>/dev/null && echo 1)

DEP_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(PACKAGES) $(OPTIONAL) $(OPENED) 2>/dev/null)
DEP_LIBS   := $(shell $(PKG_CONFIG) --libs $(PACKAGES) $(OPTIONAL) 2>/dev/null) $(LIBS_BARE)

WARNINGS := -Wall -Wextra -Wformat=2 -Wmissing-prototypes -Wstrict-prototypes -Wshadow -Wvla \
	    -Wpointer-arith -Wundef -Wimplicit-fallthrough
CFLAGS   ?= -O2 -g
ALL_CFLAGS := -std=gnu11 -pthread -fPIC -fvisibility=default $(WARNINGS) $(if $(WERROR),-Werror) \
	      $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer) \
	      -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DGS_VERSION='"$(VERSION)"' \
	      $(if $(OPTIONAL),-DGS_HAVE_ISAL=1) $(if $(LIBVIRT),-DGS_HAVE_LIBVIRT=1) -Ilib/include $(DEP_CFLAGS) $(CPPFLAGS) $(CFLAGS)
ALL_LDFLAGS := -pthread $(if $(SANITIZE),-fsanitize=$(SANITIZE)) $(LDFLAGS)

LIB_SRC := $(foreach r,$(ROOMS),$(wildcard lib/$(r)/*.c))
LIB_OBJ := $(LIB_SRC:%.c=$(O)/%.o)
LIB_A   := $(O)/libguestscope.a
LIB_SO  := $(O)/libguestscope.so.$(VERSION)
HEADERS := $(sort $(wildcard lib/include/guestscope/*.h lib/include/guestscope/*/*.h))
TOOL_BIN := $(TOOLS:%=$(O)/%)
UNIT_SRC := $(wildcard tests/unit/*.c)
UNIT_BIN := $(UNIT_SRC:tests/unit/%.c=$(O)/tests/unit/%)
E2E_SRC := $(wildcard tests/e2e/*.c)
E2E_BIN := $(E2E_SRC:tests/e2e/%.c=$(O)/tests/e2e/%)
PROPERTY_SRC := $(wildcard tests/property/*.c)
PROPERTY_BIN := $(O)/tests/property/devstate_check
BENCH_BIN := $(patsubst tests/bench/%.c,$(O)/tests/bench/%,$(wildcard tests/bench/*.c))
FUZZ_SRC := $(wildcard tests/fuzz/fuzz_*.c)
FUZZ_BIN := $(FUZZ_SRC:tests/fuzz/%.c=$(O)/tests/fuzz/%)

ifeq ($(V),1)
Q :=
say = @:
else
Q := @
say = @printf '  %-7s %s\n' $(1) $(2)
endif

.DELETE_ON_ERROR:
.SECONDARY:
.DEFAULT_GOAL := all
.PHONY: all lib check check-tools check-compat bench demo install uninstall clean help FORCE

SHELLS := bash zsh fish
all: lib $(TOOL_BIN) $(foreach s,$(SHELLS),$(TOOLS:%=$(O)/completion/$(s)/%)) ## library and tools
lib: $(LIB_A) $(LIB_SO) $(O)/guestscope.pc

# Rebuild when the flags change, or the name by which the folder goes: the compiler's lists of
# dependencies have it in them, and under another name would say nothing.
$(O)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(O) $(CC) $(subst ','\'',$(ALL_CFLAGS) $(ALL_LDFLAGS) $(DEP_LIBS))' | cmp -s - $@ || \
		echo '$(O) $(CC) $(subst ','\'',$(ALL_CFLAGS) $(ALL_LDFLAGS) $(DEP_LIBS))' > $@

$(O)/%.o: %.c $(O)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) -MMD -MP $(ALL_CFLAGS) -c -o $@ $<

# A tool's objects have a folder of their own: $(O)/TOOL is the tool itself.
$(O)/tools/%.o: %.c $(O)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) -MMD -MP $(ALL_CFLAGS) -c -o $@ $<

# What is embedded in it.
$(O)/tools/vmstate/page.o: vmstate/page.css vmstate/page.js

$(LIB_A): $(LIB_OBJ)
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(LIB_SO): $(LIB_OBJ)
	$(call say,LD,$@)
	$(Q)$(CC) -shared -Wl,-soname,libguestscope.so.$(SOVERSION) -Wl,--no-undefined $(ALL_LDFLAGS) -o $@ $^ $(DEP_LIBS)

$(O)/guestscope.pc: lib/guestscope.pc.in Makefile $(O)/flags
	$(call say,GEN,$@)
	$(Q)sed -e 's|@PREFIX@|$(PREFIX)|;s|@LIBDIR@|$(LIBDIR)|;s|@INCDIR@|$(INCDIR)|;s|@VERSION@|$(VERSION)|' \
		-e 's|@PACKAGES@|$(PACKAGES) $(OPTIONAL)|;s|@LIBS@|$(LIBS_BARE)|' $< > $@

define tool_rule
$(O)/$(1): $$(patsubst %.c,$(O)/tools/%.o,$$(wildcard $(1)/*.c)) $(LIB_A)
	$$(call say,LD,$$@)
	$$(Q)$$(CC) $$(ALL_LDFLAGS) -o $$@ $$^ $$(DEP_LIBS) $$(LIBS_$(1))
endef
$(foreach t,$(TOOLS),$(eval $(call tool_rule,$(t))))

define completion_rule
$(O)/completion/$(1)/%: $(O)/%
	@mkdir -p $$(@D)
	$$(call say,GEN,$$@)
	$$(Q)$$< completion $(1) > $$@
endef
$(foreach s,$(SHELLS),$(eval $(call completion_rule,$(s))))

$(O)/tests/unit/%: $(O)/tests/unit/%.o $(LIB_A)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(DEP_LIBS) -lcmocka -lz

$(O)/tests/e2e/%: $(O)/tests/e2e/%.o $(LIB_A)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(DEP_LIBS) -lcmocka

$(PROPERTY_BIN): $(PROPERTY_SRC:%.c=$(O)/%.o) $(LIB_A)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(DEP_LIBS)

# The same against a checker with a fault in it: tests/property/faults writes them.
.PRECIOUS: $(O)/faults/%/fault.o
$(O)/faults/%/fault.o: $(O)/faults/%/fault.c
	$(Q)$(CC) $(ALL_CFLAGS) -O1 -w -Ilib/devstate -c -o $@ $<

$(O)/faults/%/devstate_check: $(O)/faults/%/fault.o $(PROPERTY_SRC:%.c=$(O)/%.o) $(LIB_A)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(DEP_LIBS)

$(O)/tests/bench/%: $(O)/tests/bench/%.o
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^

$(O)/tests/fuzz/%: $(O)/tests/fuzz/%.o $(O)/tests/fuzz/replay.o $(LIB_A)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(DEP_LIBS)

.PHONY: tests-built
tests-built: all $(UNIT_BIN) $(E2E_BIN) $(PROPERTY_BIN) $(filter-out %/replay,$(FUZZ_BIN))

check: tests-built ## all tests that need no foreign reader (boots guests)
	$(Q)O='$(O)' tests/run check

check-tools: tests-built ## every format against crash, drgn, makedumpfile, libkdumpfile, gdb
	$(Q)O='$(O)' tests/run check-tools

check-compat: tests-built ## what talks to QEMU, by the newer QEMU of the backports
	$(Q)O='$(O)' tests/run check-compat

bench: all $(BENCH_BIN) ## pauses against QEMU, conversion against makedumpfile, same run, same input
	$(Q)O='$(O)' tests/bench/run

demo: all ## boot a guest, dump it, verify the dump, look into it
	$(Q)O='$(O)' tests/demo

install: all ## library, headers, tools, man pages, completions (PREFIX, DESTDIR)
	$(Q)install -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(LIBDIR)/pkgconfig $(DESTDIR)$(MANDIR)/man1 \
		$(DESTDIR)$(BASHDIR) $(DESTDIR)$(ZSHDIR) $(DESTDIR)$(FISHDIR)
	$(Q)install -m 755 $(TOOL_BIN) $(DESTDIR)$(BINDIR)
	$(Q)install -m 644 $(LIB_A) $(DESTDIR)$(LIBDIR)
	$(Q)install -m 755 $(LIB_SO) $(DESTDIR)$(LIBDIR)
	$(Q)ln -sf libguestscope.so.$(VERSION) $(DESTDIR)$(LIBDIR)/libguestscope.so.$(SOVERSION)
	$(Q)ln -sf libguestscope.so.$(SOVERSION) $(DESTDIR)$(LIBDIR)/libguestscope.so
	$(Q)install -m 644 $(O)/guestscope.pc $(DESTDIR)$(LIBDIR)/pkgconfig
	$(Q)for h in $(HEADERS:lib/include/%=%); do install -D -m 644 lib/include/$$h $(DESTDIR)$(INCDIR)/$$h; done
	$(Q)for t in $(TOOLS); do install -m 644 $$t/$$t.1 $(DESTDIR)$(MANDIR)/man1 && \
		install -m 644 $(O)/completion/bash/$$t $(DESTDIR)$(BASHDIR)/$$t && \
		install -m 644 $(O)/completion/zsh/$$t $(DESTDIR)$(ZSHDIR)/_$$t && \
		install -m 644 $(O)/completion/fish/$$t $(DESTDIR)$(FISHDIR)/$$t.fish; done

uninstall: ## removes exactly what install wrote
	$(Q)rm -f $(TOOLS:%=$(DESTDIR)$(BINDIR)/%) $(TOOLS:%=$(DESTDIR)$(MANDIR)/man1/%.1) $(TOOLS:%=$(DESTDIR)$(BASHDIR)/%) \
		$(TOOLS:%=$(DESTDIR)$(ZSHDIR)/_%) $(TOOLS:%=$(DESTDIR)$(FISHDIR)/%.fish) \
		$(DESTDIR)$(LIBDIR)/libguestscope.* $(DESTDIR)$(LIBDIR)/pkgconfig/guestscope.pc \
		$(HEADERS:lib/include/%=$(DESTDIR)$(INCDIR)/%)
	$(Q)rmdir $(DESTDIR)$(INCDIR)/guestscope/*/ $(DESTDIR)$(INCDIR)/guestscope 2>/dev/null || true

clean: ## removes the build folder
	rm -rf $(O)

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' Makefile | expand -t 14
	@echo; echo 'Variables: O=DIR V=1 WERROR=1 SANITIZE=address,undefined CC=... CFLAGS=... PREFIX=... DESTDIR=...'

-include $(LIB_OBJ:.o=.d) $(foreach t,$(TOOLS),$(patsubst %.c,$(O)/tools/%.d,$(wildcard $(t)/*.c))) \
	 $(UNIT_SRC:%.c=$(O)/%.d) $(E2E_SRC:%.c=$(O)/%.d) $(FUZZ_SRC:%.c=$(O)/%.d) \
	 $(PROPERTY_SRC:%.c=$(O)/%.d)
