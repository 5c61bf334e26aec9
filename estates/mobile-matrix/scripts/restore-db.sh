#!/usr/bin/env bash
# restore-db.sh [--dry-run] [-f] FILE: the database becomes what the dump holds. --dry-run looks at the dump and changes nothing.
source "$(dirname "$0")/parts.sh"
dry='' file=''
while [ $# -gt 0 ]; do
  case $1 in
    --dry-run) dry=1 ;;
    -f | --file) file=$2; shift ;;
    -*) fail "restore-db.sh [--dry-run] [-f] FILE; $1 is not known." ;;
    *) file=$1 ;;
  esac
  shift
done
[ -n "$file" ] || fail "Which dump? restore-db.sh [--dry-run] [-f] FILE"
[ -r "$file" ] || fail "There is no $file."
complete "$file" || fail "$file is damaged or cut short: nothing was changed."
gunzip -c "$file" | awk -v RS='\n' '
  /^COPY / { table = $2; rows = 0; next }
  table && /^\\\.$/ { printf "%s: %d rows\n", table, rows; table = ""; next }
  table { rows++ }'
[ -z "$dry" ] || { say "$file can be restored. Nothing was changed."; exit 0; }
wait_for_database
load "$file"
say "The database is as $file has it; what was there is mobile_matrix_before."
