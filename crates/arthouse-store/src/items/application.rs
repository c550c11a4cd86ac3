use arthouse_core::{
    Amount, Application, ContactInfo, CourseId, Currency, Duration, Quote, Text, Timestamp, UserId,
};
use serde::{Deserialize, Serialize};

use super::{Item, Record, decode, encode, first_version};
use crate::{DecodeError, Key, Table};

/// The partition of the sparse index. All applications share it, so the oldest of all courses comes first.
pub(crate) const PENDING: &str = "PENDING";

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Attributes {
    #[serde(skip_deserializing)]
    user_id: Option<UserId>,
    #[serde(skip_deserializing)]
    course_id: Option<CourseId>,
    applied_date: Timestamp,
    contact_info: ContactInfo,
    title: Text,
    cost: Amount,
    currency: Currency,
    duration: Duration,
    payment_method: Text,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    payment_link: Option<Text>,
    #[serde(skip_deserializing)]
    pending_payment: Option<&'static str>,
    #[serde(default = "first_version")]
    version: u64,
}

impl Record for Application {
    const OPTIONAL: &'static [&'static str] = &["PaymentLink"];

    fn key(&self) -> Key {
        Key::Application(self.user_id.clone(), self.course_id.clone())
    }

    fn to_item(&self) -> Item {
        let quote = &self.quote;
        let attributes = Attributes {
            user_id: Some(self.user_id.clone()),
            course_id: Some(self.course_id.clone()),
            applied_date: self.applied_date,
            contact_info: self.contact_info.clone(),
            title: quote.title.clone(),
            cost: quote.cost,
            currency: quote.currency,
            duration: quote.duration,
            payment_method: quote.payment_method.clone(),
            payment_link: quote.payment_link.clone(),
            pending_payment: Some(PENDING),
            version: self.version,
        };
        encode(&self.key(), &attributes)
    }

    fn from_item(item: Item) -> Result<Self, DecodeError> {
        let (key, attributes): (_, Attributes) = decode("application", Table::UsersCourses, item)?;
        let Key::Application(user_id, course_id) = key else {
            return Err(DecodeError::Key);
        };
        Ok(Self {
            user_id,
            course_id,
            applied_date: attributes.applied_date,
            contact_info: attributes.contact_info,
            quote: Quote {
                title: attributes.title,
                cost: attributes.cost,
                currency: attributes.currency,
                duration: attributes.duration,
                payment_method: attributes.payment_method,
                payment_link: attributes.payment_link,
            },
            version: attributes.version,
        })
    }
}
