# trigger_fdw/Makefile

EXTENSION = trigger_fdw
EXTVERSION = $(shell sed -n "s/^default_version = '\(.*\)'/\1/p" trigger_fdw.control)

MODULE_big = trigger_fdw
OBJS = $(patsubst %.c,%.o,$(sort $(wildcard fdw/*.c)))
PGFILEDESC = "trigger_fdw - foreign-data wrapper for the Trigger.dev management API"
DATA = $(wildcard fdw/trigger_fdw--*.sql)

PG_CPPFLAGS = -DTRIGGER_FDW_VERSION='"$(EXTVERSION)"'
PG_CFLAGS = -Wall -Wextra -Werror -Wno-unused-parameter -Wno-sign-compare \
	-Wno-missing-field-initializers
SHLIB_LINK = -lcurl -ljson-c

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

# PGXS tracks no headers; an object built against an old one would crash.
$(OBJS): $(wildcard fdw/*.h)
