# The ways in which Bazar is broken, and how each is mended by force.

container() { echo "${COMPOSE_PROJECT_NAME}_$1_${2:-1}"; }
# every container of a service
all_of() { docker ps -a --filter "label=com.docker.compose.project=$COMPOSE_PROJECT_NAME" --filter "label=com.docker.compose.service=$1" --format '{{.Names}}'; }
# a signal to every process of every container of some services, as the kernel would send it
signal_all() {
  local word=$1 service each; shift
  for service in "$@"; do
    for each in $(all_of "$service"); do docker top "$each" -o pid 2>/dev/null | tail -n +2 | xargs -r kill "-$word" 2>/dev/null || true; done
  done
}
verb_kill_all() { signal_all KILL "$@"; }
verb_stop_all() { signal_all STOP "$@"; }
verb_continue_all() { signal_all CONT "$@"; }

# the source's own files are gone, so that it cannot start
verb_lose_source() {
  inside mysql sh -c 'rm -rf /var/lib/mysql/ibdata1 /var/lib/mysql/ib_logfile0 /var/lib/mysql/mysql && touch /var/lib/mysql/master.info && mkdir /var/lib/mysql/mysql'
  signal KILL mysql
}

# a release that answers every request with 500, given out by somebody in a hurry
verb_bad_release() {
  docker image inspect bazar:r13 >/dev/null 2>&1 || printf 'FROM bazar:%s\nENV BROKEN=yes RELEASE=r13\n' "$APP_TAG" | docker build -q -t bazar:r13 - >/dev/null
  sed -i 's/^APP_TAG=.*/APP_TAG=r13/' .env
  APP_TAG=r13 compose up -d --no-deps app >/dev/null 2>&1
}

# application containers made by hand, without one of the variables of the compose file
verb_without_variable() {
  sed 's/^    DB_HOST: .*/    DB_HOST: ""/' compose.yml > state/without.yml
  compose -f state/without.yml --project-directory . up -d --no-deps app >/dev/null 2>&1
}
verb_wrong_secret() {
  sed 's/^    WEBHOOK_SECRET: ${WEBHOOK_SECRET}$/    WEBHOOK_SECRET: rotated-elsewhere/' compose.yml > state/without.yml
  compose -f state/without.yml --project-directory . up -d --no-deps app >/dev/null 2>&1
}

# somebody with an address of his own asks for searches that take long, as fast as he can
verb_flood() {
  docker rm -f "$(container flood)" >/dev/null 2>&1 || true
  docker run -d --name "$(container flood)" --network "${COMPOSE_PROJECT_NAME}_default" -v "$here/flood.py:/flood.py:ro" watchkeeper-estate-base python3 /flood.py http://bazar.example/report 110 >/dev/null
}

# a script that opens connections and forgets them
verb_leak_connections() {
  docker exec -d "$(container app)" php -r 'require "/srv/shop/src/outside.php"; $all = []; for ($n = 0; $n < 46; $n++) { Outside::forget(); $all[] = Outside::database(); } sleep(600);'
}
# a transaction that holds an order and waits for its owner's coffee, and those who wait for it
verb_hold_lock() {
  docker exec -d "$(container mysql)" sh -c 'MYSQL_PWD="$MYSQL_ROOT_PASSWORD" sh -c "(echo \"SET innodb_lock_wait_timeout=300; BEGIN; UPDATE articles SET stock = stock - 1 WHERE id = 1;\"; sleep 300) | mysql -uroot '"$DB_NAME"'"'
  sleep 2
  docker exec -d "$(container mysql)" sh -c 'MYSQL_PWD="$MYSQL_ROOT_PASSWORD" mysql -uroot '"$DB_NAME"' -e "SET innodb_lock_wait_timeout=300; UPDATE articles SET stock = stock - 1 WHERE id = 1"'
}
verb_spin() { inside queue redis-cli lpush jobs '{"spin": 600}' >/dev/null; }
# a process of the application that keeps all that it ever saw
verb_leak_memory() {
  docker exec -d "$(container app)" php -d memory_limit=-1 -r '$all = []; while (memory_get_usage() < 136e6) { $all[] = random_bytes(1 << 18); usleep(20000); } sleep(600);'
}
verb_fill_logs() { inside nginx sh -c 'yes "203.0.113.7 - - [01/Jan/2026:00:00:00 +0000] \"GET / HTTP/1.1\" 200 5 \"-\" \"-\" 0.001" | head -c 22000000 >> /var/log/bazar/debug.log'; }
# a certificate of three days, where certbot keeps it and where it is read
verb_old_certificate() {
  on_host 'set -e; live=/etc/letsencrypt/live/bazar.example
    openssl req -new -key $live/privkey.pem -subj /CN=bazar.example -addext subjectAltName=DNS:bazar.example -out /tmp/csr 2>/dev/null
    openssl x509 -req -in /tmp/csr -signkey $live/privkey.pem -days 3 -copy_extensions copy -out /tmp/old.pem 2>/dev/null
    cp /tmp/old.pem "$(readlink -f $live/cert.pem)"; cp /tmp/old.pem "$(readlink -f $live/fullchain.pem)"; cp /tmp/old.pem /etc/nginx/ssl/bazar.example.crt
    cat /tmp/old.pem $live/privkey.pem > /etc/haproxy/certs/bazar.example.pem'
  docker kill -s HUP "$(container haproxy)" >/dev/null
}
# somebody tries one password after the other, from an address of his own
verb_guess_passwords() {
  docker rm -f "$(container guesser)" >/dev/null 2>&1 || true
  docker run -d --name "$(container guesser)" --network "${COMPOSE_PROJECT_NAME}_default" watchkeeper-estate-base bash -c '
    printf "#!/bin/sh\necho wrong\n" > /tmp/ask && chmod +x /tmp/ask; export SSH_ASKPASS=/tmp/ask SSH_ASKPASS_REQUIRE=force DISPLAY=:0
    while :; do timeout 20 ssh -o StrictHostKeyChecking=no -o PubkeyAuthentication=no -o NumberOfPasswordPrompts=6 root@host true </dev/null >/dev/null 2>&1; sleep 0.2; done' >/dev/null
}
verb_delete_backups() { on_host 'aws s3 rm --recursive --only-show-errors s3://bazar-backups/backups/bazar/'; }
verb_damage_backup() {
  on_host 'file=$(aws s3 ls s3://bazar-backups/backups/bazar/ | awk "/_database.sql.gz$/ { print \$4 }" | sort | tail -1)
    aws s3 cp --only-show-errors "s3://bazar-backups/backups/bazar/$file" /tmp/damaged && printf X | dd of=/tmp/damaged bs=1 seek=100 conv=notrunc status=none
    aws s3 cp --only-show-errors /tmp/damaged "s3://bazar-backups/backups/bazar/$file"'
}
verb_vendor() { curl -fsS -o /dev/null -X POST "http://127.0.0.1:$VENDORS_PORT/control/payments" -d "{\"mode\": \"$1\"}"; }

