//! What lists show: a course of the catalogue, and one of a student's courses (`RULES.md`, "Reads").

use schemars::JsonSchema;
use serde::Serialize;

use crate::progress::session_progress;
use crate::{
    Amount, Application, Course, CourseId, Currency, Enrollment, Session, SessionProgress,
    SessionStatus, Stage, Text, Timestamp,
};

/// A course as people and programs read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CourseDetails {
    /// Names the course.
    pub course_id: CourseId,
    /// What it is called.
    pub title: Text,
    /// What it is about.
    pub description: Text,
    /// What the whole course costs, in minor units.
    pub cost: Amount,
    /// The currency of the cost.
    pub currency: Currency,
    /// How many sessions it has.
    pub duration: u16,
    /// How it is paid.
    pub payment_method: Text,
    /// Where it is paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment_link: Option<Text>,
    /// When its sessions take place, as iCalendar text.
    pub schedule: String,
    /// The time zone of the schedule.
    pub time_zone: String,
    /// How long a session lasts.
    pub session_minutes: u16,
    /// Whether students may apply.
    pub open: bool,
    /// Counts the changes, from 1.
    pub version: u64,
}

impl From<&Course> for CourseDetails {
    fn from(course: &Course) -> Self {
        Self {
            course_id: course.course_id.clone(),
            title: course.title.clone(),
            description: course.description.clone(),
            cost: course.cost,
            currency: course.currency,
            duration: course.duration.get(),
            payment_method: course.payment_method.clone(),
            payment_link: course.payment_link.clone(),
            schedule: course.schedule.as_str().to_owned(),
            time_zone: course.schedule.time_zone().to_owned(),
            session_minutes: course.session_minutes.get(),
            open: course.open,
            version: course.version,
        }
    }
}

/// One of a student's courses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CourseSummary {
    /// The course.
    pub course_id: CourseId,
    /// What the course is called.
    pub title: Text,
    /// Where the student stands.
    pub status: Stage,
    /// When the student applied.
    pub applied_date: Timestamp,
    /// The price, in minor units.
    pub cost: Amount,
    /// The currency.
    pub currency: Currency,
    /// What is left of the payment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub balance: Option<Amount>,
    /// How many sessions the course has.
    pub duration: u16,
    /// How many have not been attended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sessions_remaining: Option<u16>,
    /// The next session that is scheduled and has not begun.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_session: Option<SessionProgress>,
}

impl From<&Application> for CourseSummary {
    fn from(application: &Application) -> Self {
        let quote = &application.quote;
        Self {
            course_id: application.course_id.clone(),
            title: quote.title.clone(),
            status: Stage::Applied,
            applied_date: application.applied_date,
            cost: quote.cost,
            currency: quote.currency,
            balance: None,
            duration: quote.duration.get(),
            sessions_remaining: None,
            next_session: None,
        }
    }
}

/// Puts one of a student's courses together from the enrolment and its sessions without a charge; others' sessions are left out.
pub fn summarise(enrollment: &Enrollment, uncharged: &[Session], now: Timestamp) -> CourseSummary {
    let own = || {
        let is_own = |session: &&Session| {
            session.user_id == enrollment.user_id && session.course_id == enrollment.course_id
        };
        uncharged.iter().filter(is_own)
    };
    let over = own().filter(|session| session.status.is_over()).count();
    let next = own()
        .filter(|session| session.status == SessionStatus::Scheduled)
        .filter(|session| session.session_date >= now)
        .min_by_key(|session| session.session_date);
    let is_completed = enrollment.charges.len() + over == usize::from(enrollment.duration.get());
    CourseSummary {
        course_id: enrollment.course_id.clone(),
        title: enrollment.title.clone(),
        status: if is_completed {
            Stage::Completed
        } else {
            Stage::Paid
        },
        applied_date: enrollment.applied_date,
        cost: enrollment.cost,
        currency: enrollment.currency,
        balance: Some(enrollment.balance),
        duration: enrollment.duration.get(),
        sessions_remaining: Some(enrollment.sessions_remaining),
        next_session: next.map(|session| session_progress(enrollment, session, now)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{application, at, enrollment, id};
    use crate::{Charge, ChargeId, ChargeKind, initial_sessions, project};

    #[test]
    fn an_application_is_a_course_without_balance_and_sessions() {
        let summary = CourseSummary::from(&application());
        assert_eq!(summary.status, Stage::Applied);
        assert_eq!((summary.balance, summary.sessions_remaining), (None, None));
        assert_eq!(summary.next_session, None);
    }

    #[test]
    fn the_next_session_is_the_same_as_in_the_progress() {
        let enrollment = enrollment();
        let sessions = initial_sessions(&enrollment).expect("it has dates");
        for now in [
            enrollment.paid_date,
            sessions[1].session_date,
            at("2099-01-01T00:00:00Z"),
        ] {
            let whole = project(None, Some(&enrollment), &sessions, now).expect("it is enrolled");
            let summary = summarise(&enrollment, &sessions, now);
            assert_eq!(summary.next_session, whole.next_session, "{now}");
            assert_eq!(summary.status, whole.status, "{now}");
        }
    }

    #[test]
    fn sessions_of_others_do_not_count() {
        let enrollment = enrollment();
        let mut sessions = initial_sessions(&enrollment).expect("it has dates");
        sessions[0].user_id = id("someone-else");
        let second = sessions[1].session_id.clone();
        let summary = summarise(&enrollment, &sessions, enrollment.paid_date);
        assert_eq!(
            summary.next_session.map(|next| next.session_id),
            Some(second)
        );
    }

    #[test]
    fn a_course_is_completed_once_each_session_is_charged_or_over() {
        let mut enrollment = enrollment();
        enrollment.charges.clear();
        let mut sessions = initial_sessions(&enrollment).expect("it has dates");
        let mut last = sessions.pop().expect("a session");
        for session in sessions {
            let charge = Charge {
                amount: session.cost,
                kind: ChargeKind::Attended,
                at: session.session_date,
            };
            enrollment
                .charges
                .insert(ChargeId::of_session(session.session_id), charge);
        }
        let stage = |last: &Session| {
            summarise(
                &enrollment,
                std::slice::from_ref(last),
                enrollment.paid_date,
            )
            .status
        };
        assert_eq!(stage(&last), Stage::Paid);
        last.status = SessionStatus::Skipped;
        assert_eq!(stage(&last), Stage::Completed);
    }
}
