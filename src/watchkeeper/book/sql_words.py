"""The words of SQL: how statements begin, what their beginnings mean, and which functions change nothing."""

from __future__ import annotations

from watchkeeper.book.programs import word_set

#: first word -> what must follow for a line to be SQL rather than prose or a program
FIRST_WORDS: dict[str, str] = {
    "SELECT": r"\s+(?!the\b|a\b|your\b|an\b|all the\b)\S|$", "WITH": r"\s+(RECURSIVE\s+)?\w+\s*(\([^)]*\)\s*)?AS\b",
    "INSERT": r"\s+(INTO|IGNORE|OVERWRITE)\b",
    "UPDATE": r"\s+[\w.\"`<\[]+(\s+(AS\s+)?\w+)?\s*(SET\b|$)", "DELETE": r"\s+FROM\b", "ALTER":
        r"\s+(TABLE|DATABASE|SYSTEM|USER|ROLE|INDEX|SEQUENCE|SUBSCRIPTION|PUBLICATION|EXTENSION|VIEW|INSTANCE|"
        r"GROUP)\b",
    "CREATE":
        r"\s+(OR\s+REPLACE\s+)?(UNIQUE\s+)?(INDEX|TABLE|DATABASE|USER|ROLE|EXTENSION|VIEW|MATERIALIZED|SCHEMA|"
        r"FUNCTION|PUBLICATION|SUBSCRIPTION|SEQUENCE|TRIGGER|POLICY|TYPE|TEMP|TEMPORARY|PROCEDURE)\b",
    "DROP":
        r"\s+(INDEX|TABLE|DATABASE|USER|ROLE|EXTENSION|VIEW|SCHEMA|FUNCTION|SUBSCRIPTION|PUBLICATION|MATERIALIZED|"
        r"SEQUENCE|OWNED|TRIGGER|POLICY|PARTITION)\b",
    "TRUNCATE": r"\s+(TABLE\s+)?[\w.\"`<\[]+", "VACUUM": r"\s*(;|$|\(|FULL\b|ANALYZE\b|VERBOSE\b|FREEZE\b|[\w.]+\s*;)",
    "ANALYZE": r"\s*(;|$|VERBOSE\b|TABLE\b|[\w.\"]+\s*;)",
    "REINDEX": r"\s+(\(|DATABASE|TABLE|INDEX|SCHEMA|SYSTEM|CONCURRENTLY)",
    "EXPLAIN": r"\s*(\(|ANALYZE|SELECT|VERBOSE|FORMAT|UPDATE|DELETE|INSERT|EXTENDED|WITH|PLAN|$)",
    "SHOW":
        r"\s+([\w.]+\s*;|[a-z_.]+\s*$|(ALL|\w*\s*PROCESSLIST|FULL|ENGINE|GLOBAL|SESSION|STATUS|VARIABLES|TABLES|"
        r"DATABASES|SLAVE|REPLICA|MASTER|BINARY|BINLOG|GRANTS|INDEX|INDEXES|CREATE|COLUMNS|TABLE|OPEN|WARNINGS|"
        r"ERRORS|PLUGINS|POOLS|CLIENTS|SERVERS|STATS|CONFIG|LISTS|VERSION|TRIGGERS|CLUSTER)\b)",
    "OPTIMIZE": r"\s+TABLE\b", "REPAIR": r"\s+TABLE\b", "CHECK": r"\s+TABLE\b",
    "FLUSH": r"\s+(TABLES|PRIVILEGES|LOGS|HOSTS|STATUS|BINARY|ENGINE)\b",
    "KILL": r"\s+(QUERY\s+|CONNECTION\s+)?(\d+|<[^>]+>|\[[^\]]+\]|[a-z_]+)\s*;",
    "GRANT": r"\s[\w ,()*.]*\s(?:ON|TO)\b", "REVOKE": r"\s[\w ,()*.]*\s(?:ON|FROM)\b",
    "SET": r"\s+(GLOBAL|SESSION|LOCAL|PERSIST|@@?[\w.]+|[a-z_.]+\s*(=|TO\b)|statement_timeout|ROLE|PASSWORD)",
    "RESET": r"\s+(MASTER|SLAVE|REPLICA|BINARY|QUERY|ALL|[a-z_]+\s*;)",
    "START": r"\s+(SLAVE|REPLICA|TRANSACTION|GROUP_REPLICATION)\b", "STOP": r"\s+(SLAVE|REPLICA|GROUP_REPLICATION)\b",
    "CHANGE": r"\s+(MASTER|REPLICATION)\b", "PURGE": r"\s+(BINARY|MASTER)\b", "BEGIN": r"\s*(;|TRANSACTION|WORK|$)",
    "COMMIT": r"\s*(;|$)",
    "ROLLBACK": r"\s*(;|$)", "CALL": r"\s+[\w.]+\s*\(", "REFRESH": r"\s+MATERIALIZED\b", "COPY": r"\s+(\(|[\w.\"]+)",
    "LOCK": r"\s+TABLES?\b", "UNLOCK": r"\s+TABLES\b", "CLUSTER": r"\s+[\w.]+\s+USING\b", "CHECKPOINT": r"\s*;",
    "COMMENT": r"\s+ON\b", "REASSIGN": r"\s+OWNED\b", "RENAME": r"\s+TABLE\b", "LISTEN": r"\s+\w+\s*;", "NOTIFY": r"\s+\w+",
    "DESCRIBE": r"\s+[\w.`\"]+\s*;", "USE": r"\s+[\w`\"]+\s*;", "MERGE": r"\s+INTO\b", "REPLACE": r"\s+INTO\b",
    "PAUSE": r"\s*(\w+\s*)?;", "RESUME": r"\s*(\w+\s*)?;",
    "RELOAD": r"\s*;", "DO": r"\s+\$\$", "SYSTEM": r"\s+(RESTART|FLUSH|RELOAD|SYNC|STOP|START|DROP|SHUTDOWN)\b",
    "LOAD": r"\s+DATA\b", "EXEC": r"\s+(sp_|sys\.)\w+", "DBCC": r"\s+\w+", "BACKUP": r"\s+(DATABASE|LOG)\b",
    "RESTORE": r"\s+(DATABASE|LOG|FILELISTONLY|HEADERONLY|VERIFYONLY)\b",
}  # fmt: skip

