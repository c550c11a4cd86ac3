//! The read side (`RULES.md` of arthouse-core, "Reads"), and the reads of the audit.

mod batch;
mod scan;
mod student;

pub(crate) use batch::batch_get;
pub use scan::{Enrolling, KeptReceipt, Scanned, Segment};
pub use student::StudentRecords;

use std::collections::HashMap;

use arthouse_core::{
    Application, CommandId, Course, CourseId, Receipt, Session, SessionId, Source, Timestamp,
};
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};

use crate::error::read;
use crate::items::{Item, PENDING, Record};
use crate::tables::PENDING_INDEX;
use crate::{Key, Store, StoreError, Table};

/// A key that no item has: those of [`Key`] have other prefixes.
const ABSENT: &str = "ABSENT";

/// A page of a longer list.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// The items of the page.
    pub items: Vec<T>,
    /// The start of the next page; `None` on the last page.
    pub next: Option<PageStart>,
}

/// The start of a page.
#[derive(Debug, Clone, PartialEq)]
pub struct PageStart(pub(crate) HashMap<String, AttributeValue>);

/// What joins names and values in the text of a page's start: no name and no value of a key has it.
const SEPARATOR: char = '\n';

impl PageStart {
    /// Writes the start as a text, for whoever asks for the next page later.
    pub fn to_text(&self) -> String {
        let mut parts: Vec<_> = self
            .0
            .iter()
            .filter_map(|(name, value)| Some(format!("{name}{SEPARATOR}{}", value.as_s().ok()?)))
            .collect();
        parts.sort_unstable();
        parts.join(&SEPARATOR.to_string())
    }

    /// Reads a start from its text; whether it is the start of a page of this list shows when it is used.
    pub fn from_text(text: &str) -> Option<Self> {
        let parts: Vec<_> = text.split(SEPARATOR).collect();
        let (pairs, []) = parts.as_chunks::<2>() else {
            return None;
        };
        let pair = |[name, value]: &[&str; 2]| {
            ((*name).to_owned(), AttributeValue::S((*value).to_owned()))
        };
        Some(Self(pairs.iter().map(pair).collect()))
    }
}

fn page<R: Record>(items: Option<Vec<Item>>, last: Option<Item>) -> Result<Page<R>, StoreError> {
    let items = items.unwrap_or_default();
    let is_ours = |item: &&Item| Key::of_item(R::TABLE, item).is_ok();
    Ok(Page {
        items: items
            .iter()
            .filter(is_ours)
            .map(read)
            .collect::<Result<_, _>>()?,
        next: last.filter(|key| !key.is_empty()).map(PageStart),
    })
}

impl Store {
    /// Reads a course (strongly consistent).
    ///
    /// # Errors
    /// Returns the failed request.
    pub async fn course(&self, course_id: &CourseId) -> Result<Option<Course>, StoreError> {
        self.get(Key::Course(course_id.clone()).attributes()).await
    }

    /// Reads a command's receipt (strongly consistent).
    ///
    /// # Errors
    /// Returns the failed request.
    pub async fn receipt(
        &self,
        source: &Source,
        id: &CommandId,
    ) -> Result<Option<Receipt>, StoreError> {
        self.get(Key::Receipt(source.clone(), id.clone()).attributes())
            .await
    }

    /// Reads a page of the applications that wait for payment, oldest first (eventually consistent, from the index).
    ///
    /// # Errors
    /// Returns the failed request.
    pub async fn pending(
        &self,
        limit: i32,
        start: Option<PageStart>,
    ) -> Result<Page<Application>, StoreError> {
        let output = self
            .client
            .query()
            .table_name(self.table(Table::UsersCourses))
            .index_name(PENDING_INDEX)
            .key_condition_expression("PendingPayment = :pending")
            .expression_attribute_values(":pending", AttributeValue::S(PENDING.to_owned()))
            .limit(limit)
            .set_exclusive_start_key(start.map(|start| start.0))
            .send()
            .await
            .map_err(|e| StoreError::request("Query", e))?;
        page(output.items, output.last_evaluated_key)
    }

