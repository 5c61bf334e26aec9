#!/usr/bin/env bash
# Has fail2ban shut out the address with most failed logins, unless it has fewer than twenty.
set -euo pipefail
log=${1:-/var/log/auth.log}
read -r count address < <(tail -n 5000 "$log" | grep -a 'Failed password' | grep -a -o -E 'from [0-9.]+' | sort | uniq -c | sort -rn | awk '{ print $1, $3; exit }') || true
[ "${count:-0}" -ge 20 ] || { echo "Nobody failed twenty times."; exit 0; }
fail2ban-client set sshd banip "$address" >/dev/null
echo "$address is shut out: it failed $count times."
