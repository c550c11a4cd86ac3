use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::samples::{
    NOW, PRIVATE, after, application, at, enrollment, first_session, id, initialised, sessions,
    value,
};
use crate::values::is_carried;
use crate::{
    Application, Change, Charge, ChargeId, ChargeKind, Enrollment, Notification, Reaction, Session,
    SessionId, Text, react,
};

fn told(change: &Change) -> Vec<Notification> {
    let notification = |reaction| match reaction {
        Reaction::Notify(notification) => Some(notification),
        Reaction::InitialiseSessions(_) | Reaction::Charge { .. } => None,
    };
    react(change).into_iter().filter_map(notification).collect()
}

/// The change is told by these events, and by no others.
#[track_caller]
fn check(change: &Change, expected: &[(&str, &str, Value)]) {
    let events: Vec<_> = told(change)
        .iter()
        .map(|notification| {
            let event = notification.event();
            assert_eq!(
                event.r#type,
                format!("com.digitalarthouse.{}.v1", notification.name())
            );
            assert_eq!(event.subject, "ada/oils");
            assert_eq!(
                (&event.id, notification.user_id().as_str()),
                (notification.id(), "ada")
            );
            assert!(!event.to_body().contains(PRIVATE), "{}", event.to_body());
            (
                notification.name(),
                event.time.to_string(),
                event.data.clone(),
            )
        })
        .collect();
    let expected: Vec<_> = expected
        .iter()
        .map(|(name, time, data)| (*name, (*time).to_owned(), data.clone()))
        .collect();
    assert_eq!(events, expected);
}

fn applied() -> Change {
    Change::Applied(Box::new(application()))
}

fn enrolled(enrollment: Enrollment) -> Change {
    Change::Enrolled(Box::new(enrollment))
}

fn updated(before: Enrollment, after: Enrollment) -> Change {
    Change::EnrollmentUpdated {
        before: Box::new(before),
        after: Box::new(after),
        sessions: Vec::new(),
    }
}

fn moved(before: Session, now: &str) -> Change {
    let after = after(before.clone(), "session.reschedule", now);
    Change::SessionUpdated {
        before: Box::new(before),
        after: Box::new(after),
    }
}

/// The enrolment with one charge more.
fn charged(mut enrollment: Enrollment, ordinal: u16, kind: ChargeKind, when: &str) -> Enrollment {
    let amount = enrollment.cost.share(ordinal, enrollment.duration);
    enrollment.balance = enrollment
        .balance
        .checked_sub(amount)
        .expect("balance enough");
    enrollment.sessions_remaining -= u16::from(kind == ChargeKind::Attended);
    enrollment.version += 1;
    let charge = Charge {
        amount,
        kind,
        at: at(when),
    };
    enrollment.charges.insert(
        ChargeId::of_session(SessionId::from_ordinal(ordinal)),
        charge,
    );
    enrollment
}

/// Two of three sessions are charged, in another order than they take place.
fn two_charged() -> Enrollment {
    let one = charged(
        initialised(),
        3,
        ChargeKind::Skipped,
        "2026-10-01T19:00:00Z",
    );
    charged(one, 1, ChargeKind::Attended, "2026-10-01T20:00:00Z")
}

#[test]
fn an_application_is_told_with_how_to_pay() {
    let data = json!({
        "user_id": "ada", "course_id": "oils", "course_title": "Oil painting", "cost": 10_000, "currency": "GBP",
        "payment_method": "card", "payment_link": "https://pay.example.com/oils", "applied_date": "2026-09-18T09:30:00Z",
    });
    check(
        &applied(),
        &[("application.received", "2026-09-18T09:30:00Z", data.clone())],
    );
    let mut without_link = application();
    without_link.quote.payment_link = None;
    let mut data = data;
    data.as_object_mut()
        .expect("an object")
        .remove("payment_link");
    check(
        &Change::Applied(Box::new(without_link)),
        &[("application.received", "2026-09-18T09:30:00Z", data)],
    );
}

