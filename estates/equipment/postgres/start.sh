#!/bin/bash
# PostgreSQL 15: made with its role, database and rows where there is none yet; then the server itself is this process.
set -euo pipefail
data=/var/lib/postgresql/data
if [ ! -f $data/PG_VERSION ]; then
  chown postgres: $data && chmod 700 $data
  su postgres -c "initdb -D $data --auth-local=trust --auth-host=scram-sha-256 --data-checksums --no-sync --no-instructions -E UTF8 --locale=C" >/dev/null
  cat >> $data/postgresql.conf <<'C'
listen_addresses = '*'
max_connections = 40
superuser_reserved_connections = 3
shared_buffers = 32MB
shared_preload_libraries = 'pg_stat_statements'
jit = off
autovacuum_naptime = 60s
C
  echo "host all all all scram-sha-256" >> $data/pg_hba.conf
  su postgres -c "pg_ctl -D $data -w -o '-c listen_addresses=' start" >/dev/null
  psql -q -U postgres -v ON_ERROR_STOP=1 <<S
CREATE ROLE $POSTGRES_USER LOGIN SUPERUSER PASSWORD '$POSTGRES_PASSWORD';
CREATE ROLE watch LOGIN PASSWORD '$WATCH_PASSWORD';
GRANT pg_monitor TO watch;
CREATE DATABASE $POSTGRES_DB OWNER $POSTGRES_USER;
S
  psql -q -U "$POSTGRES_USER" -d "$POSTGRES_DB" -v ON_ERROR_STOP=1 -f /etc/estate/schema.sql
  su postgres -c "pg_ctl -D $data -w stop" >/dev/null
fi
exec setpriv --reuid postgres --regid postgres --init-groups postgres -D $data
