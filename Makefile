# viflo_migrate: the server module (PGXS), libviflo and the program viflo.
#
#   make && sudo make install     build and install, PG_CONFIG=... picks the server
#   make installcheck             pg_regress and isolation tests on a running
#                                 server; with TAP_TESTS=1 also test/t
#   make demo, make test          the same from nothing, see tools/ and test/run
#   make deb, make pgxn           Debian packages, PGXN's archive, in dist/
#
# The targets of the first part need neither PostgreSQL nor a compiler: they
# install what is missing (make deps) and call make again where they build.

MODULE_big = viflo_migrate
EXTENSION = viflo_migrate
DATA = $(wildcard sql/viflo_migrate--*.sql)
OBJS = $(patsubst %.c,%.o,$(sort $(wildcard src/common/*.c src/server/*.c src/server/*/*.c)))
PG_CPPFLAGS = -I$(srcdir)/src -I$(srcdir)/src/server
# What the module calls of its own is bound when it is linked: a session that
# loads it has half as many names to look up. From 16 on they are hidden anyway.
SHLIB_LINK = $(if $(filter linux freebsd,$(PORTNAME)),-Wl$(comma)-Bsymbolic-functions)
comma = ,
server_headers = $(wildcard src/common/*.h src/server/*.h src/server/*/*.h)

REGRESS = $(sort $(basename $(notdir $(wildcard test/sql/*.sql))))
REGRESS_OPTS = --inputdir=test
ISOLATION = $(sort $(basename $(notdir $(wildcard test/specs/*.spec))))
ISOLATION_OPTS = --inputdir=test --outputdir=.
PROVE_TESTS = test/t/*.pl
EXTRA_CLEAN = results output_iso regression.diffs regression.out tmp_check log .built-for

PG_CONFIG ?= pg_config

.DEFAULT_GOAL := all

# ---- targets that work on a bare machine --------------------------------

HOUSE = deps demo demo-stop test deb pgxn db-up db-down db-migrate db-reset db-revision
.PHONY: $(HOUSE)

deps:
	@tools/deps all

demo:
	@tools/demo start

demo-stop:
	@tools/demo stop

# TIERS="unit regress" runs some of them.
test:
	@tools/deps all
	@test/run $(TIERS)

deb pgxn:
	@tools/$@

db-up db-down db-migrate db-reset:
	@tools/db $(@:db-%=%)

# The message travels in the environment, as it was typed.
ifdef m
export VIFLO_MESSAGE = $(value m)
endif
db-revision:
	@tools/db revision

# ---- everything else is PGXS --------------------------------------------

ifneq ($(or $(if $(MAKECMDGOALS),,all),$(filter-out $(HOUSE),$(MAKECMDGOALS))),)

PGXS := $(shell $(PG_CONFIG) --pgxs)
ifeq ($(and $(wildcard $(PGXS)),$(wildcard $(shell $(PG_CONFIG) --includedir-server)/postgres.h)),)
$(error no PostgreSQL server headers for "$(PG_CONFIG)": "make deps" installs them, PG_CONFIG=/path/to/pg_config picks others)
endif

# Bitcode serves JIT inlining, which no function here gains from, and needs
# the very clang that PostgreSQL was built with. BITCODE=1 asks for it.
ifndef BITCODE
override with_llvm = no
endif

include $(PGXS)

# Debian's PostgreSQL tracks no dependencies, and what was built for another
# version of the server is of no use: it is cleaned away.
$(OBJS): $(server_headers) .built-for
parts: .built-for
.built-for: FORCE
	@echo '$(VERSION)' | cmp -s - $@ || \
		{ ! [ -e $@ ] || $(MAKE) -s clean; echo '$(VERSION)' >$@; }
.PHONY: FORCE
FORCE:

# The library and the program lie where PostgreSQL's own do. The program is
# linked with the library, so the order counts. Debian's packages have them
# apart from the module: MODULE_ONLY=1 leaves them out.
ifndef MODULE_ONLY
places = libdir='$(libdir)' includedir='$(includedir)' pkgconfigdir='$(libdir)/pkgconfig'
parts = $(MAKE) -C src/client $(1) PG_CONFIG='$(PG_CONFIG)' prefix='$(prefix)' $(places) && \
	$(MAKE) -C src/cli $(1) PG_CONFIG='$(PG_CONFIG)' with_llvm=no

.PHONY: parts install-parts uninstall-parts clean-parts
all: parts
parts:
	+$(call parts,all)

install: install-parts
install-parts: parts
	+$(call parts,install)

uninstall: uninstall-parts
uninstall-parts:
	+$(call parts,uninstall)

clean: clean-parts
clean-parts:
	+$(call parts,clean)
	+$(MAKE) -C test/unit clean
	+$(MAKE) -C test/client clean

endif

# PGXN wants a version of three numbers; the control file has the one that counts.
META.json: viflo_migrate.control tools/meta $(DATA)
	tools/meta >$@

endif
