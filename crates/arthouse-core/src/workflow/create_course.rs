use crate::{Amount, Course, CreateCourse, Duration, Rejection, Schedule, Transition};

/// A course is created once, with a price, and with a timetable that has a date for every session.
pub(super) fn decide(found: Option<&Course>, data: &CreateCourse) -> Result<Transition, Rejection> {
    if found.is_some() {
        return Err(Rejection::CourseExists);
    }
    let cost = checked_cost(data.cost)?;
    let duration = checked_duration(data.duration)?;
    let schedule = checked_schedule(&data.schedule, duration)?;
    Ok(Transition::CreateCourse(Course {
        course_id: data.course_id.clone(),
        title: data.title.clone(),
        description: data.description.clone(),
        cost,
        currency: data.currency,
        duration,
        payment_method: data.payment_method.clone(),
        payment_link: data.payment_link.clone(),
        schedule,
        session_minutes: data.session_minutes.unwrap_or_default(),
        open: true,
        version: 1,
    }))
}

pub(super) fn checked_cost(cost: i64) -> Result<Amount, Rejection> {
    Amount::try_from(cost).map_err(|_| Rejection::InvalidCost)
}

pub(super) fn checked_duration(sessions: i64) -> Result<Duration, Rejection> {
    Duration::try_from(sessions).map_err(|_| Rejection::InvalidDuration)
}

/// A timetable must parse and have a date for each session.
pub(super) fn checked_schedule(text: &str, sessions: Duration) -> Result<Schedule, Rejection> {
    let schedule: Schedule = text
        .parse()
        .map_err(|e: crate::ScheduleError| Rejection::InvalidSchedule(e.to_string()))?;
    match schedule.first(sessions) {
        Some(_) => Ok(schedule),
        None => Err(Rejection::InvalidSchedule(format!(
            "the schedule has fewer than {} dates",
            sessions.get()
        ))),
    }
}
