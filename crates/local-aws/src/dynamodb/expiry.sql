-- The items that the service is deleting because their time has passed, by table and key: JSON with its members in order.
CREATE TABLE IF NOT EXISTS local_expiring (
    table_name TEXT NOT NULL,
    keys       TEXT NOT NULL,
    PRIMARY KEY (table_name, keys)
) WITHOUT ROWID;
DELETE FROM local_expiring;

DROP TRIGGER IF EXISTS local_item_expires;

CREATE TRIGGER local_item_expires
AFTER INSERT ON _stream_records
WHEN new.event_name = 'REMOVE' AND new.user_identity IS NULL AND EXISTS (
    SELECT 1 FROM local_expiring WHERE table_name = new.table_name AND keys =
        (SELECT json_group_object(key, json(value)) FROM (SELECT key, value FROM json_each(new.keys_json) ORDER BY key)))
BEGIN
    UPDATE _stream_records SET user_identity = '{"type":"Service","principalId":"dynamodb.amazonaws.com"}' WHERE id = new.id;
END;
