#!/usr/bin/env bash
# Makes the three cache nodes one cluster again, where they are none: each forgets what it knew, then all slots are dealt out anew.
set -euo pipefail
cd "$(dirname "$0")/.." && set -a && . ./.env && set +a
nodes=(redis redis-2 redis-3)
whole() { docker compose exec -T redis redis-cli cluster info | tr -d '\r' | grep -q -x 'cluster_state:ok'; }
for try in 1 2 3 4 5; do whole && { echo "The cluster is whole."; exit 0; }; sleep 1; done
addresses=()
for node in "${nodes[@]}"; do
  docker compose exec -T "$node" sh -c 'redis-cli flushall; redis-cli cluster reset hard' >/dev/null
  addresses+=("$(getent hosts "$node" | awk '{ print $1 }'):6379")
done
docker compose exec -T redis redis-cli --cluster create "${addresses[@]}" --cluster-yes >/dev/null
for try in 1 2 3 4 5 6 7 8 9 10; do whole && { echo "The cluster is whole."; exit 0; }; sleep 1; done
echo "The nodes are no cluster." >&2
exit 1
