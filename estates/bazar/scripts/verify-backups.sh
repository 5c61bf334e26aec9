#!/usr/bin/env bash
# Proves that the newest backup can be restored: loads it into a schema of its own, counts what is in it, and drops that schema.
set -euo pipefail
cd "$(dirname "$0")/.." && set -a && . ./.env && set +a
place=s3://${BACKUP_BUCKET:-bazar-backups}/backups/bazar
manifest=$(aws s3 ls "$place/" | awk '/_manifest.json$/ { print $4 }' | sort | tail -1)
[ -n "$manifest" ] || { echo "There is no backup in $place." >&2; exit 1; }
work=$(mktemp -d)
mysql() { docker compose exec -T "$DB_HOST" sh -c 'MYSQL_PWD="$MYSQL_ROOT_PASSWORD" mysql -uroot "$@"' sh "$@"; }
trap 'rm -rf "$work"; mysql -e "DROP DATABASE IF EXISTS bazar_verify"' EXIT

aws s3 cp --only-show-errors "$place/" "$work/" --recursive --exclude '*' --include "${manifest%_manifest.json}_*"
(cd "$work" && jq -r '.files[] | "\(.sha256)  \(.name)"' "$manifest" | sha256sum -c --quiet)
mysql -e "DROP DATABASE IF EXISTS bazar_verify; CREATE DATABASE bazar_verify"
gunzip -c "$work/${manifest%_manifest.json}_database.sql.gz" | mysql bazar_verify
for table in users articles orders; do echo "$table: $(mysql -Ne "SELECT count(*) FROM bazar_verify.$table")"; done
[ "$(mysql -Ne 'SELECT count(*) FROM bazar_verify.articles')" -gt 0 ] || { echo "The backup has no articles." >&2; exit 1; }
tar -tzf "$work/${manifest%_manifest.json}_files.tar.gz" > /dev/null
echo "Backup ${manifest%_manifest.json} can be restored."
