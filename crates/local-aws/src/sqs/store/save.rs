use rusqlite::{Connection, params};

use super::StoreError;
use crate::sqs::engine::Write;
use crate::sqs::message::{Delivery, GroupId, Message, QueueId, Seq};
use crate::sqs::moment::Moment;

/// Carries out one write within the open transaction.
pub(super) fn save(connection: &Connection, write: &Write) -> Result<(), StoreError> {
    let run = |sql: &str, values: &[&dyn rusqlite::ToSql]| -> Result<(), StoreError> {
        connection.prepare_cached(sql)?.execute(values)?;
        Ok(())
    };
    match write {
        Write::SaveQueue(id, record) => run(
            "INSERT INTO queues (id, record) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET record = ?2",
            params![number(id.0), serde_json::to_string(record)?],
        ),
        Write::DropQueue(id) => {
            purge(connection, *id)?;
            run(
                "DELETE FROM deduplication WHERE queue = ?1",
                params![number(id.0)],
            )?;
            run("DELETE FROM queues WHERE id = ?1", params![number(id.0)])
        }
        Write::Purge(id) => purge(connection, *id),
        Write::Insert(queue, seq, message) => insert(connection, *queue, *seq, message),
        Write::Deliver(seq, delivery) => deliver(connection, *seq, delivery),
        Write::Remove(seq) => {
            run(
                "DELETE FROM messages WHERE seq = ?1",
                params![number(seq.0)],
            )?;
            run(
                "DELETE FROM deliveries WHERE seq = ?1",
                params![number(seq.0)],
            )
        }
        Write::Remember(queue, key, remembered) => run(
            "INSERT OR REPLACE INTO deduplication (queue, message_group, id, message, seq, expires)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![
                number(queue.0),
                key.group.as_ref().map_or("", GroupId::as_str),
                key.id,
                remembered.message.to_string(),
                number(remembered.seq.0),
                moment(remembered.expires),
            ],
        ),
        Write::ForgetExpired(now) => run(
            "DELETE FROM deduplication WHERE expires <= ?1",
            params![moment(*now)],
        ),
        Write::SaveMove(record) => run(
            "INSERT OR REPLACE INTO moves (id, record) VALUES (?1, ?2)",
            params![record.id.to_string(), serde_json::to_string(record)?],
        ),
        Write::DropMove(id) => run("DELETE FROM moves WHERE id = ?1", params![id.to_string()]),
    }
}

fn insert(
    connection: &Connection,
    queue: QueueId,
    seq: Seq,
    message: &Message,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO messages (seq, queue, sent, enqueued, dead_letter_source, envelope, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            number(seq.0),
            number(queue.0),
            moment(message.sent),
            moment(message.enqueued),
            message
                .dead_letter_source
                .as_ref()
                .map(|name| name.as_str()),
            serde_json::to_string(message.content.as_ref())?,
            message.content.body,
        ])?;
    let undelivered = Delivery {
        visible_at: message.enqueued,
        ..Delivery::default()
    };
    if message.delivery != undelivered {
        deliver(connection, seq, &message.delivery)?;
    }
    Ok(())
}

fn deliver(connection: &Connection, seq: Seq, delivery: &Delivery) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO deliveries (seq, receives, first_received, received, receipt, visible_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            number(seq.0),
            delivery.receives,
            delivery.first_received.map(moment),
            delivery.received.map(moment),
            delivery.receipt,
            moment(delivery.visible_at),
        ])?;
    Ok(())
}

fn purge(connection: &Connection, queue: QueueId) -> Result<(), StoreError> {
    let queue = number(queue.0);
    connection.execute(
        "DELETE FROM deliveries WHERE seq IN (SELECT seq FROM messages WHERE queue = ?1)",
        [queue],
    )?;
    connection.execute("DELETE FROM messages WHERE queue = ?1", [queue])?;
    Ok(())
}

fn moment(moment: Moment) -> i64 {
    number(moment.millis())
}

fn number(number: u64) -> i64 {
    i64::try_from(number).expect("numbers and times here stay far below 2^63")
}
