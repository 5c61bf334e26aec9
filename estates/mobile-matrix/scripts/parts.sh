# What the scripts share; they source it. They run on the application host, from anywhere.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
backups=${BACKUP_DIR:-/backups}
database=mobile_matrix
export PGHOST=${DB_HOST:-db} PGUSER=postgres PGCONNECT_TIMEOUT=5
if docker compose version >/dev/null 2>&1; then compose() { docker compose "$@"; }; else compose() { docker-compose "$@"; }; fi

say() { printf '%s %s\n' "$(date +%H:%M:%S)" "$*"; }
fail() { printf '%s\n' "$*" >&2; exit 1; }

# the newest dump that can be read to its end
newest_sound() {
  local file
  for file in $(ls -t "$backups"/mobile_matrix_backup_*.sql.gz 2>/dev/null); do
    if complete "$file"; then echo "$file"; return; fi
  done
  return 1
}

complete() { gzip -t "$1" 2>/dev/null && [ "$(gunzip -c "$1" | tail -n 5 | grep -c 'PostgreSQL database dump complete')" = 1 ]; }

wait_for_database() {
  local until=$((SECONDS + 60))
  until pg_isready -q -t 2; do [ "$SECONDS" -lt "$until" ] || fail "The database does not come up."; sleep 0.5; done
}

# load FILE: the dump becomes the database; what was there stays beside it as mobile_matrix_before, until the next time
load() {
  dropdb --if-exists --force mobile_matrix_loading
  createdb -O mobile mobile_matrix_loading
  gunzip -c "$1" | psql -q -d mobile_matrix_loading -v ON_ERROR_STOP=1 --single-transaction >/dev/null
  dropdb --if-exists --force mobile_matrix_before
  psql -q -d postgres -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '$database'" >/dev/null
  if [ "$(psql -d postgres -Atc "SELECT count(*) FROM pg_database WHERE datname = '$database'")" = 1 ]; then
    psql -q -d postgres -c "ALTER DATABASE $database RENAME TO mobile_matrix_before"
  fi
  psql -q -d postgres -c "ALTER DATABASE mobile_matrix_loading RENAME TO $database"
}

# salvage TABLE...: rows of the database before that the dump did not have yet, as far as they can still be read
salvage() {
  local table rows
  for table in "$@"; do
    rows=$(mktemp)
    if psql -q -d mobile_matrix_before -c "COPY $table TO STDOUT" > "$rows" 2>/dev/null; then
      psql -q -d "$database" -v ON_ERROR_STOP=1 >/dev/null <<END
BEGIN;
CREATE TEMPORARY TABLE saved (LIKE $table) ON COMMIT DROP;
\copy saved FROM '$rows'
INSERT INTO $table SELECT * FROM saved ON CONFLICT DO NOTHING;
COMMIT;
END
      say "$table: $(wc -l < "$rows") rows were still readable; those that the dump lacks are kept."
    else
      say "$table cannot be read any more: it is as the dump has it."
    fi
    rm -f "$rows"
  done
  for table in users orders comparisons phones; do
    psql -q -d "$database" -c "SELECT setval(pg_get_serial_sequence('$table', 'id'), (SELECT max(id) FROM $table) + 1, false)" >/dev/null
  done
}
