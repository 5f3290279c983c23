#!/bin/sh
# Creates the extension in POSTGRES_DB. The image's entry point runs this
# once, when the data directory is empty, before it opens the port.

set -eu

psql -X -q -v ON_ERROR_STOP=1 -U "$POSTGRES_USER" -d "$POSTGRES_DB" \
	-c 'CREATE EXTENSION IF NOT EXISTS viflo_migrate'
