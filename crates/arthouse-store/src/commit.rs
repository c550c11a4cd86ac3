//! The transaction of a command: the change, on condition that the records still have the versions that were read, and the receipt,
//! on condition that none exists.

use std::collections::HashMap;

use arthouse_core::{EventId, Receipt, Transition};
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    AttributeValue, CancellationReason, ConditionCheck, Delete, Put,
    ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
};

use crate::error::read;
use crate::items::{Attributes, FIRST_VERSION, Item, Record, absent, null, number};
use crate::{Key, Loaded, Store, StoreError, Table};

const ABSENT: &str = "attribute_not_exists(PK)";

/// The result of an attempt to write a command's outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Commit {
    /// The change and the receipt are written.
    Committed,
    /// The command already had an outcome; this is its receipt.
    Duplicate(Box<Receipt>),
    /// A record changed since it was loaded: load and decide again.
    Moved,
}

impl Store {
    /// Writes a decision and its receipt in one transaction. Safe to repeat: the request token is a digest of the decision and of the
    /// versions that were read, so a retry after a lost response is the same request, and a new decision is another one.
    ///
    /// # Errors
    /// Returns the failed request. It may have been written; the receipt shows whether it was.
    pub async fn commit(
        &self,
        loaded: &Loaded,
        transition: &Transition,
        receipt: &Receipt,
    ) -> Result<Commit, StoreError> {
        let changes = self.changes(loaded, transition);
        if changes.is_empty() {
            return self.put_receipt(receipt).await;
        }
        let put = Put::builder()
            .table_name(self.table(Table::Commands))
            .set_item(Some(receipt.to_item()))
            .condition_expression(ABSENT)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()
            .expect("table and item are set");
        let put = TransactWriteItem::builder().put(put).build();
        let request = self
            .client
            .transact_write_items()
            .set_transact_items(Some([put].into_iter().chain(changes).collect()))
            .client_request_token(request_token(transition, receipt));
        match request.send().await {
            Ok(_) => Ok(Commit::Committed),
            Err(e) => match e.as_service_error() {
                Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
                    cancellation(cancelled.cancellation_reasons())
                }
                _ => Err(StoreError::request("TransactWriteItems", e)),
            },
        }
    }

    /// Writes the receipt of a command that changes nothing.
    ///
    /// # Errors
    /// Returns the failed request. It may have been written; the receipt shows whether it was.
    pub async fn put_receipt(&self, receipt: &Receipt) -> Result<Commit, StoreError> {
        let request = self
            .client
            .put_item()
            .table_name(self.table(Table::Commands))
            .set_item(Some(receipt.to_item()))
            .condition_expression(ABSENT)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match request.send().await {
            Ok(_) => Ok(Commit::Committed),
            Err(e) => match e.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(failed)) => {
                    duplicate(failed.item())
                }
                _ => Err(StoreError::request("PutItem", e)),
            },
        }
    }

    /// Writes a transition as the items of a transaction.
    fn changes(&self, loaded: &Loaded, transition: &Transition) -> Vec<TransactWriteItem> {
        match transition {
            Transition::Unchanged => Vec::new(),
            Transition::CreateCourse(course) => vec![self.put_absent(course)],
            Transition::UpdateCourse(course) => {
                let read = loaded.course_version.clone();
                let read = read.unwrap_or_else(|| number(course.version - 1));
                vec![self.update(course, read)]
            }
            // No condition on the course: the quote is the course as it was read. A condition would make all students who
            // apply for one course at the same time conflict.
            Transition::Apply(application) => {
                let (user_id, course_id) =
                    (application.user_id.clone(), application.course_id.clone());
                let enrollment = Key::Enrollment(user_id, course_id);
                vec![self.put_absent(application), self.check_absent(&enrollment)]
            }
            Transition::Enroll {
                application,
                enrollment,
            } => {
                let key = application.key();
                let key = if loaded.long_application {
                    key.long_attributes()
                } else {
                    key.attributes()
                };
                let (condition, values) = at_version(number(application.version));
                let delete = Delete::builder()
                    .table_name(self.table(Table::UsersCourses))
                    .set_key(Some(key))
                    .condition_expression(condition)
                    .expression_attribute_names("#version", "Version")
                    .set_expression_attribute_values(Some(values))
                    .build()
                    .expect("table and key are set");
                let delete = TransactWriteItem::builder().delete(delete).build();
                vec![delete, self.put_absent(enrollment.as_ref())]
            }
            Transition::UpdateSession(session) => {
                vec![self.update(session, number(session.version - 1))]
            }
        }
    }

    fn put_absent(&self, record: &impl Record) -> TransactWriteItem {
        let put = Put::builder()
            .table_name(self.table(record.key().table()))
            .set_item(Some(record.to_item()))
            .condition_expression(ABSENT)
            .build()
            .expect("table and item are set");
        TransactWriteItem::builder().put(put).build()
    }

    fn check_absent(&self, key: &Key) -> TransactWriteItem {
        let check = ConditionCheck::builder()
            .table_name(self.table(key.table()))
            .set_key(Some(key.attributes()))
            .condition_expression(ABSENT)
            .build()
            .expect("table, key and condition are set");
        TransactWriteItem::builder().condition_check(check).build()
    }

    /// Writes a record's next version over the one that was read. Attributes that this version of the program does not know are kept, so
    /// two versions can run side by side during an upgrade.
    fn update(&self, record: &impl Record, read: AttributeValue) -> TransactWriteItem {
        let key = record.key();
        let mut expression = UpdateExpression::of(record.attributes());
        let (condition, values) = at_version(read);
        expression.values.extend(values);
        let update = Update::builder()
            .table_name(self.table(key.table()))
            .set_key(Some(key.attributes()))
            .update_expression(expression.text)
            .set_expression_attribute_names(Some(expression.names))
            .set_expression_attribute_values(Some(expression.values))
            .expression_attribute_names("#version", "Version")
            .condition_expression(condition)
            .build()
            .expect("table, key and expression are set");
        TransactWriteItem::builder().update(update).build()
    }
}

