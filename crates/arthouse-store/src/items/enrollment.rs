use std::collections::BTreeMap;

use arthouse_core::{
    Amount, Charge, ChargeKind, ContactInfo, CourseId, Currency, Duration, Enrollment, Invariant,
    Schedule, SessionMinutes, Text, Timestamp, UserId,
};
use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize};

use super::{Item, Record, decode, encode, first_version};
use crate::{DecodeError, Key, Table};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Attributes {
    #[serde(skip_deserializing)]
    user_id: Option<UserId>,
    #[serde(skip_deserializing)]
    course_id: Option<CourseId>,
    paid_date: Timestamp,
    balance: Amount,
    sessions_remaining: u16,
    applied_date: Timestamp,
    contact_info: ContactInfo,
    title: Text,
    cost: Amount,
    currency: Currency,
    duration: Duration,
    schedule: Schedule,
    #[serde(default)]
    session_minutes: SessionMinutes,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    first_session_after: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    payment_reference: Option<Text>,
    charges: BTreeMap<String, Line>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sessions_initialized_at: Option<Timestamp>,
    #[serde(default = "first_version")]
    version: u64,
}

/// A line of the statement.
#[derive(Serialize, Deserialize)]
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
    const OPTIONAL: &'static [&'static str] = &[
        "FirstSessionAfter",
        "PaymentReference",
        "SessionsInitializedAt",
    ];

    fn key(&self) -> Key {
        Key::Enrollment(self.user_id.clone(), self.course_id.clone())
    }

    fn to_item(&self) -> Item {
        let line =
            |(id, charge): (&arthouse_core::ChargeId, &Charge)| (id.to_string(), Line::of(charge));
        let attributes = Attributes {
            user_id: Some(self.user_id.clone()),
            course_id: Some(self.course_id.clone()),
            paid_date: self.paid_date,
            balance: self.balance,
            sessions_remaining: self.sessions_remaining,
            applied_date: self.applied_date,
            contact_info: self.contact_info.clone(),
            title: self.title.clone(),
            cost: self.cost,
            currency: self.currency,
            duration: self.duration,
            schedule: self.schedule.clone(),
            session_minutes: self.session_minutes,
            first_session_after: self.first_session_after,
            payment_reference: self.payment_reference.clone(),
            charges: self.charges.iter().map(line).collect(),
            sessions_initialized_at: self.sessions_initialized_at,
            version: self.version,
        };
        encode(&self.key(), &attributes)
    }

    fn from_item(item: Item) -> Result<Self, DecodeError> {
        if let Some(invariant) = out_of_range(&item) {
            let record = "enrolment";
            return Err(DecodeError::Inconsistent { record, invariant });
        }
        let (key, attributes): (_, Attributes) = decode("enrolment", Table::UsersCourses, item)?;
        let Key::Enrollment(user_id, course_id) = key else {
            return Err(DecodeError::Key);
        };
        let charge = |(id, line): (String, Line)| {
            let invalid = |_| DecodeError::Attributes {
                record: "enrolment",
                problem: "a charge id is not a session id, # and a number".to_owned(),
            };
            let charge = Charge {
                amount: line.amount,
                kind: line.kind,
                at: line.at,
            };
            Ok((id.parse().map_err(invalid)?, charge))
        };
        Ok(Self {
            user_id,
            course_id,
            paid_date: attributes.paid_date,
            balance: attributes.balance,
            sessions_remaining: attributes.sessions_remaining,
            applied_date: attributes.applied_date,
            contact_info: attributes.contact_info,
            title: attributes.title,
            cost: attributes.cost,
            currency: attributes.currency,
            duration: attributes.duration,
            schedule: attributes.schedule,
            session_minutes: attributes.session_minutes,
            first_session_after: attributes.first_session_after,
            payment_reference: attributes.payment_reference,
            charges: attributes
                .charges
                .into_iter()
                .map(charge)
                .collect::<Result<_, DecodeError>>()?,
            sessions_initialized_at: attributes.sessions_initialized_at,
            version: attributes.version,
        })
    }
}

/// Returns the invariant of a number out of range, such as a negative balance.
fn out_of_range(item: &Item) -> Option<Invariant> {
    let number = |name| {
        item.get(name)
            .and_then(|value: &AttributeValue| value.as_n().ok())
    };
    let amount = |text: &String| {
        text.parse::<i64>()
            .is_ok_and(|n| Amount::try_from(n).is_ok())
    };
    let count = |text: &String| text.parse::<u16>().is_ok();
    if number("Balance").is_some_and(|text| !amount(text)) {
        Some(Invariant::Balance)
    } else if number("SessionsRemaining").is_some_and(|text| !count(text)) {
        Some(Invariant::SessionsRemaining)
    } else {
        None
    }
}
