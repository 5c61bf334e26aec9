#!/bin/bash
# Starts the production host: trusts the estate's own authorities, then sshd, with which it ends.
set -euo pipefail
cp /etc/ssl/acme/acme.crt /usr/local/share/ca-certificates/acme.crt
cp /etc/ssl/acme/site-ca.crt /usr/local/share/ca-certificates/site-ca.crt
update-ca-certificates >/dev/null
printf 'COMPOSE_PROJECT_NAME=%s\nDOCKER_HOST=unix:///var/run/docker.sock\n' "$COMPOSE_PROJECT_NAME" >> /etc/environment
mkdir -p /run/sshd
# the authority makes itself a new root whenever it starts
{
  until curl -kfsS https://acme:15000/roots/0 -o /usr/local/share/ca-certificates/acme-root.crt; do sleep 0.5; done
  update-ca-certificates
} >/dev/null 2>&1 &
exec /usr/sbin/sshd -D -e
