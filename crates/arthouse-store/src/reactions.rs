//! The writes of the reactions: conditional, so each can be repeated by any process at any later time.

use std::collections::HashMap;

use arthouse_core::{
    Charge, ChargeId, CourseId, Enrollment, Session, Timestamp, UserId, initial_sessions,
};
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use futures::{StreamExt, TryStreamExt};

use crate::error::read;
use crate::items::{FIRST_VERSION, Item, Record, absent, charge_line, is_absent, null, number};
use crate::{Key, Store, StoreError, Table};

/// The maximum of concurrent session puts of one enrolment. A partition takes far more; the limit leaves capacity for other enrolments.
const PUTS_IN_FLIGHT: usize = 16;

/// The result of a conditional write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteResult {
    /// It was made.
    Made,
    /// It had been made before, and changed nothing.
    MadeBefore,
}

/// A conditional update of an enrolment. Its version is counted and its existence checked by [`Store::update_enrollment`].
struct EnrollmentUpdate {
    set: &'static str,
    condition: String,
    names: HashMap<String, String>,
    values: HashMap<String, AttributeValue>,
}

impl Store {
    /// Puts each absent session of an enrolment, then sets `SessionsInitializedAt`. Existing sessions are not changed.
    ///
    /// # Errors
    /// Returns the failed request; a repetition continues where this one stopped.
    pub async fn initialise_sessions(
        &self,
        enrollment: &Enrollment,
        now: Timestamp,
    ) -> Result<WriteResult, StoreError> {
        let sessions = initial_sessions(enrollment)
            .ok_or_else(|| StoreError::ScheduleTooShort(enrollment.key().to_string()))?;
        futures::stream::iter(sessions)
            .map(Ok)
            .try_for_each_concurrent(PUTS_IN_FLIGHT, |session| async move {
                self.put_session(&session).await
            })
            .await?;
        let update = EnrollmentUpdate {
            set: "SessionsInitializedAt = :now",
            condition: absent("SessionsInitializedAt"),
            names: HashMap::new(),
            values: [
                (":now".to_owned(), AttributeValue::S(now.to_string())),
                null(),
            ]
            .into(),
        };
        match self.update_enrollment(&enrollment.key(), &update).await? {
            None => Ok(WriteResult::Made),
            Some(refused) if is_absent(refused.get("SessionsInitializedAt")) => {
                let enrollment: Enrollment = read(&refused)?;
                Err(StoreError::Contended(enrollment.key().to_string()))
            }
            Some(_) => Ok(WriteResult::MadeBefore),
        }
    }

    async fn put_session(&self, session: &Session) -> Result<(), StoreError> {
        let request = self
            .client
            .put_item()
            .table_name(self.table(Table::Sessions))
            .set_item(Some(session.to_item()))
            .condition_expression("attribute_not_exists(PK)");
        match request.send().await {
            Ok(_) => Ok(()),
            Err(e)
                if e.as_service_error()
                    .is_some_and(PutItemError::is_conditional_check_failed_exception) =>
            {
                Ok(())
            }
            Err(e) => Err(StoreError::request("PutItem", e)),
        }
    }

    /// Subtracts a charge from the balance unless it was made before, in one conditional update of one item.
    ///
    /// # Errors
    /// Returns [`StoreError::Overdrawn`], [`StoreError::EnrollmentMissing`] or [`StoreError::Decode`] if the tables contradict the charge,
    /// else the failed request; a repetition does no harm.
    pub async fn charge(
        &self,
        user_id: &UserId,
        course_id: &CourseId,
        charge_id: &ChargeId,
        charge: &Charge,
    ) -> Result<WriteResult, StoreError> {
        let key = Key::Enrollment(user_id.clone(), course_id.clone());
        let value = |name: &str, value| (name.to_owned(), value);
        let update = EnrollmentUpdate {
            set: "Charges.#charge = :line, Balance = Balance - :amount, \
                  SessionsRemaining = SessionsRemaining - :attended",
            condition: "attribute_type(Charges, :map) AND attribute_not_exists(Charges.#charge) \
                        AND Balance >= :amount AND SessionsRemaining >= :attended"
                .to_owned(),
            names: [("#charge".to_owned(), charge_id.to_string())].into(),
            values: [
                value(":line", charge_line(charge)),
                value(":amount", number(charge.amount.minor_units())),
                value(":attended", number(charge.kind.counted().into())),
                value(":map", AttributeValue::S("M".to_owned())),
            ]
            .into(),
        };
        match self.update_enrollment(&key, &update).await? {
            None => Ok(WriteResult::Made),
            Some(refused) if has_charge(&refused, charge_id) => Ok(WriteResult::MadeBefore),
            Some(refused) => {
                let enrollment: Enrollment = read(&refused)?;
                Err(StoreError::Overdrawn {
                    charge_id: charge_id.to_string(),
                    enrollment: key.to_string(),
                    attribute: if enrollment.balance < charge.amount {
                        "Balance"
                    } else {
                        "SessionsRemaining"
                    },
                })
            }
        }
    }

    /// Updates an enrolment under either form of its key. Returns nothing if the update was made, else the item that does not meet the
    /// condition.
    async fn update_enrollment(
        &self,
        key: &Key,
        update: &EnrollmentUpdate,
    ) -> Result<Option<Item>, StoreError> {
        for key in [key.attributes(), key.long_attributes()] {
            let mut refused = self.try_update(key.clone(), update, false).await?;
            let version = refused.as_ref().and_then(|item| item.get("Version"));
            if version.is_some_and(|version| is_absent(Some(version))) {
                refused = self.try_update(key, update, true).await?;
            }
            match refused {
                None => return Ok(None),
                Some(item) if !item.is_empty() => return Ok(Some(item)),
                Some(_) => {}
            }
        }
        Err(StoreError::EnrollmentMissing(key.to_string()))
    }

    /// Tries an update of an item whose version is a number or missing, or else NULL, to which no number can be added.
    async fn try_update(
        &self,
        key: Item,
        update: &EnrollmentUpdate,
        version_is_null: bool,
    ) -> Result<Option<Item>, StoreError> {
        let (version_type, next_version) = if version_is_null {
            ("NULL", ":second")
        } else {
            ("N", "if_not_exists(#version, :first) + :one")
        };
        let request = self
            .client
            .update_item()
            .table_name(self.table(Table::UsersCourses))
            .set_key(Some(key))
            .update_expression(format!("SET {}, #version = {next_version}", update.set))
            .condition_expression(format!(
                "attribute_exists(PK) AND {} \
                 AND (attribute_not_exists(#version) OR attribute_type(#version, :version_type))",
                update.condition
            ))
            .set_expression_attribute_names(Some(update.names.clone()))
            .set_expression_attribute_values(Some(update.values.clone()))
            .expression_attribute_names("#version", "Version")
            .expression_attribute_values(":version_type", AttributeValue::S(version_type.into()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let request = if version_is_null {
            request.expression_attribute_values(":second", number(FIRST_VERSION + 1))
        } else {
            request
                .expression_attribute_values(":first", number(FIRST_VERSION))
                .expression_attribute_values(":one", number(1))
        };
        match request.send().await {
            Ok(_) => Ok(None),
            Err(e) => match e.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                    Ok(Some(failed.item().cloned().unwrap_or_default()))
                }
                _ => Err(StoreError::request("UpdateItem", e)),
            },
        }
    }
}

fn has_charge(item: &Item, charge_id: &ChargeId) -> bool {
    let charges = item.get("Charges").and_then(|charges| charges.as_m().ok());
    charges.is_some_and(|charges| !is_absent(charges.get(&charge_id.to_string())))
}
