use arthouse_core::{
    ApplyForCourse, AttendSession, ConfirmPayment, ContactInfo, CourseId, Currency,
    RescheduleSession, SessionId, SkipSession, Text, Timestamp, UserId,
};
use clap::Args;

use super::money::Decimal;
use super::{minor_units, text};

/// An application.
#[derive(Args)]
pub(crate) struct Apply {
    /// The student
    #[arg(long)]
    user: UserId,
    /// The course
    #[arg(long)]
    course: CourseId,
    /// The student's name
    #[arg(long)]
    name: String,
    /// The student's email address
    #[arg(long)]
    email: String,
    /// The student's telephone number
    #[arg(long)]
    phone: Option<String>,
}

/// Shows nothing of the contact.
impl std::fmt::Debug for Apply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Apply")
            .field("user", &self.user)
            .field("course", &self.course)
            .finish_non_exhaustive()
    }
}

impl From<Apply> for ApplyForCourse {
    fn from(flags: Apply) -> Self {
        Self {
            user_id: flags.user,
            course_id: flags.course,
            contact_info: ContactInfo {
                name: flags.name,
                email: flags.email,
                phone: flags.phone,
            },
        }
    }
}

/// A payment.
#[derive(Debug, Args)]
pub(crate) struct Confirm {
    /// The student
    #[arg(long)]
    user: UserId,
    /// The course
    #[arg(long)]
    course: CourseId,
    /// The amount that was paid, such as 120.00; must be the quoted price
    #[arg(long, allow_negative_numbers = true, requires = "currency")]
    amount: Option<Decimal>,
    /// The currency of the amount (ISO 4217), such as GBP; must be that of the quoted price
    #[arg(long, requires = "amount")]
    currency: Option<Currency>,
    /// The reference of the payment at its provider; a payment that is confirmed again with the same reference changes nothing
    #[arg(long, value_parser = text)]
    reference: Option<Text>,
    /// Schedule sessions after this time only, such as 2027-01-10T00:00:00Z
    #[arg(long, value_name = "TIME")]
    first_session_after: Option<Timestamp>,
}

impl TryFrom<Confirm> for ConfirmPayment {
    type Error = String;

    fn try_from(flags: Confirm) -> Result<Self, String> {
        Ok(Self {
            user_id: flags.user,
            course_id: flags.course,
            amount: minor_units(flags.amount.as_ref(), flags.currency)?,
            currency: flags.currency,
            reference: flags.reference,
            first_session_after: flags.first_session_after,
        })
    }
}

/// A student's session.
#[derive(Debug, Args)]
pub(crate) struct Attend {
    /// The student
    #[arg(long)]
    pub(super) user: UserId,
    /// The course
    #[arg(long)]
    pub(super) course: CourseId,
    /// The session, such as 3
    #[arg(long)]
    pub(super) session: SessionId,
}

impl From<Attend> for AttendSession {
    fn from(flags: Attend) -> Self {
        Self {
            user_id: flags.user,
            course_id: flags.course,
            session_id: flags.session,
        }
    }
}

/// A session that was missed.
#[derive(Debug, Args)]
pub(crate) struct Skip {
    #[command(flatten)]
    target: Attend,
    /// The reason; it is sent and not stored
    #[arg(long, value_parser = text)]
    reason: Option<Text>,
}

impl From<Skip> for SkipSession {
    fn from(flags: Skip) -> Self {
        Self {
            user_id: flags.target.user,
            course_id: flags.target.course,
            session_id: flags.target.session,
            reason: flags.reason,
        }
    }
}

/// A session that moves.
#[derive(Debug, Args)]
pub(crate) struct Reschedule {
    #[command(flatten)]
    target: Attend,
    /// The new date, such as 2027-01-10T18:00:00Z or 2027-01-10T18:00:00+01:00
    #[arg(long, value_name = "TIME")]
    to: Timestamp,
}

impl From<Reschedule> for RescheduleSession {
    fn from(flags: Reschedule) -> Self {
        Self {
            user_id: flags.target.user,
            course_id: flags.target.course,
            session_id: flags.target.session,
            new_session_date: flags.to,
        }
    }
}
