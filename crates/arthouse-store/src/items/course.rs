use arthouse_core::Course;

use super::{Attributes, FIRST_VERSION, Fields, Record, attribute};
use crate::{DecodeError, Key, Table};

impl Record for Course {
    const NAME: &'static str = "course";
    const TABLE: Table = Table::Courses;

    fn key(&self) -> Key {
        Key::Course(self.course_id.clone())
    }

    fn attributes(&self) -> Attributes {
        vec![
            ("CourseId", attribute(&self.course_id)),
            ("Title", attribute(&self.title)),
            ("Description", attribute(&self.description)),
            ("Cost", attribute(self.cost)),
            ("Currency", attribute(self.currency)),
            ("Duration", attribute(self.duration)),
            ("PaymentMethod", attribute(&self.payment_method)),
            ("PaymentLink", attribute(&self.payment_link)),
            ("Schedule", attribute(self.schedule.as_str())),
            ("SessionMinutes", attribute(self.session_minutes)),
            ("Open", attribute(self.open)),
            ("Version", attribute(self.version)),
        ]
    }

    fn read(key: Key, fields: &Fields<'_>) -> Result<Self, DecodeError> {
        let Key::Course(course_id) = key else {
            return Err(DecodeError::Key);
        };
        Ok(Self {
            course_id,
            title: fields.text("Title")?,
            description: fields.text("Description")?,
            cost: fields.get("Cost")?,
            currency: fields.get("Currency")?,
            duration: fields.get("Duration")?,
            payment_method: fields.text("PaymentMethod")?,
            payment_link: fields.find_text("PaymentLink")?,
            schedule: fields.get("Schedule")?,
            session_minutes: fields.find("SessionMinutes")?.unwrap_or_default(),
            open: fields.find("Open")?.unwrap_or(true),
            version: fields.find("Version")?.unwrap_or(FIRST_VERSION),
        })
    }
}