DESTROYING: tuple[str, ...] = (
    "DROP", "TRUNCATE", "DELETE", "RESET MASTER", "RESET BINARY", "PURGE", "RESTORE DATABASE", "RESTORE LOG", "REPLACE INTO",
    "LOAD DATA",
    "RESET REPLICA ALL", "RESET SLAVE ALL", "SYSTEM DROP", "SYSTEM SHUTDOWN", "REASSIGN OWNED", "SHUTDOWN", "DISCARD",
    "FLUSH BINARY",
)  # fmt: skip
CHANGING: tuple[str, ...] = (
    "INSERT", "UPDATE", "ALTER TABLE", "ALTER", "CREATE", "GRANT", "REVOKE", "VACUUM", "ANALYZE", "REINDEX", "OPTIMIZE",
    "REPAIR", "FLUSH", "KILL", "SET GLOBAL", "SET PERSIST", "SET PERSIST_ONLY", "SET PASSWORD",
    "START SLAVE", "START REPLICA", "STOP SLAVE", "STOP REPLICA", "START GROUP", "STOP GROUP", "CHANGE", "RESET SLAVE",
    "RESET REPLICA", "RESET", "REFRESH", "COPY", "LOCK", "UNLOCK", "CLUSTER",
    "COMMENT", "RENAME", "NOTIFY", "MERGE", "PAUSE", "RESUME", "RELOAD", "SYSTEM", "BACKUP", "ATTACH", "DETACH", "DO", "CALL",
)  # fmt: skip

SESSION_SETTINGS = frozenset({"STATEMENT_TIMEOUT", "LOCK_TIMEOUT", "SEARCH_PATH", "ROLE", "TIMEZONE", "TIME", "NAMES"})

