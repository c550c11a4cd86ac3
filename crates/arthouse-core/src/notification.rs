//! The notifications to other systems (`RULES.md`, "Notifications"). They never hold contact details.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    Amount, Application, Charge, ChargeId, ChargeKind, CloudEvent, CourseId, Currency, Enrollment,
    EventId, Occurrence, Rescheduled, Session, SessionId, SessionMinutes, Text, Timestamp, UserId,
};

/// Something that has happened to a student's enrolment. On the wire it is a [`CloudEvent`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    user_id: UserId,
    course_id: CourseId,
    id: EventId,
    time: Timestamp,
    what: What,
}

/// The `data` of a notification on the wire, without the student and the course. Its schema is found by its title.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum What {
    #[schemars(title = "application.received")]
    ApplicationReceived {
        course_title: Text,
        cost: Amount,
        currency: Currency,
        payment_method: Text,
        #[serde(skip_serializing_if = "Option::is_none")]
        payment_link: Option<Text>,
        applied_date: Timestamp,
    },
    #[schemars(title = "payment.confirmed")]
    PaymentConfirmed {
        course_title: Text,
        amount: Amount,
        currency: Currency,
        balance: Amount,
        sessions_remaining: u16,
        paid_date: Timestamp,
    },
    #[schemars(title = "sessions.scheduled")]
    SessionsScheduled {
        course_title: Text,
        time_zone: String,
        sessions: Vec<ScheduledSession>,
    },
    #[schemars(title = "session.charged")]
    SessionCharged {
        #[serde(skip)]
        kind: ChargeKind,
        session_id: SessionId,
        charge: Amount,
        currency: Currency,
        balance: Amount,
        sessions_remaining: u16,
    },
    #[schemars(title = "session.rescheduled")]
    SessionRescheduled {
        session_id: SessionId,
        old_date: Timestamp,
        new_date: Timestamp,
        sequence: u32,
    },
    #[schemars(title = "course.completed")]
    CourseCompleted {
        course_title: Text,
        attended: usize,
        skipped: usize,
        currency: Currency,
        balance: Amount,
    },
}

/// A line of the timetable that a student gets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ScheduledSession {
    /// Which session.
    pub session_id: SessionId,
    /// When it starts.
    pub starts_at: Timestamp,
    /// The same as the clock on the wall shows it, with its offset from UTC (RFC 3339).
    pub local_start: String,
    /// How long it lasts.
    pub minutes: SessionMinutes,
}

impl Notification {
    pub(crate) fn application_received(application: &Application) -> Self {
        let quote = &application.quote;
        let what = What::ApplicationReceived {
            course_title: quote.title.clone(),
            cost: quote.cost,
            currency: quote.currency,
            payment_method: quote.payment_method.clone(),
            payment_link: quote.payment_link.clone(),
            applied_date: application.applied_date,
        };
        let (user_id, course_id) = (&application.user_id, &application.course_id);
        Self::new(user_id, course_id, application.applied_date, &[], what)
    }

    /// Tells of a payment; the enrolment may have been charged since.
    pub(crate) fn payment_confirmed(enrollment: &Enrollment) -> Self {
        let what = What::PaymentConfirmed {
            course_title: enrollment.title.clone(),
            amount: enrollment.cost,
            currency: enrollment.currency,
            balance: enrollment.cost,
            sessions_remaining: enrollment.duration.get(),
            paid_date: enrollment.paid_date,
        };
        let (user_id, course_id) = (&enrollment.user_id, &enrollment.course_id);
        Self::new(user_id, course_id, enrollment.paid_date, &[], what)
    }

    pub(crate) fn sessions_scheduled(enrollment: &Enrollment, at: Timestamp) -> Self {
        let dates = enrollment.session_dates().unwrap_or_default();
        let line = |(ordinal, date): (u16, Occurrence)| ScheduledSession {
            session_id: SessionId::from_ordinal(ordinal),
            starts_at: date.at,
            local_start: date.local.to_rfc3339(),
            minutes: enrollment.session_minutes,
        };
        let what = What::SessionsScheduled {
            course_title: enrollment.title.clone(),
            time_zone: enrollment.schedule.time_zone().to_owned(),
            sessions: (1..).zip(dates).map(line).collect(),
        };
        let (user_id, course_id) = (&enrollment.user_id, &enrollment.course_id);
        Self::new(
            user_id,
            course_id,
            at,
            &[&enrollment.paid_date.to_string()],
            what,
        )
    }

