use arthouse_core::{
    Amount, CourseId, Currency, Invariant, Rescheduled, Session, SessionId, SessionStatus,
    Timestamp, UserId,
};
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
    #[serde(skip_deserializing)]
    session_id: Option<SessionId>,
    status: SessionStatus,
    payment_status: PaymentStatus,
    session_date: Timestamp,
    reschedulable: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reschedule_date: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    original_session_date: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rescheduled_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status_changed_at: Option<Timestamp>,
    session_cost: Amount,
    currency: Currency,
    #[serde(default)]
    sequence: u32,
    #[serde(default = "first_version")]
    version: u64,
}

/// A session is paid exactly when it is attended or skipped (invariant 8).
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum PaymentStatus {
    Unpaid,
    Paid,
}

impl PaymentStatus {
    fn of(status: SessionStatus) -> Self {
        match status {
            SessionStatus::Scheduled => Self::Unpaid,
            SessionStatus::Attended | SessionStatus::Skipped => Self::Paid,
        }
    }
}

impl Record for Session {
    const OPTIONAL: &'static [&'static str] = &[
        "RescheduleDate",
        "OriginalSessionDate",
        "RescheduledAt",
        "StatusChangedAt",
    ];

    fn key(&self) -> Key {
        Key::Session(
            self.course_id.clone(),
            self.session_id.clone(),
            self.user_id.clone(),
        )
    }

    fn to_item(&self) -> Item {
        let attributes = Attributes {
            user_id: Some(self.user_id.clone()),
            course_id: Some(self.course_id.clone()),
            session_id: Some(self.session_id.clone()),
            status: self.status,
            payment_status: PaymentStatus::of(self.status),
            session_date: self.session_date,
            reschedulable: self.reschedulable,
            reschedule_date: self.rescheduled.map(|_| self.session_date),
            original_session_date: self.rescheduled.map(|moved| moved.original_session_date),
            rescheduled_at: self.rescheduled.map(|moved| moved.at),
            status_changed_at: self.status_changed_at,
            session_cost: self.cost,
            currency: self.currency,
            sequence: self.sequence,
            version: self.version,
        };
        encode(&self.key(), &attributes)
    }

    fn from_item(item: Item) -> Result<Self, DecodeError> {
        let (key, attributes): (_, Attributes) = decode("session", Table::Sessions, item)?;
        let Key::Session(course_id, session_id, user_id) = key else {
            return Err(DecodeError::Key);
        };
        let inconsistent = |invariant| DecodeError::Inconsistent {
            record: "session",
            invariant,
        };
        if attributes.payment_status != PaymentStatus::of(attributes.status) {
            return Err(inconsistent(Invariant::PaymentStatus));
        }
        let moved = (
            attributes.reschedule_date,
            attributes.original_session_date,
            attributes.rescheduled_at,
        );
        let rescheduled = match moved {
            (None, None, None) => None,
            (Some(date), Some(original_session_date), Some(at))
                if date == attributes.session_date =>
            {
                Some(Rescheduled {
                    original_session_date,
                    at,
                })
            }
            (_, _, _) => return Err(inconsistent(Invariant::RescheduleDate)),
        };
        Ok(Self {
            user_id,
            course_id,
            session_id,
            status: attributes.status,
            session_date: attributes.session_date,
            rescheduled,
            reschedulable: attributes.reschedulable,
            cost: attributes.session_cost,
            currency: attributes.currency,
            status_changed_at: attributes.status_changed_at,
            sequence: attributes.sequence,
            version: attributes.version,
        })
    }
}
