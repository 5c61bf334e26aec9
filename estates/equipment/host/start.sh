#!/bin/bash
# Starts the production host: trusts the estate's own authorities, keeps a journal, then sshd, with which it ends.
set -euo pipefail
cp /etc/ssl/acme/acme.crt /usr/local/share/ca-certificates/acme.crt
cp /etc/ssl/acme/site-ca.crt /usr/local/share/ca-certificates/site-ca.crt
update-ca-certificates >/dev/null
printf 'COMPOSE_PROJECT_NAME=%s\nDOCKER_HOST=unix:///var/run/docker.sock\n' "$COMPOSE_PROJECT_NAME" >> /etc/environment
mkdir -p /run/sshd /run/systemd/journal
# who is on the host may log in on it: the runbook looks whether that works
install -d -m 700 ~/.ssh && install -m 600 /etc/ssh/keys/id ~/.ssh/id_ed25519
printf '127.0.0.1 %s\n' "$(cut -d' ' -f1,2 /etc/ssh/keys/ssh_host_ed25519_key.pub)" > ~/.ssh/known_hosts
/lib/systemd/systemd-journald 2>/dev/null &
until [ -S /run/systemd/journal/dev-log ]; do sleep 0.1; done
ln -sf /run/systemd/journal/dev-log /dev/log
# the authority makes itself a new root whenever it starts
{
  until curl -kfsS https://acme:15000/roots/0 -o /usr/local/share/ca-certificates/acme-root.crt; do sleep 0.5; done
  update-ca-certificates
} >/dev/null 2>&1 &
exec /usr/sbin/sshd -D
