MODULE_big = viflo_migrate
EXTENSION = viflo_migrate
DATA = $(wildcard sql/viflo_migrate--*.sql)
OBJS = $(patsubst %.c,%.o,$(sort $(wildcard src/common/*.c src/server/*.c src/server/*/*.c)))
PG_CPPFLAGS = -I$(srcdir)/src -I$(srcdir)/src/server

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)
