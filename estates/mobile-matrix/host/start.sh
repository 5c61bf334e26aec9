#!/usr/bin/env bash
# Prepares the application host: who it trusts, how it reaches the database, its crontab; then waits as cron.
set -euo pipefail
printf 'db:5432:*:postgres:%s\n' "$POSTGRES_PASSWORD" > ~/.pgpass && chmod 600 ~/.pgpass
mkdir -p ~/.docker /var/lib/mobile-matrix/copies
env | grep -E '^(COMPOSE_PROJECT_NAME|DOCKER_HOST|PATH)=' > /etc/environment
cat state/tls/ca.crt >> /etc/ssl/certs/ca-certificates.crt
crontab - <<END
0 * * * * /usr/sbin/logrotate /etc/logrotate.d/mobile-matrix
0 2 * * * cd $PWD && ./scripts/disaster-recovery.sh backup >> /var/log/backup.log 2>&1
0 3 * * 0 cd $PWD && ./scripts/disaster-recovery.sh full-backup >> /var/log/backup.log 2>&1
0 4 1 * * cd $PWD && ./scripts/disaster-recovery.sh archive >> /var/log/backup.log 2>&1
END
exec cron -f
