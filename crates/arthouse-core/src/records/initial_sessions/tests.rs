use proptest::prelude::*;

use crate::samples::{at, enrollment, id, value};
use crate::{Amount, Enrollment, Session, SessionStatus, initial_sessions};

#[test]
fn an_enrolment_gets_its_sessions_with_dates_and_costs() {
    let session = |session_id: &str, session_date: &str, local: &str, cost: i64| Session {
        user_id: id("ada"),
        course_id: id("oils"),
        session_id: id(session_id),
        status: SessionStatus::Scheduled,
        session_date: at(session_date),
        original_local_start: Some(local.parse().expect("a local time")),
        rescheduled: None,
        reschedulable: true,
        cost: value(cost),
        currency: id("GBP"),
        status_changed_at: None,
        sequence: 0,
        version: 1,
    };
    let expected = vec![
        session(
            "0001",
            "2026-10-01T17:00:00Z",
            "2026-10-01T18:00:00+01:00",
            3_334,
        ),
        session(
            "0002",
            "2026-10-08T17:00:00Z",
            "2026-10-08T18:00:00+01:00",
            3_333,
        ),
        session(
            "0003",
            "2026-10-15T17:00:00Z",
            "2026-10-15T18:00:00+01:00",
            3_333,
        ),
    ];
    assert_eq!(initial_sessions(&enrollment()), Some(expected));
}

fn dates(enrollment: &Enrollment) -> Vec<String> {
    let sessions = initial_sessions(enrollment).expect("dates enough");
    sessions
        .iter()
        .map(|session| session.session_date.to_string())
        .collect()
}

#[test]
fn lessons_stay_at_six_in_the_evening_when_the_clocks_change() {
    let enrollment = Enrollment {
        first_session_after: Some(at("2026-10-16T00:00:00Z")),
        ..enrollment()
    };
    assert_eq!(
        dates(&enrollment),
        [
            "2026-10-22T17:00:00Z",
            "2026-10-29T18:00:00Z",
            "2026-11-05T18:00:00Z"
        ]
    );
}

#[test]
fn a_lesson_in_the_hour_that_is_skipped_is_left_out_and_not_counted() {
    let nights = "DTSTART;TZID=Europe/London:20270327T013000\nRRULE:FREQ=DAILY;COUNT=3";
    let enrollment = Enrollment {
        schedule: nights.parse().expect("a schedule"),
        ..enrollment()
    };
    assert_eq!(
        dates(&enrollment),
        [
            "2027-03-27T01:30:00Z",
            "2027-03-29T00:30:00Z",
            "2027-03-30T00:30:00Z"
        ]
    );
}

#[test]
fn the_later_of_payment_and_wished_date_counts() {
    let late = Enrollment {
        paid_date: at("2026-10-08T17:00:00Z"),
        ..enrollment()
    };
    for wished in [
        None,
        Some(at("2026-10-01T00:00:00Z")),
        Some(at("2026-10-08T17:00:00Z")),
    ] {
        let enrollment = Enrollment {
            first_session_after: wished,
            ..late.clone()
        };
        assert_eq!(dates(&enrollment)[0], "2026-10-15T17:00:00Z");
    }
}

#[test]
fn a_timetable_that_has_too_few_dates_gives_no_sessions_at_all() {
    let two = "DTSTART:20261001T180000Z\nRRULE:FREQ=WEEKLY;COUNT=2";
    let enrollment = Enrollment {
        schedule: two.parse().expect("a schedule"),
        ..enrollment()
    };
    assert_eq!(initial_sessions(&enrollment), None);
}

proptest! {
    #[test]
    fn sessions_share_the_cost_and_follow_each_other_after_the_payment(
        cost in 0_i64..1_000_000, duration in 1_i64..=60, paid in 1_790_000_000_i64..1_900_000_000, wait in 0_i64..10_000_000,
        zone in prop::sample::select(vec!["Europe/London", "America/New_York", "Asia/Kolkata", "UTC"]),
    ) {
        let paid_date = crate::Timestamp::from_unix_seconds(paid).expect("in range");
        let first_session_after = crate::Timestamp::from_unix_seconds(paid + wait);
        let rule = format!("DTSTART;TZID={zone}:20260901T013000\nRRULE:FREQ=DAILY;INTERVAL=2");
        let enrollment = Enrollment {
            cost: value(cost), duration: value(duration), schedule: rule.parse().expect("a schedule"),
            paid_date, first_session_after, ..enrollment()
        };
        let sessions = initial_sessions(&enrollment).expect("endless");
        prop_assert_eq!(sessions.len(), usize::from(enrollment.duration.get()));
        prop_assert_eq!(sessions.iter().map(|session| session.cost).sum::<Amount>(), enrollment.cost);
        prop_assert!(sessions.is_sorted_by(|a, b| a.session_date < b.session_date && a.session_id < b.session_id && a.cost >= b.cost));
        prop_assert!(sessions[0].session_date > first_session_after.expect("in range"));
        for (ordinal, session) in (1..).zip(&sessions) {
            prop_assert_eq!(session.session_id.ordinal(), Some(ordinal));
            let wall = enrollment.schedule.localise(session.session_date).local.format("%H:%M").to_string();
            prop_assert_eq!(wall, "01:30");
        }
        prop_assert_eq!(initial_sessions(&enrollment), Some(sessions));
    }
}
