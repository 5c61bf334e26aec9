CREATE ROLE indostar_user LOGIN PASSWORD 'indostar-database';
CREATE ROLE watchkeeper LOGIN PASSWORD 'watchkeeper-database' IN ROLE pg_monitor, pg_read_all_data;
CREATE DATABASE indostar_naturals OWNER indostar_user;
\c indostar_naturals
CREATE EXTENSION pg_stat_statements;
GRANT pg_read_all_stats TO indostar_user;
