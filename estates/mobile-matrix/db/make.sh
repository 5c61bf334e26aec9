#!/usr/bin/env bash
# Makes the database that the image carries.
set -euo pipefail
bin=/usr/lib/postgresql/15/bin
mkdir -p "$PGDATA" && chown postgres:postgres "$PGDATA" && chmod 700 "$PGDATA"
printf %s "$POSTGRES_PASSWORD" > /tmp/first && chown postgres /tmp/first
sudo -u postgres $bin/initdb -D "$PGDATA" -k -N -U postgres -A scram-sha-256 --pwfile=/tmp/first --locale=C.UTF-8 -E UTF8 >/dev/null
rm /tmp/first
printf 'local all all trust\nhost all all all scram-sha-256\n' > "$PGDATA/pg_hba.conf"
cat >> "$PGDATA/postgresql.conf" <<END
listen_addresses = '*'
shared_buffers = 32MB
max_connections = 60
shared_preload_libraries = 'pg_stat_statements'
log_min_duration_statement = 1000
END
sudo -u postgres $bin/pg_ctl -D "$PGDATA" -w -o "-c listen_addresses='' -c fsync=off" start >/dev/null
sudo -u postgres psql -q -v ON_ERROR_STOP=1 -v password="$APP_PASSWORD" -f /usr/local/lib/mobile-matrix/schema.sql
sudo -u postgres $bin/pg_ctl -D "$PGDATA" -w -m fast stop >/dev/null
