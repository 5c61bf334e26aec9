#!/bin/bash
# Starts the production host: sshd, whose log is /var/log/auth.log, fail2ban and cron. Ends with sshd.
set -euo pipefail
ln -sfn "$ESTATE" /opt/bazar-production
echo "127.0.0.1 bazar.example" >> /etc/hosts
# until the authority has given one
[ -s /etc/haproxy/certs/bazar.example.pem ] || {
  openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=bazar.example -keyout /tmp/key -out /tmp/crt 2>/dev/null
  cat /tmp/crt /tmp/key > /etc/haproxy/certs/bazar.example.pem
}
touch /var/log/auth.log
mkdir -p /run/fail2ban /run/sshd
rm -f /run/fail2ban/*
fail2ban-server -b >/dev/null 2>&1 || true
cat > /etc/logrotate.d/bazar <<'ROTATE'
/var/log/auth.log {
  size 4M
  rotate 2
  copytruncate
  missingok
  notifempty
}
# renamed, not copied: on a volume that is full there is no room for a copy
/var/log/bazar/*.log {
  su root root
  size 4M
  rotate 2
  create
  missingok
  notifempty
  sharedscripts
  postrotate
    cd /opt/bazar-production && docker compose kill -s USR1 nginx >/dev/null 2>&1 || true
  endscript
}
ROTATE
exec /usr/sbin/sshd -D -e 2>> /var/log/auth.log
