use crate::{Application, ApplyForCourse, Quote, Rejection, State, Timestamp, Transition};

/// A student applies once for an open course, and is quoted its price as it is now.
pub(super) fn decide(
    state: &State,
    data: &ApplyForCourse,
    now: Timestamp,
) -> Result<Transition, Rejection> {
    let course = state.course.as_ref().ok_or(Rejection::CourseNotFound)?;
    if state.enrollment.is_some() {
        return Err(Rejection::AlreadyEnrolled);
    }
    if state.application.is_some() {
        return Err(Rejection::AlreadyApplied);
    }
    if !course.open {
        return Err(Rejection::CourseClosed);
    }
    if !data.contact_info.is_valid() {
        return Err(Rejection::InvalidContact);
    }
    Ok(Transition::Apply(Application {
        user_id: data.user_id.clone(),
        course_id: data.course_id.clone(),
        applied_date: now,
        contact_info: data.contact_info.clone(),
        quote: Quote::of(course),
        version: 1,
    }))
}
