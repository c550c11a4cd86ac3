use schemars::JsonSchema;
use serde::Serialize;

use super::{Notification, NotificationData};
use crate::{Amount, Change, Currency, Text, Timestamp};

/// A student has paid. It tells what the payment gave; the enrolment may have been charged since.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "payment.confirmed")]
pub(super) struct PaymentConfirmed {
    course_title: Text,
    amount: Amount,
    currency: Currency,
    balance: Amount,
    sessions_remaining: u16,
    paid_date: Timestamp,
}

impl NotificationData for PaymentConfirmed {
    const NAMES: &'static [&'static str] = &["payment.confirmed"];

    fn told(change: &Change) -> Vec<Notification> {
        let Change::Enrolled(enrollment) = change else {
            return Vec::new();
        };
        let time = enrollment.paid_date;
        let data = Self {
            course_title: enrollment.title.clone(),
            amount: enrollment.cost,
            currency: enrollment.currency,
            balance: enrollment.cost,
            sessions_remaining: enrollment.duration.get(),
            paid_date: time,
        };
        let student = (&enrollment.user_id, &enrollment.course_id);
        vec![Notification::new(Self::NAMES[0], student, time, &[], &data)]
    }

    #[cfg(test)]
    fn examples() -> Vec<Change> {
        vec![Change::Enrolled(crate::samples::enrollment().into())]
    }
}
