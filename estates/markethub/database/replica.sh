#!/bin/bash
# A streaming replica of $FOLLOWS: takes a copy with the first start. Once it is promoted it stays so.
set -euo pipefail
export PGDATA=/var/lib/postgresql/data
export PGPASSWORD=$REPLICATION_PASSWORD
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  mkdir -p "$PGDATA"
  until pg_isready -q -h "$FOLLOWS"; do sleep 0.5; done
  until pg_basebackup -h "$FOLLOWS" -U replicator -D "$PGDATA" -X stream -c fast -R -C -S "$SLOT" 2>/tmp/copy; do
    grep -q 'already exists' /tmp/copy && pg_basebackup -h "$FOLLOWS" -U replicator -D "$PGDATA" -X stream -c fast -R -S "$SLOT" && break
    cat /tmp/copy; rm -rf "${PGDATA:?}"/*; sleep 1
  done
  chown -R postgres "$PGDATA"
  chmod 700 "$PGDATA"
fi
exec setpriv --reuid=postgres --regid=postgres --init-groups postgres -D "$PGDATA"
