use arthouse_core::{CourseId, CreateCourse, Currency, SessionMinutes, Text, UpdateCourse};
use clap::Args;

use super::money::Decimal;
use super::{minor_units, minutes, schedule, text};

/// A new course.
#[derive(Debug, Args)]
pub(crate) struct Create {
    /// The new course's id
    #[arg(long)]
    course: CourseId,
    /// The title
    #[arg(long, value_parser = text)]
    title: Text,
    /// The description
    #[arg(long, value_parser = text)]
    description: Text,
    /// The price, such as 120.00
    #[arg(long, allow_negative_numbers = true)]
    cost: Decimal,
    /// The currency of the price (ISO 4217), such as GBP
    #[arg(long)]
    currency: Currency,
    /// The number of sessions, 1 to 500
    #[arg(long, allow_negative_numbers = true)]
    duration: i64,
    /// The payment method, such as card
    #[arg(long, value_parser = text)]
    payment_method: Text,
    /// The link where students pay
    #[arg(long, value_parser = text)]
    payment_link: Option<Text>,
    /// The dates of the sessions (iCalendar): 'DTSTART;TZID=Europe/London:20271001T180000\nRRULE:FREQ=WEEKLY'
    #[arg(long, value_parser = schedule)]
    schedule: String,
    /// The length of a session [default: 60]
    #[arg(long, value_name = "MINUTES", value_parser = minutes)]
    session_minutes: Option<SessionMinutes>,
}

impl TryFrom<Create> for CreateCourse {
    type Error = String;

    fn try_from(flags: Create) -> Result<Self, String> {
        Ok(Self {
            course_id: flags.course,
            title: flags.title,
            description: flags.description,
            cost: flags.cost.minor_units(flags.currency)?,
            currency: flags.currency,
            duration: flags.duration,
            payment_method: flags.payment_method,
            payment_link: flags.payment_link,
            schedule: flags.schedule,
            session_minutes: flags.session_minutes,
        })
    }
}

/// A change of a course.
#[derive(Debug, Args)]
pub(crate) struct Update {
    /// The course to change
    #[arg(long)]
    course: CourseId,
    /// The version that the change is for; if the course has another one, the command is rejected
    #[arg(long)]
    expected_version: Option<u64>,
    /// A new title
    #[arg(long, value_parser = text)]
    title: Option<Text>,
    /// A new description
    #[arg(long, value_parser = text)]
    description: Option<Text>,
    /// A new price, such as 120.00; applications made before keep theirs
    #[arg(long, allow_negative_numbers = true, requires = "currency")]
    cost: Option<Decimal>,
    /// The currency of the new price (ISO 4217), such as GBP; without --cost, the price keeps its number of minor units
    #[arg(long)]
    currency: Option<Currency>,
    /// A new number of sessions, 1 to 500
    #[arg(long, allow_negative_numbers = true)]
    duration: Option<i64>,
    /// A new payment method
    #[arg(long, value_parser = text)]
    payment_method: Option<Text>,
    /// A new payment link
    #[arg(long, value_parser = text)]
    payment_link: Option<Text>,
    /// Remove the payment link
    #[arg(long, conflicts_with = "payment_link")]
    no_payment_link: bool,
    /// A new schedule, written as for course.create
    #[arg(long, value_parser = schedule)]
    schedule: Option<String>,
    /// A new length of a session
    #[arg(long, value_name = "MINUTES", value_parser = minutes)]
    session_minutes: Option<SessionMinutes>,
    /// Whether students may apply
    #[arg(long)]
    open: Option<bool>,
}

impl TryFrom<Update> for UpdateCourse {
    type Error = String;

    fn try_from(flags: Update) -> Result<Self, String> {
        let payment_link = if flags.no_payment_link {
            Some(None)
        } else {
            flags.payment_link.map(Some)
        };
        Ok(Self {
            course_id: flags.course,
            expected_version: flags.expected_version,
            title: flags.title,
            description: flags.description,
            cost: minor_units(flags.cost.as_ref(), flags.currency)?,
            currency: flags.currency,
            duration: flags.duration,
            payment_method: flags.payment_method,
            payment_link,
            schedule: flags.schedule,
            session_minutes: flags.session_minutes,
            open: flags.open,
        })
    }
}
