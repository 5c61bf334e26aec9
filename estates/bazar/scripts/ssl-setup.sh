#!/usr/bin/env bash
# init: asks the authority for a first certificate. renew: renews it where it ends within a month. Both by certbot.
set -euo pipefail
host=${SITE_HOST:-bazar.example}
export REQUESTS_CA_BUNDLE=${REQUESTS_CA_BUNDLE:-/etc/ssl/bazar/acme.crt}
case ${1:-} in
  init) certbot certonly --non-interactive --agree-tos -m admin@bazar.example --server "${ACME_SERVER:-https://acme:14000/dir}" \
    --webroot -w /var/www/acme -d "$host" --cert-name "$host" --key-type rsa ;;
  renew) certbot renew --non-interactive --no-random-sleep-on-renew --cert-name "$host" ;;
  *) echo "Say init or renew." >&2; exit 2 ;;
esac
cp "/etc/letsencrypt/live/$host/fullchain.pem" "/etc/nginx/ssl/$host.crt"
cp "/etc/letsencrypt/live/$host/privkey.pem" "/etc/nginx/ssl/$host.key"
(umask 077; cat "/etc/letsencrypt/live/$host/fullchain.pem" "/etc/letsencrypt/live/$host/privkey.pem" > "/etc/haproxy/certs/$host.pem")
docker compose -f /opt/bazar-production/compose.yml --project-directory /opt/bazar-production kill -s HUP haproxy 2>/dev/null || true
