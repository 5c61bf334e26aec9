#!/usr/bin/env bash
# Writes a dump of the database into the backups' folder, whole or not at all, and keeps the newest four.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=/var/backups/equipment-marketplace
file=$folder/$(date +%Y%m%d_%H%M%S).sql
docker compose -f docker-compose.production.yml exec -T postgres sh -c 'pg_dump --no-owner -U "$POSTGRES_USER" "$POSTGRES_DB"' > "$file.part"
tail -n 5 "$file.part" | grep -q "PostgreSQL database dump complete"
mv "$file.part" "$file"
find "$folder" -name '*.sql' -printf '%T@ %p\n' | sort -rn | tail -n +5 | cut -d' ' -f2- | xargs -r rm --
echo "$file"
