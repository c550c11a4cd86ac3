use std::collections::BTreeMap;

use crate::{
    Application, ConfirmPayment, Course, Enrollment, Rejection, State, Timestamp, Transition,
};

/// A payment of the quoted price turns the application into an enrolment, with the timetable as it is now.
///
/// The same payment told twice changes nothing; another payment for the same enrolment is refused.
pub(super) fn decide(
    state: &State,
    data: &ConfirmPayment,
    now: Timestamp,
) -> Result<Transition, Rejection> {
    if let Some(enrollment) = &state.enrollment {
        let same = data.reference.is_some() && data.reference == enrollment.payment_reference;
        return if same {
            Ok(Transition::Unchanged)
        } else {
            Err(Rejection::AlreadyPaid)
        };
    }
    let application = state
        .application
        .as_ref()
        .ok_or(Rejection::ApplicationNotFound)?;
    let quoted = i64::from(application.quote.cost);
    if data.amount.is_some_and(|amount| amount != quoted) {
        return Err(Rejection::AmountMismatch);
    }
    let course = state.course.as_ref().ok_or(Rejection::CourseNotFound)?;
    let enrollment = enroll(application, course, data, now);
    if enrollment.session_dates().is_none() {
        return Err(Rejection::ScheduleExhausted);
    }
    Ok(Transition::Enroll {
        application: Box::new(application.clone()),
        enrollment: Box::new(enrollment),
    })
}

fn enroll(
    application: &Application,
    course: &Course,
    data: &ConfirmPayment,
    now: Timestamp,
) -> Enrollment {
    let quote = &application.quote;
    Enrollment {
        user_id: application.user_id.clone(),
        course_id: application.course_id.clone(),
        paid_date: now,
        balance: quote.cost,
        sessions_remaining: quote.duration.get(),
        applied_date: application.applied_date,
        contact_info: application.contact_info.clone(),
        title: quote.title.clone(),
        cost: quote.cost,
        currency: quote.currency,
        duration: quote.duration,
        schedule: course.schedule.clone(),
        session_minutes: course.session_minutes,
        first_session_after: data.first_session_after,
        payment_reference: data.reference.clone(),
        charges: BTreeMap::new(),
        sessions_initialized_at: None,
        version: 1,
    }
}
