use std::collections::BTreeMap;

use arthouse_core::{Amount, Charge, ChargeId, ChargeKind, Enrollment, Invariant, Timestamp};
use aws_sdk_dynamodb::types::AttributeValue;
use serde::Serialize;

use super::{Attributes, FIRST_VERSION, Fields, Record, attribute};
use crate::{DecodeError, Key, Table};

/// A line of the statement.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Line {
    amount: Amount,
    kind: ChargeKind,
    at: Timestamp,
}

impl Line {
    fn of(charge: &Charge) -> Self {
        Self {
            amount: charge.amount,
            kind: charge.kind,
            at: charge.at,
        }
    }
}

/// Encodes a charge as a value of the map of charges.
pub(crate) fn charge_line(charge: &Charge) -> AttributeValue {
    serde_dynamo::aws_sdk_dynamodb_1::to_attribute_value(Line::of(charge))
        .expect("a charge holds texts and numbers only")
}

impl Record for Enrollment {
    const NAME: &'static str = "enrolment";
    const TABLE: Table = Table::UsersCourses;

    fn key(&self) -> Key {
        Key::Enrollment(self.user_id.clone(), self.course_id.clone())
    }

    fn attributes(&self) -> Attributes {
        let line = |(id, charge): (&ChargeId, _)| (id.to_string(), charge_line(charge));
        let charges = self.charges.iter().map(line).collect();
        vec![
            ("UserId", attribute(&self.user_id)),
            ("CourseId", attribute(&self.course_id)),
            ("PaidDate", attribute(self.paid_date)),
            ("Balance", attribute(self.balance)),
            ("SessionsRemaining", attribute(self.sessions_remaining)),
            ("AppliedDate", attribute(self.applied_date)),
            ("ContactInfo", attribute(&self.contact_info)),
            ("Title", attribute(&self.title)),
            ("Cost", attribute(self.cost)),
            ("Currency", attribute(self.currency)),
            ("Duration", attribute(self.duration)),
            ("Schedule", attribute(self.schedule.as_str())),
            ("SessionMinutes", attribute(self.session_minutes)),
            ("FirstSessionAfter", attribute(self.first_session_after)),
            ("PaymentReference", attribute(&self.payment_reference)),
            ("Charges", Some(AttributeValue::M(charges))),
            (
                "SessionsInitializedAt",
                attribute(self.sessions_initialized_at),
            ),
            ("Version", attribute(self.version)),
        ]
    }

    fn read(key: Key, fields: &Fields<'_>) -> Result<Self, DecodeError> {
        let Key::Enrollment(user_id, course_id) = key else {
            return Err(DecodeError::Key);
        };
        if let Some(invariant) = out_of_range(fields) {
            let record = Self::NAME;
            return Err(DecodeError::Inconsistent { record, invariant });
        }
        Ok(Self {
            user_id,
            course_id,
            paid_date: fields.get("PaidDate")?,
            balance: fields.get("Balance")?,
            sessions_remaining: fields.get("SessionsRemaining")?,
            applied_date: fields.get("AppliedDate")?,
            contact_info: fields.contact("ContactInfo")?,
            title: fields.text("Title")?,
            cost: fields.get("Cost")?,
            currency: fields.get("Currency")?,
            duration: fields.get("Duration")?,
            schedule: fields.get("Schedule")?,
            session_minutes: fields.find("SessionMinutes")?.unwrap_or_default(),
            first_session_after: fields.find("FirstSessionAfter")?,
            payment_reference: fields.find_text("PaymentReference")?,
            charges: charges(fields)?,
            sessions_initialized_at: fields.find("SessionsInitializedAt")?,
            version: fields.find("Version")?.unwrap_or(FIRST_VERSION),
        })
    }
}

fn charges(fields: &Fields<'_>) -> Result<BTreeMap<ChargeId, Charge>, DecodeError> {
    let map = fields.map("Charges")?;
    let lines = fields.within("Charges".to_owned(), map);
    let charge = |(id, _): (&String, _)| {
        let problem = "has an id that is not a session id, # and a number".to_owned();
        let charge_id: ChargeId = id.parse().map_err(|_| fields.invalid("Charges", problem))?;
        let line = lines.map(id)?;
        let line = lines.within(charge_id.to_string(), line);
        let charge = Charge {
            amount: line.get("Amount")?,
            kind: line.get("Kind")?,
            at: line.get("At")?,
        };
        Ok((charge_id, charge))
    };
    map.iter().map(charge).collect()
}

/// Returns the invariant of a number out of range, such as a negative balance.
fn out_of_range(fields: &Fields<'_>) -> Option<Invariant> {
    let amount = |text: &str| {
        text.parse::<i64>()
            .is_ok_and(|n| Amount::try_from(n).is_ok())
    };
    let count = |text: &str| text.parse::<u16>().is_ok();
    if fields.number("Balance").is_some_and(|text| !amount(text)) {
        Some(Invariant::Balance)
    } else if fields
        .number("SessionsRemaining")
        .is_some_and(|text| !count(text))
    {
        Some(Invariant::SessionsRemaining)
    } else {
        None
    }
}
