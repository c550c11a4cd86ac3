use arthouse_core::{Amount, Course, CourseId, Currency, Duration, Schedule, SessionMinutes, Text};
use serde::{Deserialize, Serialize};

use super::{Item, Record, decode, encode, first_version};
use crate::{DecodeError, Key, Table};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Attributes {
    #[serde(skip_deserializing)]
    course_id: Option<CourseId>,
    title: Text,
    description: Text,
    cost: Amount,
    currency: Currency,
    duration: Duration,
    payment_method: Text,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    payment_link: Option<Text>,
    schedule: Schedule,
    #[serde(default)]
    session_minutes: SessionMinutes,
    #[serde(default = "open")]
    open: bool,
    #[serde(default = "first_version")]
    version: u64,
}

fn open() -> bool {
    true
}

impl Record for Course {
    const OPTIONAL: &'static [&'static str] = &["PaymentLink"];

    fn key(&self) -> Key {
        Key::Course(self.course_id.clone())
    }

    fn to_item(&self) -> Item {
        let attributes = Attributes {
            course_id: Some(self.course_id.clone()),
            title: self.title.clone(),
            description: self.description.clone(),
            cost: self.cost,
            currency: self.currency,
            duration: self.duration,
            payment_method: self.payment_method.clone(),
            payment_link: self.payment_link.clone(),
            schedule: self.schedule.clone(),
            session_minutes: self.session_minutes,
            open: self.open,
            version: self.version,
        };
        encode(&self.key(), &attributes)
    }

    fn from_item(item: Item) -> Result<Self, DecodeError> {
        let (key, attributes): (_, Attributes) = decode("course", Table::Courses, item)?;
        let Key::Course(course_id) = key else {
            return Err(DecodeError::Key);
        };
        Ok(Self {
            course_id,
            title: attributes.title,
            description: attributes.description,
            cost: attributes.cost,
            currency: attributes.currency,
            duration: attributes.duration,
            payment_method: attributes.payment_method,
            payment_link: attributes.payment_link,
            schedule: attributes.schedule,
            session_minutes: attributes.session_minutes,
            open: attributes.open,
            version: attributes.version,
        })
    }
}
