# trigger_fdw/Makefile
#
#   make, make install    for who has PostgreSQL's development files
#   make demo             shows the extension at work; installs what it needs
#   make check            all tests; installs what they need
#   make check-PART       one part of them (python3 test/check.py --list)
#   make bench            how fast it reads, beside the other ways
#   make cancel-storm     2000 interruptions at random moments; takes a minute
#   make soak             16 sessions for SOAK_SECONDS (60)
#
# Hardening; these build a PostgreSQL with assertions once, without root, in a
# cache directory, and leave the installed one alone:
#
#   make fuzz             libFuzzer on what reads foreign input; ten minutes,
#                         or FUZZ_SECONDS
#   make sanitize         the tests with ASan and UBSan
#   make assert           the tests in a server that checks itself
#   make valgrind         the SQL tests under memcheck; takes half an hour
#   make valgrind-assert  the same, and memcheck sees every palloc

EXTENSION = trigger_fdw
EXTVERSION = $(shell sed -n "s/^default_version = '\(.*\)'/\1/p" trigger_fdw.control)

MODULE_big = trigger_fdw
OBJS = $(patsubst %.c,%.o,$(sort $(wildcard fdw/*.c)))
PGFILEDESC = "trigger_fdw - foreign-data wrapper for the Trigger.dev management API"
DATA = $(wildcard fdw/trigger_fdw--*.sql)

PG_CPPFLAGS = -DTRIGGER_FDW_VERSION='"$(EXTVERSION)"'
PG_CFLAGS = -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare \
	-Wno-missing-field-initializers $(if $(WERROR),-Werror)
SHLIB_LINK = -lcurl -ljson-c

PG_CONFIG ?= pg_config
PYTHON ?= python3

ifneq ($(filter demo check check-% bench cancel-storm soak fuzz sanitize assert \
	valgrind valgrind-assert,$(MAKECMDGOALS)),)

# These bring PGXS if it is missing, so they must do without it; every step
# that needs it is a make of its own.  (PGXS has a "check" of its own, too,
# that only says that there is none.)
MAKE_STEP = $(MAKE) --no-print-directory PG_CONFIG='$(PG_CONFIG)'
export PG_CONFIG

.PHONY: demo check bench cancel-storm soak fuzz sanitize assert valgrind \
	valgrind-assert all install clean
demo:
	@scripts/setup.sh demo
	@$(MAKE_STEP) -s installed
	@$(PYTHON) test/demo/demo.py

check:
	@scripts/setup.sh check
	@$(MAKE_STEP) -s installed WERROR=1
	@$(PYTHON) test/check.py

check-%:
	@scripts/setup.sh check
	@$(MAKE_STEP) -s installed WERROR=1
	@$(PYTHON) test/check.py $*

bench:
	@scripts/setup.sh bench
	@$(MAKE_STEP) -s installed
	@cd test/contract && test -d node_modules || npm ci --ignore-scripts --silent
	@sh test/query/install.sh
	@$(PYTHON) test/bench/bench.py

cancel-storm:
	@scripts/setup.sh demo
	@$(MAKE_STEP) -s installed
	@$(PYTHON) test/faults/storm.py

soak:
	@scripts/setup.sh demo
	@$(MAKE_STEP) -s installed
	@$(PYTHON) test/faults/soak.py

# PG_CONFIG of the server with assertions, for one command
WITH_ASSERT = config=$$(scripts/assert-server.sh) && PG_CONFIG=$$config

fuzz:
	@scripts/setup.sh check fuzz assert
	@$(WITH_ASSERT) $(PYTHON) test/fuzz/run.py

sanitize:
	@scripts/setup.sh check assert
	@sh test/query/install.sh
	@$(WITH_ASSERT) $(PYTHON) test/sanitize/run.py

assert:
	@scripts/setup.sh check assert
	@sh test/query/install.sh
	@$(WITH_ASSERT) $(PYTHON) test/assert/run.py

valgrind:
	@scripts/setup.sh check valgrind
	@sh test/query/install.sh
	@$(PYTHON) test/valgrind/run.py

valgrind-assert:
	@scripts/setup.sh check valgrind assert
	@sh test/query/install.sh
	@$(WITH_ASSERT) $(PYTHON) test/valgrind/run.py

all install clean:
	@$(MAKE_STEP) $@

else

PGXS := $(shell $(PG_CONFIG) --pgxs)
ifeq ($(wildcard $(shell $(PG_CONFIG) --includedir-server)/postgres.h),)
$(error PostgreSQL's development files are missing; "scripts/setup.sh build" installs them)
endif
# Bitcode is for inlining into compiled expressions: nothing here is called in one.
override with_llvm = no
include $(PGXS)

# few and small: all depend on all
$(OBJS): $(wildcard fdw/*.h) Makefile trigger_fdw.control

# Install where the files differ, with sudo where that needs it.
.PHONY: installed
installed: all
	@(for file in trigger_fdw.so=$(pkglibdir) \
		$(patsubst %,%=$(datadir)/extension,trigger_fdw.control $(DATA)); do \
		name=$${file%%=*}; cmp -s "$$name" "$${file#*=}/$${name##*/}" || exit 1; \
	done) || $$(test -w '$(pkglibdir)' || echo sudo) \
		$(MAKE) -s install PG_CONFIG='$(PG_CONFIG)'

endif
