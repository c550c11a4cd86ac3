use schemars::JsonSchema;
use serde::Serialize;

use super::{Notification, NotificationData};
use crate::{Amount, Change, ChargeKind, Currency, Text};

/// Every session was charged. Which charge was made last depends on delays, so it is not told.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "course.completed")]
pub(super) struct CourseCompleted {
    course_title: Text,
    attended: usize,
    skipped: usize,
    currency: Currency,
    balance: Amount,
}

impl NotificationData for CourseCompleted {
    const NAMES: &'static [&'static str] = &["course.completed"];

    fn told(change: &Change) -> Vec<Notification> {
        let Change::EnrollmentUpdated { before, after, .. } = change else {
            return Vec::new();
        };
        if !after.is_complete() || after.charges_since(before).is_empty() {
            return Vec::new();
        }
        let dates = after.charges.values().map(|charge| charge.at);
        let last = dates.max().unwrap_or(after.paid_date);
        let data = Self {
            course_title: after.title.clone(),
            attended: after.count(ChargeKind::Attended),
            skipped: after.count(ChargeKind::Skipped),
            currency: after.currency,
            balance: after.balance,
        };
        let student = (&after.user_id, &after.course_id);
        let change = [&*after.paid_date.to_string()];
        vec![Notification::new(
            Self::NAMES[0],
            student,
            last,
            &change,
            &data,
        )]
    }

    #[cfg(test)]
    fn examples() -> Vec<Change> {
        vec![crate::samples::all_charged()]
    }
}