    /// Tells of a charge, with the balance and the sessions remaining right after it.
    pub(crate) fn session_charged(
        enrollment: &Enrollment,
        id: &ChargeId,
        charge: &Charge,
        balance: Amount,
        sessions_remaining: u16,
    ) -> Self {
        let what = What::SessionCharged {
            kind: charge.kind,
            session_id: id.session_id().clone(),
            charge: charge.amount,
            currency: enrollment.currency,
            balance,
            sessions_remaining,
        };
        let (user_id, course_id) = (&enrollment.user_id, &enrollment.course_id);
        let change = [&*enrollment.paid_date.to_string(), &id.to_string()];
        Self::new(user_id, course_id, charge.at, &change, what)
    }

    /// Tells that every session was charged. Which charge was made last depends on delays, so it is not told.
    pub(crate) fn course_completed(enrollment: &Enrollment) -> Self {
        let dates = enrollment.charges.values().map(|charge| charge.at);
        let last = dates.max().unwrap_or(enrollment.paid_date);
        let what = What::CourseCompleted {
            course_title: enrollment.title.clone(),
            attended: enrollment.count(ChargeKind::Attended),
            skipped: enrollment.count(ChargeKind::Skipped),
            currency: enrollment.currency,
            balance: enrollment.balance,
        };
        let (user_id, course_id) = (&enrollment.user_id, &enrollment.course_id);
        Self::new(
            user_id,
            course_id,
            last,
            &[&enrollment.paid_date.to_string()],
            what,
        )
    }

    pub(crate) fn session_rescheduled(
        session: &Session,
        old: Timestamp,
        moved: &Rescheduled,
    ) -> Self {
        let what = What::SessionRescheduled {
            session_id: session.session_id.clone(),
            old_date: old,
            new_date: session.session_date,
            sequence: session.sequence,
        };
        let change = [session.session_id.as_str(), &session.sequence.to_string()];
        Self::new(
            &session.user_id,
            &session.course_id,
            moved.at,
            &change,
            what,
        )
    }

    /// Derives the id from the kind, the student, the course, the change's own date and what tells it from others of its kind.
    fn new(
        user_id: &UserId,
        course_id: &CourseId,
        time: Timestamp,
        change: &[&str],
        what: What,
    ) -> Self {
        let date = time.to_string();
        let parts = [
            &[what.name(), user_id.as_str(), course_id.as_str(), &date],
            change,
        ]
        .concat();
        let id = EventId::derive(&parts);
        Self {
            user_id: user_id.clone(),
            course_id: course_id.clone(),
            id,
            time,
            what,
        }
    }

    /// Returns the student; notifications to one student keep their order.
    pub fn user_id(&self) -> &UserId {
        &self.user_id
    }

    /// Returns the course.
    pub fn course_id(&self) -> &CourseId {
        &self.course_id
    }

    /// Returns the id, the same for every telling of the same happening.
    pub fn id(&self) -> &EventId {
        &self.id
    }

    /// Returns when it happened, by the queue's clock where a command caused it.
    pub fn time(&self) -> Timestamp {
        self.time
    }

    /// Returns what has happened, such as `session.attended`.
    pub fn name(&self) -> &'static str {
        self.what.name()
    }

    /// Writes the notification as an event.
    pub fn to_event(&self) -> CloudEvent {
        let mut data =
            serde_json::to_value(&self.what).expect("a notification holds texts and numbers only");
        data["user_id"] = Value::from(self.user_id.as_str());
        data["course_id"] = Value::from(self.course_id.as_str());
        let subject = format!("{}/{}", self.user_id, self.course_id);
        CloudEvent::new(self.id.clone(), self.what.name(), subject, self.time, data)
    }
}

impl What {
    fn name(&self) -> &'static str {
        match self {
            Self::ApplicationReceived { .. } => "application.received",
            Self::PaymentConfirmed { .. } => "payment.confirmed",
            Self::SessionsScheduled { .. } => "sessions.scheduled",
            Self::SessionCharged {
                kind: ChargeKind::Attended,
                ..
            } => "session.attended",
            Self::SessionCharged {
                kind: ChargeKind::Skipped,
                ..
            } => "session.skipped",
            Self::SessionRescheduled { .. } => "session.rescheduled",
            Self::CourseCompleted { .. } => "course.completed",
        }
    }
}

#[cfg(test)]
mod tests;
