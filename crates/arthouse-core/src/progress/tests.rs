use serde_json::json;

use crate::samples::{
    NOW, PRIVATE, after, application, at, enrollment, initialised, sessions, value,
};
use crate::{
    Charge, ChargeId, ChargeKind, Enrollment, Progress, Session, SessionId, Stage, project,
};

const BEFORE_THE_FIRST: &str = "2026-09-30T16:59:59Z";

fn enrolled(enrollment: &Enrollment, sessions: &[Session], now: &str) -> Progress {
    project(None, Some(enrollment), sessions, at(now)).expect("enrolled")
}

/// Ada has attended the second session, skipped the first, and the third is to come.
fn busy() -> (Enrollment, Vec<Session>) {
    let mut all = sessions();
    all[0] = after(all[0].clone(), "session.skip", "2026-10-01T19:00:00Z");
    all[1] = after(all[1].clone(), "session.attend", "2026-10-08T19:00:00Z");
    let charge = |amount: i64, kind, when| Charge {
        amount: value(amount),
        kind,
        at: at(when),
    };
    let charges = [
        (
            1,
            charge(3_334, ChargeKind::Skipped, "2026-10-01T19:00:00Z"),
        ),
        (
            2,
            charge(3_333, ChargeKind::Attended, "2026-10-08T19:00:00Z"),
        ),
    ];
    let charges = charges
        .map(|(n, charge)| (ChargeId::of_session(SessionId::from_ordinal(n)), charge))
        .into();
    let enrollment = Enrollment {
        charges,
        balance: value(3_333),
        sessions_remaining: 2,
        ..initialised()
    };
    (enrollment, all)
}

#[test]
fn who_has_not_applied_has_no_progress() {
    assert_eq!(project(None, None, &[], at(NOW)), None);
    assert_eq!(project(None, None, &sessions(), at(NOW)), None);
}

#[test]
fn who_has_applied_sees_the_quote() {
    let progress = project(Some(&application()), None, &[], at(NOW)).expect("applied");
    let expected = json!({
        "user_id": "ada", "course_id": "oils", "title": "Oil painting", "status": "Applied",
        "applied_date": "2026-09-18T09:30:00Z", "cost": 10_000, "currency": "GBP", "duration": 3,
        "scheduled": 0, "attended": 0, "skipped": 0, "percent_complete": 0, "statement": [], "sessions": [],
    });
    assert_eq!(serde_json::to_value(progress).expect("JSON"), expected);
}

#[test]
fn who_is_enrolled_sees_dates_money_and_each_session() {
    let (enrollment, sessions) = busy();
    let progress = enrolled(&enrollment, &sessions, "2026-10-09T12:00:00Z");
    let session = |id: &str, status: &str, date: &str, local: &str, cost: i64| {
        json!({"session_id": id, "status": status, "session_date": date, "local_start": local, "cost": cost,
            "can_reschedule": false})
    };
    let third = json!({"session_id": "0003", "status": "Scheduled", "session_date": "2026-10-15T17:00:00Z",
        "local_start": "2026-10-15T18:00:00+01:00", "cost": 3_333, "can_reschedule": true,
        "reschedule_until": "2026-10-14T17:00:00Z"});
    let expected = json!({
        "user_id": "ada", "course_id": "oils", "title": "Oil painting", "status": "Paid",
        "applied_date": "2026-09-18T09:30:00Z", "paid_date": NOW, "cost": 10_000, "currency": "GBP", "balance": 3_333,
        "duration": 3, "sessions_remaining": 2, "scheduled": 1, "attended": 1, "skipped": 1, "percent_complete": 66,
        "next_session": third,
        "statement": [
            {"session_id": "0001", "kind": "Skipped", "amount": 3_334, "at": "2026-10-01T19:00:00Z"},
            {"session_id": "0002", "kind": "Attended", "amount": 3_333, "at": "2026-10-08T19:00:00Z"},
        ],
        "sessions": [
            session("0001", "Skipped", "2026-10-01T17:00:00Z", "2026-10-01T18:00:00+01:00", 3_334),
            session("0002", "Attended", "2026-10-08T17:00:00Z", "2026-10-08T18:00:00+01:00", 3_333),
            third,
        ],
    });
    assert_eq!(serde_json::to_value(&progress).expect("JSON"), expected);
    assert!(!format!("{progress:?}").contains(PRIVATE));
}

