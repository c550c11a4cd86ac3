use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};

use super::create_course::{checked_cost, checked_duration, checked_schedule};
use super::{ActorType, CommandData, Subject};
use crate::rejection::{COURSE_NOT_FOUND, INVALID_COST, INVALID_DURATION, INVALID_SCHEDULE};
use crate::{
    Course, CourseId, Currency, Refusal, Rejection, SessionMinutes, State, Text, Timestamp,
    Transition,
};

const VERSION_CONFLICT: Rejection = Rejection::new(
    "VERSION_CONFLICT",
    "the course is not at the expected version",
);

/// The data of `course.update`: what is not given stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UpdateCourse {
    /// The course to change.
    pub course_id: CourseId,
    /// The version that the change was made for; any if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_version: Option<u64>,
    /// A new title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<Text>,
    /// A new description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Text>,
    /// A new price, in minor units; not negative.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<i64>,
    /// A new currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// A new number of sessions: 1 to 500.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<i64>,
    /// A new way to pay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_method: Option<Text>,
    /// A new place to pay; `null` takes it away.
    #[serde(
        default,
        deserialize_with = "given",
        skip_serializing_if = "Option::is_none"
    )]
    pub payment_link: Option<Option<Text>>,
    /// A new timetable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<String>,
    /// A new length of a session, in minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_minutes: Option<SessionMinutes>,
    /// Whether students may apply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open: Option<bool>,
}

/// Tells `null` from a field that is not there.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<Text>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

impl CommandData for UpdateCourse {
    const TYPE: &'static str = "com.digitalarthouse.course.update.v1";
    const ROLES: &'static [ActorType] = &[ActorType::Admin, ActorType::System];
    const REJECTIONS: &'static [Rejection] = &[
        COURSE_NOT_FOUND,
        VERSION_CONFLICT,
        INVALID_SCHEDULE,
        INVALID_COST,
        INVALID_DURATION,
    ];

    fn subject(&self) -> Subject<'_> {
        Subject::Course(&self.course_id)
    }

    /// A course changes for those who apply from now on; quotes and paid enrolments stay as they are.
    fn decide(&self, state: &State, _now: Timestamp) -> Result<Transition, Refusal> {
        let course = state.course.as_ref().ok_or(COURSE_NOT_FOUND)?;
        let actual = course.version;
        if self.expected_version.is_some_and(|given| given != actual) {
            return Err(VERSION_CONFLICT
                .with(format!(
                    "the course is at version {actual}, not at the expected one"
                ))
                .into());
        }
        let cost = self.cost.map_or(Ok(course.cost), checked_cost)?;
        let duration = self
            .duration
            .map_or(Ok(course.duration), checked_duration)?;
        let schedule = match &self.schedule {
            Some(text) => checked_schedule(text, duration)?,
            None if duration > course.duration => {
                checked_schedule(course.schedule.as_str(), duration)?
            }
            None => course.schedule.clone(),
        };
        let text = |new: &Option<Text>, old: &Text| new.as_ref().unwrap_or(old).clone();
        let payment_link = self.payment_link.as_ref().unwrap_or(&course.payment_link);
        Ok(Transition::UpdateCourse(Course {
            course_id: course.course_id.clone(),
            title: text(&self.title, &course.title),
            description: text(&self.description, &course.description),
            cost,
            currency: self.currency.unwrap_or(course.currency),
            duration,
            payment_method: text(&self.payment_method, &course.payment_method),
            payment_link: payment_link.clone(),
            schedule,
            session_minutes: self.session_minutes.unwrap_or(course.session_minutes),
            open: self.open.unwrap_or(course.open),
            version: actual + 1,
        }))
    }

    fn example() -> Value {
        json!({
            "actor": {"type": "admin", "id": "office"},
            "course_id": "watercolour", "expected_version": 1, "cost": 15_000,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::tests::{check, check_rejected, on_offer};
    use super::VERSION_CONFLICT;
    use crate::rejection::{COURSE_NOT_FOUND, INVALID_SCHEDULE};
    use crate::samples::{THURSDAYS, course, id, merged, text, value};
    use crate::{Course, State, Transition};

    #[test]
    fn an_update_changes_what_it_names() {
        let updated = Course {
            title: text("Oils"),
            description: text("Evenings."),
            cost: value(12_000),
            currency: id("EUR"),
            duration: value(4_i64),
            payment_method: text("cash"),
            payment_link: Some(text("https://pay.example.com/2")),
            session_minutes: value(45),
            open: false,
            version: 5,
            ..course()
        };
        check(
            &on_offer(),
            ("course.update", json!({})),
            Ok(Transition::UpdateCourse(updated)),
        );
    }

    /// The example's fields, all `null`: nothing given but the link, which `null` takes away.
    fn nothing() -> Value {
        json!({"expected_version": null, "title": null, "description": null, "cost": null, "currency": null, "duration": null,
            "payment_method": null, "payment_link": null, "schedule": null, "session_minutes": null, "open": null})
    }

    #[test]
    fn an_update_leaves_alone_what_it_does_not_name() {
        let updated = Course {
            payment_link: None,
            version: 5,
            ..course()
        };
        check(
            &on_offer(),
            ("course.update", nothing()),
            Ok(Transition::UpdateCourse(updated)),
        );
    }

    fn closed() -> Course {
        Course {
            open: false,
            ..course()
        }
    }

    #[test]
    fn a_closed_course_is_opened_by_an_update() {
        let given = State {
            course: Some(closed()),
            ..State::default()
        };
        let updated = Course {
            payment_link: None,
            version: 5,
            ..course()
        };
        let when = merged(nothing(), json!({"open": true}));
        check(
            &given,
            ("course.update", when),
            Ok(Transition::UpdateCourse(updated)),
        );
    }

    #[test]
    fn only_a_course_that_is_there_is_updated() {
        check_rejected(
            &State::default(),
            ("course.update", json!({})),
            COURSE_NOT_FOUND,
        );
    }

    #[test]
    fn an_update_for_another_version_is_refused() {
        for expected in [3, 5, 0] {
            let when = ("course.update", json!({"expected_version": expected}));
            check_rejected(
                &on_offer(),
                when,
                VERSION_CONFLICT
                    .with("the course is at version 4, not at the expected one".to_owned()),
            );
        }
    }

    #[test]
    fn a_longer_duration_needs_dates_in_the_timetable_that_stays() {
        let three = format!("{THURSDAYS};COUNT=3").parse().expect("a schedule");
        let given = State {
            course: Some(Course {
                schedule: three,
                ..course()
            }),
            ..State::default()
        };
        let when = json!({"schedule": null, "duration": 4});
        let rejection = INVALID_SCHEDULE.with("the schedule has fewer than 4 dates".to_owned());
        check_rejected(&given, ("course.update", when), rejection);
    }
}
