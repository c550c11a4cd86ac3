use crate::{Amount, ContactInfo, Course, CourseId, Currency, Duration, Text, Timestamp, UserId};

/// An application that waits for its payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Application {
    /// Who applied.
    pub user_id: UserId,
    /// For which course.
    pub course_id: CourseId,
    /// When.
    pub applied_date: Timestamp,
    /// How to reach the student.
    pub contact_info: ContactInfo,
    /// What the student was offered.
    pub quote: Quote,
    /// Counts the changes, from 1.
    pub version: u64,
}

/// The offer as it was when the student applied; later changes of the course leave it alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote {
    /// What the course was called.
    pub title: Text,
    /// The price of the whole course.
    pub cost: Amount,
    /// The currency of the price.
    pub currency: Currency,
    /// How many sessions it buys.
    pub duration: Duration,
    /// How it is to be paid.
    pub payment_method: Text,
    /// Where it is to be paid.
    pub payment_link: Option<Text>,
}

impl Quote {
    /// Takes the offer from a course as it stands.
    pub fn of(course: &Course) -> Self {
        Self {
            title: course.title.clone(),
            cost: course.cost,
            currency: course.currency,
            duration: course.duration,
            payment_method: course.payment_method.clone(),
            payment_link: course.payment_link.clone(),
        }
    }
}