/// Earlier versions accepted characters that SQS does not carry; the records have them still.
#[test]
fn a_text_that_sqs_does_not_carry_is_told_with_a_replacement() {
    let old = "\u{1b}Oils\t\u{ffff}\u{fffe}\u{0}\u{8}\u{c}";
    let mut kept = application();
    kept.quote.title = Text::from_stored(old.to_owned()).expect("a stored text");
    let notifications = told(&Change::Applied(Box::new(kept)));
    let body = notifications[0].event().to_body();
    assert!(is_carried(&body), "{body:?}");
    let read: Value = serde_json::from_str(&body).expect("JSON");
    let title = "\u{fffd}Oils\t\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}";
    assert_eq!(read["data"]["course_title"], title);
}

fn payment_confirmed() -> (&'static str, &'static str, Value) {
    let data = json!({
        "user_id": "ada", "course_id": "oils", "course_title": "Oil painting", "amount": 10_000, "currency": "GBP",
        "balance": 10_000, "sessions_remaining": 3, "paid_date": NOW,
    });
    ("payment.confirmed", NOW, data)
}

#[test]
fn a_payment_is_told_with_what_it_gives() {
    check(&enrolled(enrollment()), &[payment_confirmed()]);
}

#[test]
fn a_payment_that_a_sweep_tells_later_is_told_the_same() {
    check(&enrolled(two_charged()), &[payment_confirmed()]);
    assert_eq!(
        told(&enrolled(two_charged())),
        told(&enrolled(enrollment()))
    );
}

#[test]
fn the_timetable_is_told_in_utc_and_as_on_the_wall() {
    let wait = Some(at("2026-10-16T00:00:00Z"));
    let before = Enrollment {
        first_session_after: wait,
        ..enrollment()
    };
    let after = Enrollment {
        first_session_after: wait,
        ..initialised()
    };
    let session = |id: &str, starts_at: &str, local_start: &str| json!({"session_id": id, "starts_at": starts_at, "local_start": local_start, "minutes": 90});
    let data = json!({
        "user_id": "ada", "course_id": "oils", "course_title": "Oil painting", "time_zone": "Europe/London",
        "sessions": [
            session("0001", "2026-10-22T17:00:00Z", "2026-10-22T18:00:00+01:00"),
            session("0002", "2026-10-29T18:00:00Z", "2026-10-29T18:00:00+00:00"),
            session("0003", "2026-11-05T18:00:00Z", "2026-11-05T18:00:00+00:00"),
        ],
    });
    check(
        &updated(before, after),
        &[("sessions.scheduled", "2026-09-20T12:00:07Z", data)],
    );
}

/// The rules of the time zone have changed since the sessions were put: the timetable has other dates now, and the clock on the wall shows
/// another time.
#[test]
fn sessions_are_told_as_they_were_put_whatever_the_timetable_says_today() {
    let mut sessions = sessions();
    for session in &mut sessions {
        session.session_date = session.session_date.minus(chrono::TimeDelta::hours(1));
        let local = session.original_local_start.expect("its first start");
        let offset = chrono::FixedOffset::east_opt(2 * 3600).expect("in range");
        session.original_local_start =
            Some((local - chrono::TimeDelta::hours(1)).with_timezone(&offset));
    }
    // One was moved before it was told, one has not been read, and one was put by a program that did not keep the local time.
    sessions[0] = after(sessions[0].clone(), "session.reschedule", NOW);
    sessions[1].original_local_start = None;
    sessions.swap(0, 1);
    sessions.truncate(2);
    let change = updated(enrollment(), initialised()).with_sessions(sessions);
    let session = |id: &str, starts_at: &str, local_start: &str| json!({"session_id": id, "starts_at": starts_at, "local_start": local_start, "minutes": 90});
    let data = json!({
        "user_id": "ada", "course_id": "oils", "course_title": "Oil painting", "time_zone": "Europe/London",
        "sessions": [
            session("0001", "2026-10-01T16:00:00Z", "2026-10-01T18:00:00+02:00"),
            session("0002", "2026-10-08T16:00:00Z", "2026-10-08T17:00:00+01:00"),
            session("0003", "2026-10-15T17:00:00Z", "2026-10-15T18:00:00+01:00"),
        ],
    });
    check(
        &change,
        &[("sessions.scheduled", "2026-09-20T12:00:07Z", data)],
    );
}

