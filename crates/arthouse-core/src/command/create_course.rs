use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{ActorType, CommandData, Subject};
use crate::rejection::{INVALID_COST, INVALID_DURATION, INVALID_SCHEDULE};
use crate::values::{NOT_CARRIED, is_carried};
use crate::{
    Amount, Course, CourseId, Currency, Duration, Refusal, Rejection, Schedule, ScheduleError,
    SessionMinutes, State, Text, Timestamp, Transition,
};

const COURSE_EXISTS: Rejection =
    Rejection::new("COURSE_EXISTS", "there is a course with this id already");

/// The data of `course.create`.
///
/// A cost, duration or schedule that is not right is a rejection, not a malformed message: so they come unchecked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CreateCourse {
    /// Names the new course.
    pub course_id: CourseId,
    /// What it is called.
    pub title: Text,
    /// What it is about.
    pub description: Text,
    /// What the whole course costs, in minor units; not negative.
    pub cost: i64,
    /// The currency of the cost.
    pub currency: Currency,
    /// How many sessions it has: 1 to 500.
    pub duration: i64,
    /// How it is paid.
    pub payment_method: Text,
    /// Where it is paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_link: Option<Text>,
    /// When its sessions take place: iCalendar `DTSTART;TZID=…`, `RRULE`, `RDATE`, `EXDATE`.
    pub schedule: String,
    /// How long a session lasts, in minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_minutes: Option<SessionMinutes>,
}

impl CommandData for CreateCourse {
    const TYPE: &'static str = "com.digitalarthouse.course.create.v1";
    const ROLES: &'static [ActorType] = &[ActorType::Admin, ActorType::System];
    const REJECTIONS: &'static [Rejection] = &[
        COURSE_EXISTS,
        INVALID_SCHEDULE,
        INVALID_COST,
        INVALID_DURATION,
    ];

    fn subject(&self) -> Subject<'_> {
        Subject::Course(&self.course_id)
    }

    /// A course is created once, with a price, and with a timetable that has a date for every session.
    fn decide(&self, state: &State, _now: Timestamp) -> Result<Transition, Refusal> {
        if state.course.is_some() {
            return Err(COURSE_EXISTS.into());
        }
        let cost = checked_cost(self.cost)?;
        let duration = checked_duration(self.duration)?;
        Ok(Transition::CreateCourse(Course {
            course_id: self.course_id.clone(),
            title: self.title.clone(),
            description: self.description.clone(),
            cost,
            currency: self.currency,
            duration,
            payment_method: self.payment_method.clone(),
            payment_link: self.payment_link.clone(),
            schedule: checked_schedule(&self.schedule, duration)?,
            session_minutes: self.session_minutes.unwrap_or_default(),
            open: true,
            version: 1,
        }))
    }

    fn example() -> Value {
        json!({
            "actor": {"type": "admin", "id": "office"},
            "course_id": "watercolour", "title": "Watercolour", "description": "Colour and water, seven evenings.", "cost": 14_000,
            "currency": "GBP", "duration": 7, "payment_method": "card", "payment_link": "https://pay.example.com/watercolour",
            "schedule": "DTSTART;TZID=Europe/London:20261001T183000\nRRULE:FREQ=WEEKLY", "session_minutes": 90,
        })
    }
}

pub(super) fn checked_cost(cost: i64) -> Result<Amount, Rejection> {
    Amount::try_from(cost).map_err(|_| INVALID_COST)
}

pub(super) fn checked_duration(sessions: i64) -> Result<Duration, Rejection> {
    Duration::try_from(sessions).map_err(|_| INVALID_DURATION)
}

/// A timetable must parse and have a date for each session.
pub(super) fn checked_schedule(text: &str, sessions: Duration) -> Result<Schedule, Rejection> {
    if !is_carried(text) {
        return Err(INVALID_SCHEDULE.with(format!("the schedule {NOT_CARRIED}")));
    }
    let schedule: Schedule = text
        .parse()
        .map_err(|e: ScheduleError| INVALID_SCHEDULE.with(e.to_string()))?;
    match schedule.first(sessions) {
        Some(_) => Ok(schedule),
        None => Err(INVALID_SCHEDULE.with(format!(
            "the schedule has fewer than {} dates",
            sessions.get()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::{check, check_rejected, on_offer};
    use super::COURSE_EXISTS;
    use crate::rejection::{INVALID_COST, INVALID_DURATION, INVALID_SCHEDULE};
    use crate::samples::{course, merged, value};
    use crate::{Course, State, Transition};

    #[test]
    fn a_course_is_created_open_and_at_version_1() {
        let created = Course {
            version: 1,
            ..course()
        };
        check(
            &State::default(),
            ("course.create", json!({})),
            Ok(Transition::CreateCourse(created)),
        );
    }

    #[test]
    fn a_course_may_be_created_without_a_link_and_lasts_an_hour_then() {
        let created = Course {
            version: 1,
            payment_link: None,
            session_minutes: value(60),
            ..course()
        };
        let when = json!({"payment_link": null, "session_minutes": null});
        check(
            &State::default(),
            ("course.create", when),
            Ok(Transition::CreateCourse(created)),
        );
    }

    #[test]
    fn a_course_may_cost_nothing_or_the_most_there_is() {
        for cost in [0_i64, 1_000_000_000_000] {
            let created = Course {
                version: 1,
                cost: value(cost),
                ..course()
            };
            check(
                &State::default(),
                ("course.create", json!({"cost": cost})),
                Ok(Transition::CreateCourse(created)),
            );
        }
    }

    #[test]
    fn a_course_is_created_once_even_with_the_same_data() {
        check_rejected(&on_offer(), ("course.create", json!({})), COURSE_EXISTS);
    }

    #[test]
    fn a_course_needs_a_cost_a_duration_and_a_timetable_that_go_together() {
        let few = "DTSTART:20261001T180000Z\nRRULE:FREQ=WEEKLY;COUNT=2";
        let no_start = "there must be one DTSTART line, and no second";
        let too_few = INVALID_SCHEDULE.with("the schedule has fewer than 3 dates".to_owned());
        for (changes, rejection) in [
            (json!({"cost": -1}), INVALID_COST),
            (json!({"cost": 1_000_000_000_001_i64}), INVALID_COST),
            (json!({"duration": 0}), INVALID_DURATION),
            (json!({"duration": -3}), INVALID_DURATION),
            (json!({"duration": 501}), INVALID_DURATION),
            (
                json!({"schedule": ""}),
                INVALID_SCHEDULE.with(no_start.to_owned()),
            ),
            (json!({"schedule": few}), too_few),
        ] {
            let changes = merged(json!({"duration": 3}), changes);
            check_rejected(
                &State::default(),
                ("course.create", changes.clone()),
                rejection.clone(),
            );
            check_rejected(&on_offer(), ("course.update", changes), rejection);
        }
    }

    #[test]
    fn a_timetable_with_just_enough_dates_is_enough() {
        let three = "DTSTART:20261001T180000Z\nRRULE:FREQ=WEEKLY;COUNT=3";
        let created = Course {
            version: 1,
            schedule: three.parse().expect("a schedule"),
            ..course()
        };
        check(
            &State::default(),
            ("course.create", json!({"schedule": three})),
            Ok(Transition::CreateCourse(created)),
        );
    }
}
