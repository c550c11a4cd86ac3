use arthouse_core::{Application, Quote};

use super::{Attributes, FIRST_VERSION, Fields, Record, attribute};
use crate::{DecodeError, Key, Table};

/// The partition of the sparse index. All applications share it, so the oldest of all courses comes first.
pub(crate) const PENDING: &str = "PENDING";

impl Record for Application {
    const NAME: &'static str = "application";
    const TABLE: Table = Table::UsersCourses;

    fn key(&self) -> Key {
        Key::Application(self.user_id.clone(), self.course_id.clone())
    }

    fn attributes(&self) -> Attributes {
        let quote = &self.quote;
        vec![
            ("UserId", attribute(&self.user_id)),
            ("CourseId", attribute(&self.course_id)),
            ("AppliedDate", attribute(self.applied_date)),
            ("ContactInfo", attribute(&self.contact_info)),
            ("Title", attribute(&quote.title)),
            ("Cost", attribute(quote.cost)),
            ("Currency", attribute(quote.currency)),
            ("Duration", attribute(quote.duration)),
            ("PaymentMethod", attribute(&quote.payment_method)),
            ("PaymentLink", attribute(&quote.payment_link)),
            ("PendingPayment", attribute(PENDING)),
            ("Version", attribute(self.version)),
        ]
    }

    fn read(key: Key, fields: &Fields<'_>) -> Result<Self, DecodeError> {
        let Key::Application(user_id, course_id) = key else {
            return Err(DecodeError::Key);
        };
        Ok(Self {
            user_id,
            course_id,
            applied_date: fields.get("AppliedDate")?,
            contact_info: fields.contact("ContactInfo")?,
            quote: Quote {
                title: fields.text("Title")?,
                cost: fields.get("Cost")?,
                currency: fields.get("Currency")?,
                duration: fields.get("Duration")?,
                payment_method: fields.text("PaymentMethod")?,
                payment_link: fields.find_text("PaymentLink")?,
            },
            version: fields.find("Version")?.unwrap_or(FIRST_VERSION),
        })
    }
}
