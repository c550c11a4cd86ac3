use schemars::JsonSchema;
use serde::Serialize;

use super::{Notification, NotificationData};
use crate::{Amount, Change, Currency, Text, Timestamp};

/// A student has applied for a course, and is told how to pay.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "application.received")]
pub(super) struct ApplicationReceived {
    course_title: Text,
    cost: Amount,
    currency: Currency,
    payment_method: Text,
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_link: Option<Text>,
    applied_date: Timestamp,
}

impl NotificationData for ApplicationReceived {
    const NAMES: &'static [&'static str] = &["application.received"];

    fn told(change: &Change) -> Vec<Notification> {
        let Change::Applied(application) = change else {
            return Vec::new();
        };
        let (quote, time) = (&application.quote, application.applied_date);
        let data = Self {
            course_title: quote.title.clone(),
            cost: quote.cost,
            currency: quote.currency,
            payment_method: quote.payment_method.clone(),
            payment_link: quote.payment_link.clone(),
            applied_date: time,
        };
        let student = (&application.user_id, &application.course_id);
        vec![Notification::new(Self::NAMES[0], student, time, &[], &data)]
    }

    #[cfg(test)]
    fn examples() -> Vec<Change> {
        vec![Change::Applied(crate::samples::application().into())]
    }
}
