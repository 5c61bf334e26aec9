#!/usr/bin/env bash
# there: is there a backup that is younger than 26 hours? whole: does the newest one match its manifest? By S3's own interface.
set -euo pipefail
place=$AWS_URL/$BACKUP_BUCKET
ask() { curl -fsS --max-time 10 --aws-sigv4 aws:amz:eu-central-1:s3 --user bazar:bazar-secret "$1"; }
listed=$(ask "$place?list-type=2&prefix=backups%2Fbazar%2F")
stamps=$(grep -o 'bazar_[0-9]*_[0-9]*_manifest.json' <<< "$listed" | sed 's/^bazar_//; s/_manifest.json//' | sort)
newest=$(tail -n 1 <<< "$stamps")
case $1 in
  there)
    [ -n "$newest" ] && [ "$newest" \> "$(date -u -d '26 hours ago' +%Y%m%d_%H%M%S)" ] || { echo "the newest is of ${newest:-never}"; exit 1; }
    ;;
  whole)
    [ -n "$newest" ] || exit 0
    ask "$place/backups/bazar/bazar_${newest}_manifest.json" | jq -r '.files[] | "\(.sha256) \(.name)"' | while read -r sum name; do
      [ "$(ask "$place/backups/bazar/$name" | sha256sum | cut -d' ' -f1)" = "$sum" ] || { echo "$name is damaged"; exit 1; }
    done
    ;;
esac
echo "$newest"
