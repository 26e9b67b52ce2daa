#!/bin/sh
# Makes Temporal's two databases and brings their tables up to the version of this image. Can run any number of times.
# SQL_PLUGIN, SQL_HOST, SQL_PORT and SQL_USER are read by the tool itself.
set -eu

SQL_PASSWORD="$(cat "$SQL_PASSWORD_FILE")"
export SQL_PASSWORD

for pair in temporal:temporal temporal_visibility:visibility; do
  database="${pair%%:*}"
  temporal-sql-tool --db "$database" create-database
  temporal-sql-tool --db "$database" setup-schema -v 0.0
  temporal-sql-tool --db "$database" update-schema -d "/etc/temporal/schema/postgresql/v12/${pair##*:}/versioned"
done