#[test]
fn a_session_can_be_moved_until_24_hours_before() {
    for (now, can) in [
        (BEFORE_THE_FIRST, true),
        ("2026-09-30T17:00:00Z", false),
        ("2026-10-05T00:00:00Z", false),
    ] {
        let first = &enrolled(&initialised(), &sessions(), now).sessions[0];
        assert_eq!(first.can_reschedule, can, "{now}");
        assert_eq!(first.reschedule_until, Some(at("2026-09-30T17:00:00Z")));
    }
}

#[test]
fn a_session_that_was_moved_shows_its_first_date_and_stays() {
    let mut moved = sessions();
    moved[0] = after(moved[0].clone(), "session.reschedule", NOW);
    let first = &enrolled(&initialised(), &moved, NOW).sessions[0];
    assert_eq!(first.session_date, at("2026-10-02T17:00:00Z"));
    assert_eq!(
        first.original_session_date,
        Some(at("2026-10-01T17:00:00Z"))
    );
    assert_eq!(
        (first.can_reschedule, first.reschedule_until),
        (false, None)
    );
}

#[test]
fn the_next_session_is_the_earliest_that_is_still_to_come() {
    let next = |sessions: &[Session], now: &str| {
        let next = enrolled(&initialised(), sessions, now).next_session;
        next.map(|session| session.session_id.to_string())
    };
    let mut all = sessions();
    assert_eq!(next(&all, NOW).as_deref(), Some("0001"));
    assert_eq!(next(&all, "2026-10-01T17:00:00Z").as_deref(), Some("0001"));
    assert_eq!(
        next(&all, "2026-10-01T17:00:01Z").as_deref(),
        Some("0002"),
        "the first is over, marked or not"
    );
    assert_eq!(next(&all, "2026-10-15T17:00:01Z"), None);
    all[0].session_date = at("2026-10-20T17:00:00Z");
    assert_eq!(
        next(&all, NOW).as_deref(),
        Some("0002"),
        "the first was moved behind the others"
    );
    all[1] = after(all[1].clone(), "session.skip", NOW);
    assert_eq!(next(&all, NOW).as_deref(), Some("0003"));
}

#[test]
fn sessions_stand_in_their_order_however_they_were_read() {
    let mut shuffled = sessions();
    shuffled.rotate_left(1);
    let progress = enrolled(&initialised(), &shuffled, NOW);
    assert_eq!(progress, enrolled(&initialised(), &sessions(), NOW));
}

#[test]
fn a_course_is_complete_when_no_session_is_scheduled_though_some_were_skipped() {
    let mut all = sessions();
    for (n, event_type) in ["session.attend", "session.skip", "session.skip"]
        .into_iter()
        .enumerate()
    {
        assert_eq!(enrolled(&initialised(), &all, NOW).status, Stage::Paid);
        all[n] = after(all[n].clone(), event_type, NOW);
    }
    let progress = enrolled(&initialised(), &all, NOW);
    assert_eq!(
        (progress.status, progress.percent_complete),
        (Stage::Completed, 100)
    );
    assert_eq!(
        (progress.scheduled, progress.attended, progress.skipped),
        (0, 1, 2)
    );
    assert_eq!(progress.next_session, None);
}

#[test]
fn an_enrolment_without_its_sessions_is_at_its_beginning() {
    let progress = enrolled(&enrollment(), &[], NOW);
    assert_eq!(
        (
            progress.status,
            progress.percent_complete,
            progress.scheduled
        ),
        (Stage::Paid, 0, 0)
    );
}
