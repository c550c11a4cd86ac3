use super::create_course::{checked_cost, checked_duration, checked_schedule};
use crate::{Course, Rejection, Transition, UpdateCourse};

/// A course changes for those who apply from now on; quotes and paid enrolments stay as they are.
pub(super) fn decide(found: Option<&Course>, data: &UpdateCourse) -> Result<Transition, Rejection> {
    let course = found.ok_or(Rejection::CourseNotFound)?;
    if data
        .expected_version
        .is_some_and(|expected| expected != course.version)
    {
        return Err(Rejection::VersionConflict {
            actual: course.version,
        });
    }
    let cost = data.cost.map_or(Ok(course.cost), checked_cost)?;
    let duration = data
        .duration
        .map_or(Ok(course.duration), checked_duration)?;
    let schedule = match &data.schedule {
        Some(text) => checked_schedule(text, duration)?,
        None if duration > course.duration => checked_schedule(course.schedule.as_str(), duration)?,
        None => course.schedule.clone(),
    };
    Ok(Transition::UpdateCourse(Course {
        course_id: course.course_id.clone(),
        title: data.title.as_ref().unwrap_or(&course.title).clone(),
        description: data
            .description
            .as_ref()
            .unwrap_or(&course.description)
            .clone(),
        cost,
        currency: data.currency.unwrap_or(course.currency),
        duration,
        payment_method: data
            .payment_method
            .as_ref()
            .unwrap_or(&course.payment_method)
            .clone(),
        payment_link: data
            .payment_link
            .as_ref()
            .unwrap_or(&course.payment_link)
            .clone(),
        schedule,
        session_minutes: data.session_minutes.unwrap_or(course.session_minutes),
        open: data.open.unwrap_or(course.open),
        version: course.version + 1,
    }))
}