#[test]
fn a_charge_is_told_with_the_balance_after_it() {
    let when = "2026-10-01T19:00:00Z";
    let data = |charge: i64, balance: i64, remaining: u16, id: &str| {
        json!({"user_id": "ada", "course_id": "oils", "session_id": id, "charge": charge, "currency": "GBP",
            "balance": balance, "sessions_remaining": remaining})
    };
    let attended = charged(initialised(), 1, ChargeKind::Attended, when);
    check(
        &updated(initialised(), attended.clone()),
        &[("session.attended", when, data(3_334, 6_666, 2, "0001"))],
    );
    let skipped = charged(attended.clone(), 2, ChargeKind::Skipped, when);
    check(
        &updated(attended, skipped),
        &[("session.skipped", when, data(3_333, 3_333, 2, "0002"))],
    );
}

#[test]
fn the_last_charge_completes_the_course_with_sessions_that_were_skipped() {
    let last = "2026-10-15T19:00:00Z";
    let complete = charged(two_charged(), 2, ChargeKind::Attended, last);
    let attended = json!({"user_id": "ada", "course_id": "oils", "session_id": "0002", "charge": 3_333, "currency": "GBP",
        "balance": 0, "sessions_remaining": 1});
    let completed = json!({"user_id": "ada", "course_id": "oils", "course_title": "Oil painting", "attended": 2, "skipped": 1,
        "currency": "GBP", "balance": 0});
    check(
        &updated(two_charged(), complete),
        &[
            ("session.attended", last, attended),
            ("course.completed", last, completed),
        ],
    );
}

#[test]
fn a_completion_is_told_the_same_whichever_charge_was_made_last() {
    let (one, two, three) = (
        "2026-10-01T19:00:00Z",
        "2026-10-08T19:00:00Z",
        "2026-10-15T19:00:00Z",
    );
    let charge = |enrollment, ordinal: u16| {
        charged(
            enrollment,
            ordinal,
            ChargeKind::Attended,
            [one, two, three][usize::from(ordinal) - 1],
        )
    };
    let completed = |order: [u16; 3]| {
        let before = charge(charge(initialised(), order[0]), order[1]);
        told(&updated(before.clone(), charge(before, order[2])))
            .pop()
            .expect("two are told")
    };
    let expected = completed([1, 2, 3]);
    assert_eq!(
        (expected.name(), expected.event().time),
        ("course.completed", at(three))
    );
    for order in [[3, 2, 1], [2, 3, 1], [1, 3, 2]] {
        assert_eq!(completed(order), expected, "{order:?}");
    }
    let all = charge(charge(charge(initialised(), 2), 3), 1);
    assert_eq!(told(&updated(initialised(), all)).pop(), Some(expected));
}

#[test]
fn charges_that_a_sweep_tells_together_each_have_the_balance_after_them() {
    let all = charged(
        two_charged(),
        2,
        ChargeKind::Attended,
        "2026-10-15T19:00:00Z",
    );
    let told: Vec<_> = told(&updated(initialised(), all))
        .iter()
        .map(|notification| {
            let data = &notification.event().data;
            (
                notification.name(),
                data["session_id"].clone(),
                data["balance"].clone(),
                data["sessions_remaining"].clone(),
            )
        })
        .collect();
    let line = |name, id: &str, balance: u64, remaining: u64| {
        (name, json!(id), json!(balance), json!(remaining))
    };
    assert_eq!(
        told,
        [
            line("session.skipped", "0003", 6_667, 3),
            line("session.attended", "0001", 3_333, 2),
            line("session.attended", "0002", 0, 1),
            ("course.completed", json!(null), json!(0), json!(null)),
        ]
    );
}