    /// Reads a page of a session's roster: that session of every student of the course.
    ///
    /// # Errors
    /// Returns the failed request.
    pub async fn roster(
        &self,
        course_id: &CourseId,
        session_id: &SessionId,
        start: Option<PageStart>,
    ) -> Result<Page<Session>, StoreError> {
        let output = self
            .client
            .query()
            .table_name(self.table(Table::Sessions))
            .key_condition_expression("PK = :course AND begins_with(SK, :session)")
            .expression_attribute_values(
                ":course",
                AttributeValue::S(Key::Course(course_id.clone()).pk()),
            )
            .expression_attribute_values(
                ":session",
                AttributeValue::S(format!("SESSION#{session_id}#")),
            )
            .consistent_read(true)
            .set_exclusive_start_key(start.map(|start| start.0))
            .send()
            .await
            .map_err(|e| StoreError::request("Query", e))?;
        page(output.items, output.last_evaluated_key)
    }

    /// Reads a page of the sessions of a course, of all its students, whose date is at or after `from` and before `until` (eventually
    /// consistent).
    ///
    /// Only these are transferred. The table has no key for dates, so the service reads all sessions of the course for it, and none of another's.
    ///
    /// # Errors
    /// Returns the failed request.
    pub async fn sessions_between(
        &self,
        course_id: &CourseId,
        (from, until): (Timestamp, Timestamp),
        start: Option<PageStart>,
    ) -> Result<Page<Session>, StoreError> {
        let text = |at: Timestamp| AttributeValue::S(at.to_string());
        let output = self
            .client
            .query()
            .table_name(self.table(Table::Sessions))
            .key_condition_expression("PK = :course AND begins_with(SK, :session)")
            .filter_expression("SessionDate >= :from AND SessionDate < :until")
            .expression_attribute_values(
                ":course",
                AttributeValue::S(Key::Course(course_id.clone()).pk()),
            )
            .expression_attribute_values(":session", AttributeValue::S("SESSION#".to_owned()))
            .expression_attribute_values(":from", text(from))
            .expression_attribute_values(":until", text(until))
            .set_exclusive_start_key(start.map(|start| start.0))
            .send()
            .await
            .map_err(|e| StoreError::request("Query", e))?;
        page(output.items, output.last_evaluated_key)
    }

    /// Checks in one request that all tables can be read, for health checks: an eventually consistent read of a key that no item has.
    ///
    /// # Errors
    /// Returns the failed request, for example if a table is missing or can't be reached.
    pub async fn reach(&self) -> Result<(), StoreError> {
        let mut request = self.client.batch_get_item();
        for table in Table::ALL {
            let text = || AttributeValue::S(ABSENT.to_owned());
            let names = table.key_names().iter();
            let key = names.map(|name| ((*name).to_owned(), text())).collect();
            let keys = KeysAndAttributes::builder().keys(key).build();
            let keys = keys.expect("a key was given");
            request = request.request_items(self.table(table), keys);
        }
        let sent = request.send().await;
        sent.map_err(|e| StoreError::request("BatchGetItem", e))?;
        Ok(())
    }

    pub(crate) async fn get<R: Record>(&self, key: Item) -> Result<Option<R>, StoreError> {
        let item = self.get_item(R::TABLE, key).await?;
        Ok(item.as_ref().map(read).transpose()?)
    }

    pub(crate) async fn get_item(
        &self,
        table: Table,
        key: Item,
    ) -> Result<Option<Item>, StoreError> {
        let request = self
            .client
            .get_item()
            .table_name(self.table(table))
            .set_key(Some(key))
            .consistent_read(true);
        let output = request.send().await;
        Ok(output.map_err(|e| StoreError::request("GetItem", e))?.item)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_start_of_a_page_reads_back_what_it_writes() {
        let key = Key::Application("u:1".parse().expect("an id"), "c".parse().expect("an id"));
        let start = PageStart(key.attributes());
        assert_eq!(PageStart::from_text(&start.to_text()), Some(start));
        for odd in ["PK", "PK\nx\nSK", ""] {
            assert_eq!(PageStart::from_text(odd), None, "{odd:?}");
        }
    }
}
