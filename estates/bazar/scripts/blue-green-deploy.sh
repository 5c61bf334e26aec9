#!/usr/bin/env bash
# Deploys the release that releases/next names: starts it as the idle colour, lets it serve once it is well, brings the steady
# colour to the same release, and goes back to that. Without releases/next what serves is deployed again.
set -euo pipefail
cd "$(dirname "$0")/.." && set -a && . ./.env && set +a
tag=$(cat releases/next 2>/dev/null || echo "$APP_TAG")
serve() {
  echo "map \"\" \$colour { default $1; }" > state/nginx/colour.conf
  docker compose exec -T nginx nginx -t -c /etc/bazar/nginx.conf 2>/dev/null && docker compose exec -T nginx nginx -c /etc/bazar/nginx.conf -s reload
}
well() { docker compose exec -T "$1" php ping.php && docker compose exec -T "$1" php health.php; }

echo "Deploying $tag."
docker image inspect "bazar:$tag" >/dev/null 2>&1 || docker build -q --build-arg "RELEASE=$tag" -t "bazar:$tag" . >/dev/null
GREEN_TAG=$tag docker compose up -d --no-deps app-green
trap 'docker compose stop -t 2 app-green >/dev/null 2>&1; docker compose rm -f app-green >/dev/null 2>&1' EXIT
for try in $(seq 20); do well app-green && break; [ "$try" -lt 20 ] || { echo "$tag is not well; nothing was switched." >&2; exit 1; }; sleep 0.5; done
serve app-green
sed -i "s/^APP_TAG=.*/APP_TAG=$tag/" .env
APP_TAG=$tag docker compose up -d --no-deps --wait app queue-worker
serve app
cp releases/last-good releases/before 2>/dev/null || true
echo "$tag" > releases/last-good
rm -f releases/next
echo "$tag serves."