/// Returns the condition that a record still has the version that was read, and its values. An item without a version is at the first one.
fn at_version(read: AttributeValue) -> (String, HashMap<String, AttributeValue>) {
    let is_first = read == number(FIRST_VERSION);
    let mut values = HashMap::from([(":read".to_owned(), read)]);
    let mut condition = "#version = :read".to_owned();
    if is_first {
        let absent = absent("#version");
        condition = format!("attribute_exists(PK) AND ({absent} OR {condition})");
        values.extend([null()]);
    }
    (condition, values)
}

/// An update that sets an item's known attributes to those of a record. The same record gives the same text, because DynamoDB
/// refuses a request token that is used again with another request.
struct UpdateExpression {
    text: String,
    names: HashMap<String, String>,
    values: HashMap<String, AttributeValue>,
}

impl UpdateExpression {
    fn of(attributes: Attributes) -> Self {
        let mut expression = Self {
            text: String::new(),
            names: HashMap::with_capacity(attributes.len()),
            values: HashMap::with_capacity(attributes.len()),
        };
        let (mut sets, mut removes) = (Vec::with_capacity(attributes.len()), Vec::new());
        for (at, (name, value)) in attributes.into_iter().enumerate() {
            expression.names.insert(format!("#a{at}"), name.to_owned());
            if let Some(value) = value {
                sets.push(format!("#a{at} = :a{at}"));
                expression.values.insert(format!(":a{at}"), value);
            } else {
                removes.push(format!("#a{at}"));
            }
        }
        expression.text = format!("SET {}", sets.join(", "));
        if !removes.is_empty() {
            expression.text += &format!(" REMOVE {}", removes.join(", "));
        }
        expression
    }
}

/// Digests the decision. The writes depend on the command, its time and the records that were read; redacted contact details
/// depend on the payload, whose hash is in the receipt.
fn request_token(transition: &Transition, receipt: &Receipt) -> String {
    EventId::derive(&[&format!("{transition:?}"), &format!("{receipt:?}")]).to_string()
}

/// Reads why a transaction was cancelled, item by item. The receipt's reason comes first and takes precedence over the others.
fn cancellation(reasons: &[CancellationReason]) -> Result<Commit, StoreError> {
    let failed = |reason: &&CancellationReason| reason.code() == Some("ConditionalCheckFailed");
    if let Some(receipt) = reasons.first().filter(failed) {
        return duplicate(receipt.item());
    }
    if reasons.iter().any(|reason| failed(&reason)) {
        return Ok(Commit::Moved);
    }
    let codes: Vec<_> = reasons
        .iter()
        .filter_map(CancellationReason::code)
        .filter(|code| *code != "None")
        .collect();
    Err(StoreError::Contended(codes.join(", ")))
}

fn duplicate(item: Option<&Item>) -> Result<Commit, StoreError> {
    let receipt = read(item.unwrap_or(&Item::new()))?;
    Ok(Commit::Duplicate(Box::new(receipt)))
}

#[cfg(test)]
mod tests;
