#!/usr/bin/env bash
# Prints how many logins by ssh failed in the last minute, as the production host's log grows; sshd writes no times into it.
set -euo pipefail
export DOCKER_HOST=${DOCKER_HOST:-$(cat state/run/docker_host)}
mkdir -p state/logins
count=$(docker exec "${PROJECT}_host_1" grep -a -c "Failed password" /var/log/auth.log || true)
now=$(date +%s)
echo "$now ${count:-0}" >> state/logins/counts
awk -v now="$now" '$1 > now - 75' state/logins/counts > state/logins/new && mv state/logins/new state/logins/counts
awk 'NR == 1 { first = $2 } { last = $2 } END { n = last - first; print (n < 0) ? last : n }' state/logins/counts
