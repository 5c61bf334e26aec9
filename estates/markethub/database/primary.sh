#!/bin/bash
# The primary: makes the cluster with the first start, then serves.
set -euo pipefail
export PGDATA=/var/lib/postgresql/data
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  mkdir -p "$PGDATA" /archive/wal /archive/base
  chown -R postgres "$PGDATA" /archive
  chmod 700 "$PGDATA"
  su postgres -c "initdb -A scram-sha-256 --pwfile=<(echo '$SUPERUSER_PASSWORD') -U postgres >/dev/null"
  cat >> "$PGDATA/postgresql.conf" <<CONF
listen_addresses = '*'
max_connections = 60
shared_buffers = 32MB
wal_level = replica
max_wal_senders = 8
wal_keep_size = 128MB
max_wal_size = 128MB
hot_standby = on
hot_standby_feedback = on
archive_mode = on
archive_command = 'test -f /archive/wal/%f || cp %p /archive/wal/.%f.part && { test -f /archive/wal/%f || mv /archive/wal/.%f.part /archive/wal/%f; }'
archive_timeout = 60s
shared_preload_libraries = 'pg_stat_statements'
log_min_duration_statement = 2000
log_lock_waits = on
logging_collector = off
tcp_keepalives_idle = 10
tcp_keepalives_interval = 5
tcp_keepalives_count = 3
CONF
  printf 'local all all trust\nhost all all all scram-sha-256\nhost replication replicator all scram-sha-256\n' > "$PGDATA/pg_hba.conf"
  su postgres -c "pg_ctl -w -s -o '-c listen_addresses= -c archive_command=/bin/true' start"
  psql -q -U postgres <<SQL
create role replicator replication login password '$REPLICATION_PASSWORD';
create role markethub login createdb password '$DB_PASSWORD' in role pg_monitor;
create role watchkeeper login password '$WATCH_PASSWORD' in role pg_monitor;
create database markethub owner markethub;
create database markethub_staging owner markethub;
SQL
  for base in markethub markethub_staging; do psql -q -U postgres -d "$base" -c "create extension pg_stat_statements"; done
  psql -q -U postgres -d markethub -c "grant pg_read_all_data to watchkeeper"
  su postgres -c "pg_ctl -w -s -m fast stop"
fi
exec setpriv --reuid=postgres --regid=postgres --init-groups postgres -D "$PGDATA"
