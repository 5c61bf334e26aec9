#!/usr/bin/env bash
# deploy.sh backup | deploy [RELEASE] | health-check | rollback. A release is a tag of the backend's image; what was deployed when is
# written down, so that rollback knows the one before; the one to deploy next stands in state/next, where none is named.
set -euo pipefail
cd "$(dirname "$0")/.."
history=state/releases
compose() { docker compose -f docker-compose.production.yml "$@"; }
current() { tail -n 1 "$history" | cut -d' ' -f2; }

run() {
  sed -i "s/^BACKEND_TAG=.*/BACKEND_TAG=$1/" .env
  compose up -d --no-deps backend 2>/dev/null
}

case ${1:-} in
  backup) ./scripts/backup-database.sh ;;
  deploy)
    release=${2:-${RELEASE:-$(cat state/next 2>/dev/null || current)}}
    docker image inspect "equipment-backend:$release" >/dev/null
    echo "$(date +%Y-%m-%dT%H:%M:%S) $release" >> "$history"
    run "$release"
    echo "$release is deployed" ;;
  health-check)
    curl -fsS --max-time 5 --retry 8 --retry-delay 1 --retry-all-errors -o /dev/null "${LOCAL_URL:-https://localhost}/api/health"
    curl -fsS --max-time 5 -o /dev/null "${LOCAL_URL:-https://localhost}/api/equipment"
    echo "every check passes" ;;
  rollback)
    before=$(cut -d' ' -f2 "$history" | tac | awk -v now="$(current)" '$1 != now { print; exit }')
    [ -n "$before" ] || { echo "there is no release before $(current)" >&2; exit 1; }
    echo "$(date +%Y-%m-%dT%H:%M:%S) $before" >> "$history"
    run "$before"
    echo "back at $before" ;;
  *) echo "Say backup, deploy, health-check or rollback." >&2; exit 2 ;;
esac
