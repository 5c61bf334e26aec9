#!/usr/bin/env bash
# Takes the last deployment back: the application as it was recorded before it, nothing else.
set -euo pipefail
cd "$(dirname "$0")/.." && set -a && . ./.env && set +a
good=$(cat releases/last-good)
[ "$good" != "$APP_TAG" ] || good=$(cat releases/before 2>/dev/null || echo "$good")
echo "Going back from $APP_TAG to $good."
sed -i "s/^APP_TAG=.*/APP_TAG=$good/" .env
APP_TAG=$good docker compose up -d --no-deps --wait app queue-worker
echo "$good" > releases/last-good
for try in $(seq 20); do
  curl -fsS --max-time 3 -o /dev/null "${SITE_URL:-http://bazar.example}/health" && { echo "$good serves."; exit 0; }
  sleep 0.5
done
echo "$good does not answer." >&2
exit 1