#[test]
fn a_move_is_told_with_both_dates_and_the_calendars_sequence() {
    let data = json!({"user_id": "ada", "course_id": "oils", "session_id": "0001", "old_date": "2026-10-01T17:00:00Z",
        "new_date": "2026-10-02T17:00:00Z", "sequence": 1});
    check(
        &moved(first_session(), NOW),
        &[("session.rescheduled", NOW, data)],
    );
}

#[test]
fn a_second_move_is_told_with_the_date_before_it() {
    let once = after(first_session(), "session.reschedule", NOW);
    let before = Session {
        reschedulable: true,
        session_date: at("2026-10-04T17:00:00Z"),
        ..once
    };
    let told = told(&moved(before, NOW)).pop().expect("it is told");
    let event = told.event();
    assert_eq!(event.data["old_date"], "2026-10-04T17:00:00Z");
    assert_eq!(event.data["sequence"], 2);
}

/// Changes that are alike, each but for one thing, and each told by one notification.
fn happenings() -> Vec<Change> {
    let later = "2029-09-20T12:00:00Z";
    let first = charged(initialised(), 1, ChargeKind::Attended, NOW);
    let years_later = Enrollment {
        paid_date: at(later),
        ..initialised()
    };
    let session_of = |user: &str, course: &str| Session {
        user_id: id(user),
        course_id: id(course),
        ..first_session()
    };
    vec![
        applied(),
        Change::Applied(Box::new(Application {
            applied_date: at(later),
            ..application()
        })),
        Change::Applied(Box::new(Application {
            user_id: id("adao"),
            course_id: id("ils"),
            ..application()
        })),
        enrolled(enrollment()),
        enrolled(Enrollment {
            paid_date: at(later),
            ..enrollment()
        }),
        enrolled(Enrollment {
            course_id: id("inks"),
            ..enrollment()
        }),
        updated(enrollment(), initialised()),
        updated(
            Enrollment {
                paid_date: at(later),
                ..enrollment()
            },
            years_later.clone(),
        ),
        updated(initialised(), first.clone()),
        updated(
            years_later.clone(),
            charged(years_later, 1, ChargeKind::Attended, NOW),
        ),
        updated(
            first.clone(),
            charged(first.clone(), 2, ChargeKind::Attended, NOW),
        ),
        updated(first.clone(), charged(first, 3, ChargeKind::Skipped, NOW)),
        moved(session_of("ada", "oils"), NOW),
        moved(session_of("ada", "oils"), "2026-09-20T12:00:01Z"),
        moved(
            Session {
                session_id: id("0002"),
                ..session_of("ada", "oils")
            },
            NOW,
        ),
        moved(session_of("bob", "oils"), NOW),
        moved(session_of("ada", "inks"), NOW),
    ]
}

#[test]
fn a_happening_has_one_id_and_another_happening_has_another() {
    let happenings = happenings();
    let ids = |happening: &Change| {
        told(happening)
            .iter()
            .map(|told| told.id().clone())
            .collect::<Vec<_>>()
    };
    let all: Vec<_> = happenings.iter().flat_map(ids).collect();
    assert_eq!(all, happenings.iter().flat_map(ids).collect::<Vec<_>>());
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
    assert_eq!(all.len(), happenings.len());
}

#[test]
fn ids_stay_the_same_from_release_to_release() {
    let ids: Vec<_> = [
        applied(),
        enrolled(enrollment()),
        moved(first_session(), NOW),
    ]
    .iter()
    .flat_map(told)
    .map(|notification| notification.id().to_string())
    .collect();
    assert_eq!(
        ids,
        [
            "29188c3c8bd6edd28ab96f32fe138dbc",
            "b19f9c7758f53121825439578201834c",
            "f4efa915dbaf67e0bcefbbb940ada309"
        ]
    );
}

#[test]
fn a_free_course_is_told_like_any_other() {
    let free = |enrollment: Enrollment| Enrollment {
        cost: value(0_i64),
        balance: value(0_i64),
        ..enrollment
    };
    let before = free(initialised());
    let events = told(&updated(
        before.clone(),
        charged(before, 1, ChargeKind::Skipped, NOW),
    ));
    assert_eq!(events[0].event().data["charge"], 0);
    assert_eq!(events.len(), 1);
}