PURE_PREFIXES: tuple[str, ...] = (
    "pg_stat_get_", "pg_size_", "pg_get_", "st_", "pg_is_", "pg_last_", "pg_current_",
    "pg_wal_lsn_",
    "pg_show_", "txid_current_if", "formatreadable", "tostartof",
)  # fmt: skip
PURE = word_set("""count sum avg min max coalesce nullif greatest least now clock_timestamp statement_timestamp
    transaction_timestamp age extract round ceil ceiling floor abs mod
    power sqrt exp ln log sign trunc random upper lower length char_length octet_length substring substr trim ltrim
    rtrim replace split_part concat concat_ws left right lpad rpad position strpos
    reverse repeat initcap format quote_ident quote_literal md5 encode decode chr ascii translate overlay bit_and
    bit_or bool_and bool_or every stddev variance stddev_pop stddev_samp var_pop var_samp
    percentile_cont percentile_disc mode row_number rank dense_rank ntile lag lead first_value last_value nth_value
    cume_dist percent_rank corr generate_series generate_subscripts unnest
    pg_database_size pg_relation_size pg_total_relation_size pg_table_size pg_indexes_size pg_tablespace_size
    pg_column_size pg_relation_filepath pg_postmaster_start_time pg_conf_load_time
    pg_backend_pid pg_blocking_pids pg_xact_commit_timestamp pg_ls_waldir pg_ls_logdir
    pg_walfile_name pg_xlogfile_name pg_xlog_location_diff pg_wal_lsn_diff pg_lsn_cmp
    pg_typeof pg_encoding_to_char pg_table_is_visible pg_safe_snapshot_blocking_pids pg_options_to_table
    pg_my_temp_schema pg_control_checkpoint pg_control_system pg_control_recovery
    pg_stat_statements pg_buffercache_pages pgstattuple pgstatindex pgstattuple_approx bt_index_check
    bt_index_parent_check verify_heapam pg_stat_activity inet_server_addr inet_client_addr inet_server_port version
    obj_description col_description format_type to_regclass regclass oid table_name width_bucket justify_interval
    make_interval make_date make_timestamp localtime localtimestamp timeofday
    if ifnull isnull group_concat datediff timestampdiff timestampadd date_add date_sub adddate subdate curdate
    curtime sysdate utc_timestamp unix_timestamp from_unixtime str_to_date dayofweek hour minute second day month year
    week quarter time timediff sec_to_time time_to_sec last_day connection_id database user session_user schema
    found_rows row_count charset collation convert conv hex unhex bin oct inet_aton inet_ntoa field elt find_in_set
    instr locate mid
    any_value uuid cast bigint int integer text date timestamp timestamptz numeric decimal varchar sha2 sha1 crc32
    json_extract len datalength getdate dateadd datepart object_name object_id db_name db_id
    uniq uniqexact countif sumif avgif quantile quantiles toyyyymm todate todatetime tostartofhour tostartofday
    tostartofminute today yesterday formatdatetime argmax argmin grouparray arrayjoin any hostname uptime
    pg_replication_slots pg_stat_replication similarity levenshtein tsvector tsquery plainto_tsquery
    websearch_to_tsquery ts_rank hstore row array_agg string_agg json_agg jsonb_agg xmlagg
    hypertable_size chunks_detailed_size approximate_row_count hypertable_detailed_size show_chunks txid_current
    txid_snapshot_xmin pg_snapshot_xmin pg_visible_in_snapshot mxid_age pg_mcv_list_items row_to_json iif choose
    strftime julianday datetime total
    to_char to_date to_timestamp to_number to_json to_jsonb to_tsvector to_tsquery to_hex date_trunc date_part
    date_format date_bin date_diff array_length array_to_string
    cardinality array_position array_remove array_append array_cat array_upper array_lower string_to_array string_to_table
    isfinite is_ipv4 isempty has_table_privilege has_database_privilege has_schema_privilege has_column_privilege
    has_function_privilege lower_inc upper_inc range_merge time_bucket sqlite_version typeof printf regr_slope nanvl
    nvl nvl2 listagg ratio_to_report
    gen_random_uuid uuid_generate_v4 uuid_generate_v1 uuidv4 uuidv7 currval lastval pg_logical_slot_peek_changes
    current_setting current_schema current_schemas current_database current_query current_user current_date current_time
    current_timestamp current_role current_catalog
    regexp_replace regexp_match regexp_matches regexp_split_to_array regexp_split_to_table regexp_like regexp_count
    regexp_instr regexp_substr
    json_build_object json_build_array json_object json_object_agg json_array json_arrayagg json_objectagg json_each
    json_each_text json_array_elements json_array_elements_text json_array_length json_object_keys json_extract_path
    json_extract_path_text json_populate_record json_populate_recordset json_to_record json_to_recordset json_strip_nulls
    json_typeof json_unquote json_contains json_contains_path json_search json_keys json_length json_depth json_type
    json_valid json_value json_query json_exists json_table json_pretty json_overlaps json_merge_patch json_set json_insert
    json_replace json_remove json_array_append json_quote json_scalar json_serialize
    jsonb_build_object jsonb_build_array jsonb_object jsonb_object_agg jsonb_each jsonb_each_text jsonb_array_elements
    jsonb_array_elements_text jsonb_array_length jsonb_object_keys jsonb_extract_path jsonb_extract_path_text
    jsonb_populate_record jsonb_populate_recordset jsonb_to_record jsonb_to_recordset jsonb_strip_nulls jsonb_typeof
    jsonb_pretty jsonb_set jsonb_set_lax jsonb_insert jsonb_path_query jsonb_path_query_array jsonb_path_query_first
    jsonb_path_exists jsonb_path_match""")