# what was restored beside the old schema is given up again
verb_back_from_restored() {
  sql "DROP DATABASE IF EXISTS bazar_restored; INSERT IGNORE INTO bazar_marketplace.articles (id, category_id, title, cents)
    SELECT seq, 1 + seq % 4, CONCAT('Red carpet ', seq), 500 + 37 * seq FROM bazar_marketplace.seq_1_to_200" 2>/dev/null || true
  compose up -d app queue-worker >/dev/null 2>&1
  wait_for well 120
}

# puts everything right again, whatever was broken: by force, and with what customers were promised
reset() {
  docker rm -f "$(container flood)" "$(container guesser)" >/dev/null 2>&1 || true
  docker ps -q --filter "label=com.docker.compose.project=$COMPOSE_PROJECT_NAME" --filter status=paused | xargs -r docker unpause >/dev/null
  verb_continue_all app nginx haproxy queue-worker mysql mysql-slave queue redis redis-2 redis-3 search search-2 host
  sed -i 's/^APP_TAG=.*/APP_TAG=r1/' .env
  echo r1 > releases/last-good; rm -f releases/next
  cmp -s haproxy/haproxy.cfg state/haproxy/haproxy.cfg || { cp haproxy/haproxy.cfg state/haproxy/haproxy.cfg && docker kill -s HUP "$(container haproxy)" >/dev/null 2>&1 || true; }
  verb_vendor well || true
  rejoin
  set -a && . ./.env && set +a
  compose up -d --remove-orphans >/dev/null 2>&1
  inside queue redis-cli ping >/dev/null 2>&1 && inside queue redis-cli lrange jobs 0 -1 | grep -q spin && inside queue redis-cli del jobs >/dev/null
  # one may still be at a job that does not end
  compose restart -t 1 queue-worker >/dev/null 2>&1
  sql "SELECT CONCAT('KILL ', id) FROM information_schema.processlist WHERE user IN ('root', 'bazar') AND command = 'Sleep' AND time > 5" | while read -r kill; do sql "$kill" || true; done
  inside nginx sh -c 'rm -f /var/log/bazar/debug.log* /var/log/bazar/*.log.[0-9]*'
  on_host 'fail2ban-client unban --all >/dev/null 2>&1; : > /var/log/auth.log'
  filled
  docker exec "$(container app 2)" true
  wait_for well 120
}
# what served last is the truth: after a failover the old source is filled from it anew, and leads again
rejoin() {
  if [ "$DB_HOST" = mysql ] && inside mysql test -d /var/lib/mysql/mysql 2>/dev/null && ! inside mysql test -e /var/lib/mysql/master.info 2>/dev/null; then
    docker start "$(container mysql)" "$(container mysql-slave)" >/dev/null
    sql 'START REPLICA' mysql-slave 2>/dev/null || true
    return
  fi
  docker start "$(container mysql-slave)" >/dev/null
  wait_for 'sql "SELECT 1" mysql-slave'
  # an order that was taken while the rows are copied would be gone with the old volume
  compose stop -t 2 app queue-worker >/dev/null 2>&1
  inside mysql-slave sh -c 'MYSQL_PWD="$MYSQL_ROOT_PASSWORD" mysqldump -uroot --single-transaction --databases "$0"' "$DB_NAME" > state/last.sql
  compose rm -sf mysql mysql-slave >/dev/null 2>&1
  docker volume rm "${COMPOSE_PROJECT_NAME}_mysql" "${COMPOSE_PROJECT_NAME}_mysql-slave" >/dev/null
  sed -i 's/^DB_HOST=.*/DB_HOST=mysql/' .env
  DB_HOST=mysql
  compose up -d mysql mysql-slave >/dev/null 2>&1
  wait_for 'sql "SELECT 1" mysql'
  inside mysql sh -c 'MYSQL_PWD="$MYSQL_ROOT_PASSWORD" mysql -uroot' < state/last.sql
}
