use std::sync::Arc;

use rusqlite::{Connection, Row};

use super::StoreError;
use crate::sqs::engine::{DeduplicationKey, Engine, Remembered};
use crate::sqs::message::{Content, Delivery, Message, QueueId, Seq};
use crate::sqs::moment::Moment;
use crate::sqs::name::QueueName;

pub(super) fn load(
    connection: &Connection,
    now: Moment,
    seed: Option<u64>,
) -> Result<Engine, StoreError> {
    let mut engine = Engine::seeded(seed);
    queues(connection, &mut engine)?;
    messages(connection, &mut engine, now)?;
    deduplication(connection, &mut engine)?;
    moves(connection, &mut engine)?;
    engine.restore_numbers(
        last_number(connection, "queues")?,
        last_number(connection, "messages")?,
    );
    Ok(engine)
}

fn queues(connection: &Connection, engine: &mut Engine) -> Result<(), StoreError> {
    let mut statement = connection.prepare("SELECT id, record FROM queues")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let record: String = row.get(1)?;
        engine.restore_queue(QueueId(number(row, 0)?), serde_json::from_str(&record)?);
    }
    Ok(())
}

fn messages(connection: &Connection, engine: &mut Engine, now: Moment) -> Result<(), StoreError> {
    let mut statement = connection.prepare(
        "SELECT seq, queue, sent, enqueued, dead_letter_source, envelope, body,
                receives, first_received, received, receipt, visible_at
         FROM messages LEFT JOIN deliveries USING (seq) ORDER BY seq",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let seq = Seq(number(row, 0)?);
        let queue = QueueId(number(row, 1)?);
        if !engine.restore_message(queue, seq, message(row)?, now) {
            return Err(StoreError::Column(format!("message {} of no queue", seq.0)));
        }
    }
    Ok(())
}

fn message(row: &Row<'_>) -> Result<Message, StoreError> {
    let envelope: String = row.get(5)?;
    let content = Content {
        body: row.get(6)?,
        ..serde_json::from_str(&envelope)?
    };
    let source: Option<String> = row.get(4)?;
    let dead_letter_source = source
        .map(|name| QueueName::parse(&name).ok_or(StoreError::Column(name)))
        .transpose()?;
    let enqueued = moment(row, 3)?;
    let delivery = match row.get::<_, Option<u32>>(7)? {
        Some(receives) => Delivery {
            receives,
            first_received: optional_moment(row, 8)?,
            received: optional_moment(row, 9)?,
            receipt: row.get(10)?,
            visible_at: moment(row, 11)?,
        },
        None => Delivery {
            visible_at: enqueued,
            ..Delivery::default()
        },
    };
    Ok(Message {
        content: Arc::new(content),
        sent: moment(row, 2)?,
        enqueued,
        dead_letter_source,
        delivery,
    })
}

fn deduplication(connection: &Connection, engine: &mut Engine) -> Result<(), StoreError> {
    let mut statement = connection.prepare(
        "SELECT queue, message_group, id, message, seq, expires FROM deduplication ORDER BY expires",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let group: String = row.get(1)?;
        let message: String = row.get(3)?;
        let key = DeduplicationKey {
            group: (!group.is_empty()).then(|| group.into()),
            id: row.get(2)?,
        };
        let remembered = Remembered {
            message: message.parse().map_err(|_| StoreError::Column(message))?,
            seq: Seq(number(row, 4)?),
            expires: moment(row, 5)?,
        };
        engine.restore_deduplication(QueueId(number(row, 0)?), key, remembered);
    }
    Ok(())
}

fn moves(connection: &Connection, engine: &mut Engine) -> Result<(), StoreError> {
    let mut statement = connection.prepare("SELECT record FROM moves")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let record: String = row.get(0)?;
        engine.restore_move(serde_json::from_str(&record)?);
    }
    Ok(())
}

/// Returns the highest number that a table has ever assigned.
fn last_number(connection: &Connection, table: &str) -> Result<u64, StoreError> {
    let mut statement = connection.prepare("SELECT seq FROM sqlite_sequence WHERE name = ?1")?;
    let mut rows = statement.query([table])?;
    match rows.next()? {
        Some(row) => number(row, 0),
        None => Ok(0),
    }
}

fn number(row: &Row<'_>, column: usize) -> Result<u64, StoreError> {
    let number: i64 = row.get(column)?;
    u64::try_from(number).map_err(|_| StoreError::Column(number.to_string()))
}

fn moment(row: &Row<'_>, column: usize) -> Result<Moment, StoreError> {
    number(row, column).map(Moment::from_millis)
}

fn optional_moment(row: &Row<'_>, column: usize) -> Result<Option<Moment>, StoreError> {
    match row.get::<_, Option<i64>>(column)? {
        Some(_) => moment(row, column).map(Some),
        None => Ok(None),
    }
}
