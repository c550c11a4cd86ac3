-- dynoxide keeps every record of a table in `_stream_records`, numbered by table, and knows one shard
-- a table. These tables cut the numbers into streams and shards. The triggers run inside dynoxide's own
-- transactions, so that a stream opens and closes with its table's change or not at all.

-- Finding the next number, and a page of records, without scanning the whole table.
CREATE INDEX IF NOT EXISTS local_records_in_order
    ON _stream_records (table_name, CAST(sequence_number AS INTEGER));

CREATE TABLE IF NOT EXISTS local_streams (
    table_name TEXT NOT NULL,
    label      TEXT NOT NULL,
    view_type  TEXT NOT NULL,
    key_schema TEXT NOT NULL,
    created_at REAL NOT NULL,  -- epoch seconds
    closed_at  REAL,           -- disabled, or its table deleted
    PRIMARY KEY (table_name, label)
);

CREATE TABLE IF NOT EXISTS local_shards (
    shard_id       TEXT PRIMARY KEY,
    table_name     TEXT NOT NULL,
    label          TEXT NOT NULL,
    parent_id      TEXT,
    after_sequence INTEGER NOT NULL,  -- its records have greater numbers
    last_sequence  INTEGER,           -- and, once closed, none greater than this
    trimmed_to     INTEGER NOT NULL,  -- records up to this number are gone
    opened_at      REAL NOT NULL,     -- epoch seconds
    closed_at      REAL,
    half           INTEGER            -- 0 or 1: it has the records of one half of the keys; NULL: all
);
CREATE INDEX IF NOT EXISTS local_shards_of_stream ON local_shards (table_name, label, opened_at);

DROP TRIGGER IF EXISTS local_stream_opens;
DROP TRIGGER IF EXISTS local_stream_closes;
DROP TRIGGER IF EXISTS local_table_goes;

CREATE TRIGGER local_stream_opens
AFTER UPDATE OF stream_enabled, stream_label ON _tables
WHEN new.stream_enabled = 1 AND (old.stream_enabled = 0 OR old.stream_label IS NOT new.stream_label)
BEGIN
    INSERT INTO local_streams (table_name, label, view_type, key_schema, created_at)
    VALUES (new.table_name, new.stream_label, new.stream_view_type, new.key_schema, unixepoch('subsec'));
    INSERT INTO local_shards (shard_id, table_name, label, after_sequence, trimmed_to, opened_at)
    SELECT printf('shardId-%020d-%s', unixepoch('subsec') * 1000, lower(hex(randomblob(4)))),
           new.table_name, new.stream_label, tip, tip, unixepoch('subsec')
    FROM (SELECT COALESCE(MAX(CAST(sequence_number AS INTEGER)), 0) AS tip
          FROM _stream_records WHERE table_name = new.table_name);
END;

CREATE TRIGGER local_stream_closes
AFTER UPDATE OF stream_enabled ON _tables
WHEN old.stream_enabled = 1 AND new.stream_enabled = 0
BEGIN
    UPDATE local_streams SET closed_at = unixepoch('subsec')
    WHERE table_name = old.table_name AND closed_at IS NULL;
    UPDATE local_shards SET closed_at = unixepoch('subsec'), last_sequence =
        (SELECT MAX(after_sequence, COALESCE(MAX(CAST(sequence_number AS INTEGER)), 0))
         FROM _stream_records WHERE table_name = old.table_name)
    WHERE table_name = old.table_name AND closed_at IS NULL;
END;

CREATE TRIGGER local_table_goes
AFTER DELETE ON _tables
WHEN old.stream_enabled = 1
BEGIN
    UPDATE local_streams SET closed_at = unixepoch('subsec')
    WHERE table_name = old.table_name AND closed_at IS NULL;
    UPDATE local_shards SET closed_at = unixepoch('subsec'), last_sequence =
        (SELECT MAX(after_sequence, COALESCE(MAX(CAST(sequence_number AS INTEGER)), 0))
         FROM _stream_records WHERE table_name = old.table_name)
    WHERE table_name = old.table_name AND closed_at IS NULL;
END;
