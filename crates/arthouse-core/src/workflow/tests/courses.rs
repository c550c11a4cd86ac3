use serde_json::json;

use super::{check, check_rejected};
use crate::samples::{THURSDAYS, course, id, merged, text, value};
use crate::{Course, Rejection, State, Transition};

fn on_offer() -> State {
    State {
        course: Some(course()),
        ..State::default()
    }
}

fn closed() -> Course {
    Course {
        open: false,
        ..course()
    }
}

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
    check_rejected(
        &on_offer(),
        ("course.create", json!({})),
        Rejection::CourseExists,
    );
}

#[test]
fn a_course_needs_a_cost_a_duration_and_a_timetable_that_go_together() {
    let few = "DTSTART:20261001T180000Z\nRRULE:FREQ=WEEKLY;COUNT=2";
    let no_start = "there must be one DTSTART line, and no second";
    let too_few = Rejection::InvalidSchedule("the schedule has fewer than 3 dates".into());
    for (changes, rejection) in [
        (json!({"cost": -1}), Rejection::InvalidCost),
        (
            json!({"cost": 1_000_000_000_001_i64}),
            Rejection::InvalidCost,
        ),
        (json!({"duration": 0}), Rejection::InvalidDuration),
        (json!({"duration": -3}), Rejection::InvalidDuration),
        (json!({"duration": 501}), Rejection::InvalidDuration),
        (
            json!({"schedule": ""}),
            Rejection::InvalidSchedule(no_start.into()),
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
fn nothing() -> serde_json::Value {
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
        Rejection::CourseNotFound,
    );
}

#[test]
fn an_update_for_another_version_is_refused() {
    for expected in [3, 5, 0] {
        let when = ("course.update", json!({"expected_version": expected}));
        check_rejected(&on_offer(), when, Rejection::VersionConflict { actual: 4 });
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
    let rejection = Rejection::InvalidSchedule("the schedule has fewer than 4 dates".into());
    check_rejected(&given, ("course.update", when), rejection);
}
