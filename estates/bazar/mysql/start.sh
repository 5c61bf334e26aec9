#!/bin/bash
# Starts MariaDB in the place of MySQL. An empty folder is filled first; with SOURCE set the server follows that one from its
# first binary log on, by GTID, and takes no writes.
set -euo pipefail
data=/var/lib/mysql
mkdir -p /run/mysqld && chown mysql:mysql /run/mysqld "$data"
options=(
  --user=mysql --datadir=$data --bind-address=0.0.0.0 --socket=/run/mysqld/mysqld.sock --server-id="$SERVER_ID"
  --log-bin=binlog --binlog-format=ROW --gtid-strict-mode=OFF --log-slave-updates=ON --sync-binlog=1 --innodb-flush-log-at-trx-commit=1
  # an order is acknowledged once the replica has it as well, so that a failover loses none; at once where none is connected
  --rpl-semi-sync-master-enabled=ON --rpl-semi-sync-master-wait-point=AFTER_SYNC --rpl-semi-sync-master-timeout=10000 --rpl-semi-sync-master-wait-no-slave=OFF
  --rpl-semi-sync-slave-enabled=ON
  --innodb-buffer-pool-size=32M --innodb-log-file-size=16M --key-buffer-size=1M --max-connections=60 --thread-cache-size=4
  --performance-schema=ON --performance-schema-digests-size=200 --performance-schema-max-table-instances=200
  --performance-schema-max-thread-instances=100 --performance-schema-events-statements-history-long-size=100
  --slow-query-log=ON --log-output=TABLE --long-query-time=1 --skip-name-resolve
)
if [ ! -d $data/mysql ]; then
  mariadb-install-db --user=mysql --datadir=$data --skip-test-db >/dev/null
  {
    echo "SET sql_log_bin = 0;"
    echo "ALTER USER root@localhost IDENTIFIED BY '$MYSQL_ROOT_PASSWORD';"
    echo "CREATE USER watch@'%' IDENTIFIED BY '$WATCH_PASSWORD';"
    echo "GRANT PROCESS, SLAVE MONITOR, BINLOG MONITOR, SELECT ON *.* TO watch@'%';"
    echo "GRANT EXECUTE ON sys.* TO watch@'%';"
    echo "CREATE USER bazar@'%' IDENTIFIED BY '$DB_PASSWORD';"
    echo "GRANT ALL ON \`bazar\\_%\`.* TO bazar@'%';"
    echo "CREATE USER replica@'%' IDENTIFIED BY '$DB_PASSWORD';"
    echo "GRANT REPLICATION SLAVE ON *.* TO replica@'%';"
    if [ -n "${SOURCE:-}" ]; then
      # a statement a line is what --init-file takes
      echo "CHANGE MASTER TO MASTER_HOST='$SOURCE', MASTER_USER='replica', MASTER_PASSWORD='$DB_PASSWORD', MASTER_USE_GTID=slave_pos, MASTER_CONNECT_RETRY=2, MASTER_HEARTBEAT_PERIOD=2;"
      echo "START SLAVE;"
      echo "SET GLOBAL read_only = ON;"
    fi
  } > $data/first.sql
  chown mysql:mysql $data/first.sql && chmod 600 $data/first.sql
  exec mariadbd "${options[@]}" --init-file=$data/first.sql
fi
rm -f $data/first.sql
# what follows another takes no writes, also after it was started anew
[ ! -s $data/master.info ] || options+=(--read-only=ON)
exec mariadbd "${options[@]}"
