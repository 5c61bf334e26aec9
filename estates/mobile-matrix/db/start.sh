#!/usr/bin/env bash
# Becomes the server.
set -euo pipefail
chown postgres:postgres "$PGDATA" && chmod 700 "$PGDATA"
rm -f "$PGDATA/postmaster.pid"
exec setpriv --reuid postgres --regid postgres --clear-groups /usr/lib/postgresql/15/bin/postgres -D "$PGDATA"
