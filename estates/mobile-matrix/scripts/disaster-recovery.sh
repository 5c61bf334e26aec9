#!/usr/bin/env bash
# disaster-recovery.sh VERB [--force]: backups and recovery of Mobile Matrix.
#   backup              dump the database
#   full-backup         the newest dump with all configuration, as one archive
#   archive             put dumps of more than 30 days into the archive folder
#   backup-status       say how old and how large the newest dump is; fails where it is no good
#   database-recovery   the newest sound dump becomes the database, with what can be saved of the old one (--force)
#   full-recovery       the same, and every part is started anew (--force)
#   health-check        look at every part; fails where one is not well
source "$(dirname "$0")/parts.sh"
url=${APP_URL:-https://mobile-matrix.example}

backup() {
  file=$backups/mobile_matrix_backup_$(date +%Y%m%d_%H%M%S).sql.gz
  trap 'rm -f "$file.part"' EXIT
  [ ! -f "$backups/hold" ] || fail "Backups are held back by $backups/hold: $(cat "$backups/hold")"
  pg_dump -d "$database" | gzip > "$file.part"
  complete "$file.part" || fail "The dump is not complete."
  mv "$file.part" "$file"
  say "$file, $(stat -c %s "$file") bytes."
}

backup_status() {
  local file age size
  file=$(ls -t "$backups"/mobile_matrix_backup_*.sql.gz 2>/dev/null | head -1)
  [ -n "$file" ] || fail "There is no backup."
  age=$(( ($(date +%s) - $(stat -c %Y "$file")) / 60 )) size=$(stat -c %s "$file")
  say "$file: $age minutes old, $size bytes."
  [ "$age" -lt 1500 ] && [ "$size" -gt 1000000 ] || fail "It is too old or too small."
}

full_backup() {
  local dump file
  dump=$(newest_sound) || fail "There is no sound dump to put into it."
  file=$backups/mobile_matrix_full_$(date +%Y%m%d_%H%M%S).tar.gz
  tar -czf "$file.part" compose.yml .env scripts prometheus grafana k8s -C "$backups" "$(basename "$dump")"
  mv "$file.part" "$file"
  say "$file, $(stat -c %s "$file") bytes."
}

archive() {
  mkdir -p "$backups/archive"
  find "$backups" -maxdepth 1 -name 'mobile_matrix_*' -mtime +30 -exec mv -t "$backups/archive" {} +
  say "$(ls "$backups/archive" | wc -l) files are in the archive."
}

database_recovery() {
  local dump
  dump=$(newest_sound) || fail "There is no sound backup: nothing was changed."
  compose stop -t 5 app
  compose up -d --no-deps db
  wait_for_database
  say "Restoring $dump."
  load "$dump"
  salvage users orders payments comparisons
  compose up -d --no-deps --no-recreate app
  compose start app
  until curl -fsS --max-time 2 "$url/api/health" >/dev/null 2>&1; do
    [ "$SECONDS" -lt 90 ] || fail "The application is not well after the recovery."
    sleep 0.5
  done
  say "The application is well."
}

full_recovery() {
  compose up -d --no-deps --no-recreate redis ai web prometheus
  compose restart -t 5 redis web
  database_recovery
  health_check
}

health_check() {
  local bad=0
  look() {
    local name=$1
    shift
    if "$@" >/dev/null 2>&1; then say "$name is healthy."; else say "$name is NOT healthy."; bad=1; fi
  }
  look application curl -fsS --max-time 5 "$url/api/health"
  look catalogue curl -fsS --max-time 5 "$url/api/phones"
  look database psql -d "$database" -Atc 'SELECT count(*) FROM phones'
  look redis redis-cli -u "${REDIS_URL:-redis://default:redis-password@redis:6379/0}" ping
  look 'AI service' curl -fsS --max-time 5 -H "x-goog-api-key: ${GEMINI_API_KEY:-estate-gemini-key}" "${AI_URL:-http://ai:8080}/v1beta/models"
  return "$bad"
}

verb=${1:-}
case $verb in
  backup | archive) "$verb" ;;
  backup-status | full-backup | health-check) "${verb//-/_}" ;;
  database-recovery | full-recovery)
    [ "${2:-}" = --force ] || fail "$verb replaces data: say --force."
    "${verb//-/_}" ;;
  *) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
