use schemars::JsonSchema;
use serde::Serialize;

use super::{Notification, NotificationData};
use crate::{Amount, Change, Currency, SessionId};

/// A session was attended or skipped and charged. It tells the balance and the sessions remaining right after the charge.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "session.charged")]
pub(super) struct SessionCharged {
    session_id: SessionId,
    charge: Amount,
    currency: Currency,
    balance: Amount,
    sessions_remaining: u16,
}

impl NotificationData for SessionCharged {
    const NAMES: &'static [&'static str] = &["session.attended", "session.skipped"];

    /// Tells of each added charge. A stream's record adds one; a sweep may find several.
    fn told(change: &Change) -> Vec<Notification> {
        let Change::EnrollmentUpdated { before, after, .. } = change else {
            return Vec::new();
        };
        let mut added = after.charges_since(before);
        added.sort_by_key(|(id, charge)| (charge.at, *id));
        let (mut balance, mut remaining) = (after.balance, after.sessions_remaining);
        let mut told = Vec::with_capacity(added.len());
        for (id, charge) in added.into_iter().rev() {
            let data = Self {
                session_id: id.session_id().clone(),
                charge: charge.amount,
                currency: after.currency,
                balance,
                sessions_remaining: remaining,
            };
            if let Some(name) = charge.kind.told_as() {
                let student = (&after.user_id, &after.course_id);
                let change = [&*after.paid_date.to_string(), &id.to_string()];
                told.push(Notification::new(name, student, charge.at, &change, &data));
            }
            balance = [balance, charge.amount].into_iter().sum();
            remaining = remaining.saturating_add(charge.kind.counted());
        }
        told.reverse();
        told
    }

    #[cfg(test)]
    fn examples() -> Vec<Change> {
        vec![crate::samples::all_charged()]
    }
}
