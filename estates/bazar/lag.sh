#!/usr/bin/env bash
# Prints how many seconds the replica is behind; 9999 while it replicates nothing. Nothing, with an error, where it cannot be asked.
set -euo pipefail
export DOCKER_HOST=${DOCKER_HOST:-$(cat state/run/docker_host)}
told=$(docker exec "${PROJECT}_mysql-slave_1" sh -c 'MYSQL_PWD="$MYSQL_ROOT_PASSWORD" mysql -uroot -e "SHOW REPLICA STATUS\G"')
[ -n "$told" ] || { echo 0; exit; }
behind=$(sed -n 's/^ *Seconds_Behind_Master: //p' <<< "$told")
[ "$behind" != NULL ] && echo "$behind" || echo 9999
