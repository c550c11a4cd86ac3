//! Streams and shards as the ledger stores them.

use rusqlite::{OptionalExtension, Row, Transaction};

use super::fault::Fault;

/// One stream of a table. A table that is created again, or whose stream is enabled again, gets another stream.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) table_name: String,
    pub(super) label: String,
    pub(super) view_type: String,
    /// The key schema as dynoxide stores it: JSON in the format of the API.
    pub(super) key_schema: String,
    /// Seconds since the epoch.
    pub(super) created_at: f64,
    pub(super) open: bool,
}

impl Stream {
    pub(super) const COLUMNS: &str =
        "table_name, label, view_type, key_schema, created_at, closed_at IS NULL";

    pub(super) fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            table_name: row.get(0)?,
            label: row.get(1)?,
            view_type: row.get(2)?,
            key_schema: row.get(3)?,
            created_at: row.get(4)?,
            open: row.get(5)?,
        })
    }

    pub(super) fn arn(&self) -> String {
        dynoxide::streams::stream_arn(&self.table_name, &self.label)
    }

    /// Finds a stream by its ARN.
    ///
    /// # Errors
    ///
    /// [`Fault::ResourceNotFound`], also for a stream whose last record was trimmed.
    pub(super) fn find(ledger: &Transaction<'_>, arn: &str) -> Result<Self, Fault> {
        let unknown = || Fault::ResourceNotFound(format!("Stream: {arn} not found"));
        let (table, label) = parts(arn).ok_or_else(unknown)?;
        let sql = format!(
            "SELECT {} FROM local_streams WHERE table_name = ?1 AND label = ?2",
            Self::COLUMNS
        );
        let found = ledger
            .prepare_cached(&sql)?
            .query_row((table, label), Self::from_row)
            .optional()?;
        found
            .filter(|stream| stream.arn() == arn)
            .ok_or_else(unknown)
    }
}

/// The table and the label of a stream's ARN.
fn parts(arn: &str) -> Option<(&str, &str)> {
    arn.split_once(":table/")?.1.split_once("/stream/")
}

/// One shard: a range of the table's sequence numbers.
#[derive(Debug)]
pub(super) struct Shard {
    pub(super) shard_id: String,
    pub(super) table_name: String,
    pub(super) label: String,
    pub(super) parent_id: Option<String>,
    /// Its records have greater numbers than this.
    pub(super) after_sequence: i64,
    /// No record has a greater number; `None` while the shard is open.
    pub(super) last_sequence: Option<i64>,
    /// Records up to this number were trimmed.
    pub(super) trimmed_to: i64,
    /// It has the records of this half of the keys only.
    pub(super) half: Option<u8>,
}

impl Shard {
    pub(super) const COLUMNS: &str =
        "shard_id, table_name, label, parent_id, after_sequence, last_sequence, trimmed_to, half";

    pub(super) fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            shard_id: row.get(0)?,
            table_name: row.get(1)?,
            label: row.get(2)?,
            parent_id: row.get(3)?,
            after_sequence: row.get(4)?,
            last_sequence: row.get(5)?,
            trimmed_to: row.get(6)?,
            half: row.get(7)?,
        })
    }

    /// Finds a shard by its id.
    ///
    /// # Errors
    ///
    /// [`Fault::ResourceNotFound`], also for a closed shard whose last record was trimmed.
    pub(super) fn find(ledger: &Transaction<'_>, shard_id: &str) -> Result<Self, Fault> {
        let sql = format!(
            "SELECT {} FROM local_shards WHERE shard_id = ?1",
            Self::COLUMNS
        );
        let found = ledger
            .prepare_cached(&sql)?
            .query_row([shard_id], Self::from_row)
            .optional()?;
        found.ok_or_else(|| Fault::ResourceNotFound(format!("Shard: {shard_id} not found")))
    }

    pub(super) fn is_of(&self, stream: &Stream) -> bool {
        self.table_name == stream.table_name && self.label == stream.label
    }

    /// The number of the shard's newest record, or of the last record before the shard if it has none.
    pub(super) fn tip(&self, ledger: &Transaction<'_>) -> Result<i64, Fault> {
        if let Some(last) = self.last_sequence {
            return Ok(last);
        }
        let newest: Option<i64> = ledger
            .prepare_cached(
                "SELECT MAX(CAST(sequence_number AS INTEGER)) FROM _stream_records WHERE table_name = ?1",
            )?
            .query_row([&self.table_name], |row| row.get(0))?;
        Ok(newest.unwrap_or(0).max(self.after_sequence))
    }
}

#[cfg(test)]
mod tests {
    use super::parts;

    #[test]
    fn a_stream_is_named_by_its_table_and_label() {
        let arn = dynoxide::streams::stream_arn("Sessions", "1790000000.5");
        assert_eq!(parts(&arn), Some(("Sessions", "1790000000.5")));
        assert_eq!(parts("arn:aws:dynamodb:x:0:table/Sessions"), None);
        assert_eq!(parts(""), None);
    }
}
