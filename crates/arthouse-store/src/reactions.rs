//! The writes of the reactions: conditional, so each can be repeated by any process at any later time.

use arthouse_core::{
    Charge, ChargeId, CourseId, Enrollment, Session, Timestamp, UserId, initial_sessions,
};
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use futures::{StreamExt, TryStreamExt};

use crate::items::{FIRST_VERSION, Item, Record, charge_line, number};
use crate::{Key, Store, StoreError, Table};

/// The maximum of concurrent session puts of one enrolment. A partition takes far more; the limit leaves capacity for other enrolments.
const PUTS_IN_FLIGHT: usize = 16;

/// The result of a charge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChargeResult {
    /// The charge was made.
    Made,
    /// The charge had been made before.
    MadeBefore,
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
    ) -> Result<(), StoreError> {
        let sessions = initial_sessions(enrollment)
            .ok_or_else(|| StoreError::ScheduleTooShort(enrollment.key().to_string()))?;
        futures::stream::iter(sessions)
            .map(Ok)
            .try_for_each_concurrent(PUTS_IN_FLIGHT, |session| async move {
                self.put_session(&session).await
            })
            .await?;
        self.note_initialised(enrollment, now).await
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

    async fn note_initialised(
        &self,
        enrollment: &Enrollment,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let key = enrollment.key();
        for attributes in [key.attributes(), key.long_attributes()] {
            let request = self
                .client
                .update_item()
                .table_name(self.table(Table::UsersCourses))
                .set_key(Some(attributes))
                .update_expression(
                    "SET SessionsInitializedAt = :now, #version = if_not_exists(#version, :first) + :one",
                )
                .condition_expression(
                    "attribute_exists(PK) AND attribute_not_exists(SessionsInitializedAt)",
                )
                .expression_attribute_names("#version", "Version")
                .expression_attribute_values(":now", AttributeValue::S(now.to_string()))
                .expression_attribute_values(":first", number(FIRST_VERSION))
                .expression_attribute_values(":one", number(1))
                .return_values_on_condition_check_failure(
                    ReturnValuesOnConditionCheckFailure::AllOld,
                );
            match request.send().await {
                Ok(_) => return Ok(()),
                Err(e) => match e.as_service_error() {
                    Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                        if is_there(failed.item()) {
                            return Ok(());
                        }
                    }
                    _ => return Err(StoreError::request("UpdateItem", e)),
                },
            }
        }
        Err(StoreError::EnrollmentMissing(key.to_string()))
    }

    /// Subtracts a charge from the balance unless it was made before, in one conditional update of one item.
    ///
    /// # Errors
    /// Returns [`StoreError::Overdrawn`] or [`StoreError::EnrollmentMissing`] if the tables contradict the charge, else the failed
    /// request; a repetition does no harm.
    pub async fn charge(
        &self,
        user_id: &UserId,
        course_id: &CourseId,
        charge_id: &ChargeId,
        charge: &Charge,
    ) -> Result<ChargeResult, StoreError> {
        let key = Key::Enrollment(user_id.clone(), course_id.clone());
        for attributes in [key.attributes(), key.long_attributes()] {
            match self.try_charge(attributes, charge_id, charge).await? {
                Attempt::Done(result) => return Ok(result),
                Attempt::Absent => {}
                Attempt::Refused => {
                    let (charge_id, enrollment) = (charge_id.to_string(), key.to_string());
                    return Err(StoreError::Overdrawn {
                        charge_id,
                        enrollment,
                    });
                }
            }
        }
        Err(StoreError::EnrollmentMissing(key.to_string()))
    }

    async fn try_charge(
        &self,
        key: Item,
        charge_id: &ChargeId,
        charge: &Charge,
    ) -> Result<Attempt, StoreError> {
        let request = self
            .client
            .update_item()
            .table_name(self.table(Table::UsersCourses))
            .set_key(Some(key))
            .update_expression(
                "SET Charges.#charge = :line, Balance = Balance - :amount, \
                 SessionsRemaining = SessionsRemaining - :attended, \
                 #version = if_not_exists(#version, :first) + :one",
            )
            .condition_expression(
                "attribute_exists(PK) AND attribute_not_exists(Charges.#charge) AND Balance >= :amount \
                 AND SessionsRemaining >= :attended",
            )
            .expression_attribute_names("#charge", charge_id.to_string())
            .expression_attribute_names("#version", "Version")
            .expression_attribute_values(":line", charge_line(charge))
            .expression_attribute_values(":amount", number(charge.amount.minor_units()))
            .expression_attribute_values(":attended", number(charge.kind.counted().into()))
            .expression_attribute_values(":first", number(FIRST_VERSION))
            .expression_attribute_values(":one", number(1))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match request.send().await {
            Ok(_) => Ok(Attempt::Done(ChargeResult::Made)),
            Err(e) => match e.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                    Ok(why_not_charged(failed.item(), charge_id))
                }
                _ => Err(StoreError::request("UpdateItem", e)),
            },
        }
    }
}

enum Attempt {
    Done(ChargeResult),
    Absent,
    Refused,
}

fn why_not_charged(item: Option<&Item>, charge_id: &ChargeId) -> Attempt {
    let Some(item) = item.filter(|item| !item.is_empty()) else {
        return Attempt::Absent;
    };
    let charges = item.get("Charges").and_then(|charges| charges.as_m().ok());
    if charges.is_some_and(|charges| charges.contains_key(&charge_id.to_string())) {
        Attempt::Done(ChargeResult::MadeBefore)
    } else {
        Attempt::Refused
    }
}

fn is_there(item: Option<&Item>) -> bool {
    item.is_some_and(|item| !item.is_empty())
}
