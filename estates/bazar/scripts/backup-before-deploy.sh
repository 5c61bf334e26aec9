#!/usr/bin/env bash
# Makes a backup of database and files in S3: the nightly one, and the one before a deployment. All files of one carry its stamp.
set -euo pipefail
cd "$(dirname "$0")/.." && set -a && . ./.env && set +a
place=s3://${BACKUP_BUCKET:-bazar-backups}/backups/bazar
stamp=bazar_$(date -u +%Y%m%d_%H%M%S)
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT

docker compose exec -T "$DB_HOST" sh -c 'MYSQL_PWD="$MYSQL_ROOT_PASSWORD" mysqldump -uroot --single-transaction --routines --master-data=2 "$0"' "$DB_NAME" > "$work/dump.sql"
tail -n 1 "$work/dump.sql" | grep -q '^-- Dump completed' || { echo "The dump ends too early." >&2; exit 1; }
position=$(grep -m1 -o "MASTER_LOG_FILE='[^']*', MASTER_LOG_POS=[0-9]*" "$work/dump.sql")
gzip -c "$work/dump.sql" > "$work/${stamp}_database.sql.gz"
tar -C "$PWD" -czf "$work/${stamp}_files.tar.gz" storage

sum() { sha256sum "$work/$1" | cut -d' ' -f1; }
jq -n --arg stamp "${stamp#bazar_}" --arg db "${stamp}_database.sql.gz" --arg files "${stamp}_files.tar.gz" \
  --arg db_sum "$(sum "${stamp}_database.sql.gz")" --arg files_sum "$(sum "${stamp}_files.tar.gz")" \
  --arg log "$(sed "s/.*FILE='\([^']*\)'.*/\1/" <<< "$position")" --argjson at "${position##*=}" \
  '{stamp: $stamp, files: [{name: $db, sha256: $db_sum}, {name: $files, sha256: $files_sum}], binlog_file: $log, binlog_position: $at}' \
  > "$work/${stamp}_manifest.json"
for file in database.sql.gz files.tar.gz manifest.json; do aws s3 cp --only-show-errors "$work/${stamp}_$file" "$place/"; done
echo "Backup ${stamp#bazar_} is in $place."
