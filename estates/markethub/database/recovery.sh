#!/bin/bash
# What a restore to a point in time becomes: waits until one is asked for (/archive/restore holds the time), then brings the newest
# base backup from before it up to that time and serves.
set -euo pipefail
export PGDATA=/var/lib/postgresql/data
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  until [ -s /archive/restore ]; do sleep 0.5; done
  mkdir -p "$PGDATA"
  tar -x -z -f /archive/base/base.tar.gz -C "$PGDATA"
  mkdir -p "$PGDATA/pg_wal"
  [ ! -f /archive/base/pg_wal.tar.gz ] || tar -x -z -f /archive/base/pg_wal.tar.gz -C "$PGDATA/pg_wal"
  rm -f "$PGDATA/standby.signal"
  cat >> "$PGDATA/postgresql.auto.conf" <<CONF
primary_conninfo = ''
primary_slot_name = ''
archive_mode = off
restore_command = 'cp /archive/wal/%f %p'
recovery_target_time = '$(cat /archive/restore)'
recovery_target_action = 'promote'
CONF
  touch "$PGDATA/recovery.signal"
  chown -R postgres "$PGDATA"
  chmod 700 "$PGDATA"
fi
exec setpriv --reuid=postgres --regid=postgres --init-groups postgres -D "$PGDATA"
