use arthouse_core::{Invariant, Rescheduled, Session, SessionStatus, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Attributes, FIRST_VERSION, Fields, Record, attribute};
use crate::{DecodeError, Key, Table};

/// A session is paid exactly when it is attended or skipped (invariant 8).
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum PaymentStatus {
    Unpaid,
    Paid,
}

impl PaymentStatus {
    fn of(status: SessionStatus) -> Self {
        if status.is_paid() {
            Self::Paid
        } else {
            Self::Unpaid
        }
    }
}

impl Record for Session {
    const NAME: &'static str = "session";
    const TABLE: Table = Table::Sessions;

    fn key(&self) -> Key {
        Key::Session(
            self.course_id.clone(),
            self.session_id.clone(),
            self.user_id.clone(),
        )
    }

    fn attributes(&self) -> Attributes {
        let moved = self.rescheduled.as_ref();
        vec![
            ("UserId", attribute(&self.user_id)),
            ("CourseId", attribute(&self.course_id)),
            ("SessionId", attribute(&self.session_id)),
            ("Status", attribute(self.status)),
            ("PaymentStatus", attribute(PaymentStatus::of(self.status))),
            ("SessionDate", attribute(self.session_date)),
            (
                "OriginalLocalStart",
                attribute(self.original_local_start.map(|start| start.to_rfc3339())),
            ),
            ("Reschedulable", attribute(self.reschedulable)),
            (
                "RescheduleDate",
                attribute(moved.map(|_| self.session_date)),
            ),
            (
                "OriginalSessionDate",
                attribute(moved.map(|moved| moved.original_session_date)),
            ),
            ("RescheduledAt", attribute(moved.map(|moved| moved.at))),
            ("StatusChangedAt", attribute(self.status_changed_at)),
            ("SessionCost", attribute(self.cost)),
            ("Currency", attribute(self.currency)),
            ("Sequence", attribute(self.sequence)),
            ("Version", attribute(self.version)),
        ]
    }

    fn read(key: Key, fields: &Fields<'_>) -> Result<Self, DecodeError> {
        let Key::Session(course_id, session_id, user_id) = key else {
            return Err(DecodeError::Key);
        };
        let inconsistent = |invariant| DecodeError::Inconsistent {
            record: Self::NAME,
            invariant,
        };
        let status = fields.get("Status")?;
        if fields.get::<PaymentStatus>("PaymentStatus")? != PaymentStatus::of(status) {
            return Err(inconsistent(Invariant::PaymentStatus));
        }
        let session_date: Timestamp = fields.get("SessionDate")?;
        let moved = (
            fields.find::<Timestamp>("RescheduleDate")?,
            fields.find("OriginalSessionDate")?,
            fields.find("RescheduledAt")?,
        );
        let rescheduled = match moved {
            (None, None, None) => None,
            (Some(date), Some(original_session_date), Some(at)) if date == session_date => {
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
            status,
            session_date,
            original_local_start: fields.find_parsed(
                "OriginalLocalStart",
                "a local time with its offset (RFC 3339)",
            )?,
            rescheduled,
            reschedulable: fields.get("Reschedulable")?,
            cost: fields.get("SessionCost")?,
            currency: fields.get("Currency")?,
            status_changed_at: fields.find("StatusChangedAt")?,
            sequence: fields.find("Sequence")?.unwrap_or_default(),
            version: fields.find("Version")?.unwrap_or(FIRST_VERSION),
        })
    }
}
