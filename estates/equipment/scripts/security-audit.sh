#!/usr/bin/env bash
# Looks for what should not be: ports open to the world, files that anybody may write, a certificate near its end. Changes nothing.
set -uo pipefail
cd "$(dirname "$0")/.."
found=0
say() { echo "- $*"; found=$((found + 1)); }
while read -r port; do say "open to the world: $port"; done < <(docker ps --format '{{.Ports}}' --filter "label=com.docker.compose.project=$COMPOSE_PROJECT_NAME" | grep -o '0\.0\.0\.0:[0-9]*' | sort -u)
while read -r file; do say "anybody may write $file"; done < <(find scripts backend frontend nginx postgres -perm -o+w -type f)
openssl x509 -in /etc/nginx/ssl/fullchain.pem -noout -checkend 1209600 >/dev/null || say "the certificate ends within two weeks"
[ "$(stat -c %a /etc/ssh/keys/ssh_host_ed25519_key)" = 600 ] || say "others may read the host's key"
echo "$found findings"
[ "$found" = 0 ]
