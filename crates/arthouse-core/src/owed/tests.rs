use crate::samples::{NOW, after, application, at, enrollment, id, initialised, sessions, value};
use crate::{
    Application, Charge, ChargeId, ChargeKind, Enrollment, Notification, Reaction, Session,
    SessionId, owed,
};

/// The records call for these writes, and for notifications of these names.
#[track_caller]
fn check(
    application: Option<&Application>,
    enrollment: Option<&Enrollment>,
    sessions: &[Session],
    repairs: &[&str],
    notifications: &[&str],
) {
    let owed = owed(application, enrollment, sessions);
    let repair = |reaction: &Reaction| match reaction {
        Reaction::InitialiseSessions(_) => "initialise".to_owned(),
        Reaction::Charge {
            charge_id, charge, ..
        } => format!("charge {charge_id} {} {:?}", charge.amount, charge.kind),
        Reaction::Notify(notification) => panic!("{notification:?} is no write"),
    };
    let found: Vec<_> = owed.repairs.iter().map(repair).collect();
    assert_eq!(found, repairs);
    let names: Vec<_> = owed.notifications.iter().map(Notification::name).collect();
    assert_eq!(names, notifications);
}

fn attended() -> Session {
    after(sessions().swap_remove(0), "session.attend", NOW)
}

#[test]
fn an_application_owes_its_notification() {
    let told = ["application.received"];
    check(Some(&application()), None, &[], &[], &told);
}

#[test]
fn an_enrolment_without_its_sessions_owes_them() {
    let told = ["payment.confirmed"];
    let some = &sessions()[..1];
    for written in [&[], some, &sessions()[..]] {
        check(None, Some(&enrollment()), written, &["initialise"], &told);
    }
}

#[test]
fn an_initialised_enrolment_owes_no_session_even_if_one_was_taken_away() {
    let told = ["payment.confirmed", "sessions.scheduled"];
    check(None, Some(&initialised()), &sessions()[1..], &[], &told);
}

#[test]
fn an_attended_session_owes_its_charge_and_the_charge_its_notification() {
    let told = ["payment.confirmed", "sessions.scheduled"];
    let charge = ["charge 0001#1 3334 Attended"];
    check(None, Some(&initialised()), &[attended()], &charge, &told);

    let line = Charge {
        amount: value(3_334),
        kind: ChargeKind::Attended,
        at: at(NOW),
    };
    let charged = Enrollment {
        charges: [(ChargeId::of_session(SessionId::from_ordinal(1)), line)].into(),
        balance: value(6_666),
        sessions_remaining: 2,
        ..initialised()
    };
    let told = [&told[..], &["session.attended"]].concat();
    check(None, Some(&charged), &[attended()], &[], &told);
}

#[test]
fn a_moved_session_owes_its_notification_with_the_date_that_it_had() {
    let moved = after(sessions().swap_remove(0), "session.reschedule", NOW);
    let owed = owed(None, Some(&initialised()), &[moved]);
    let told = owed.notifications.last().expect("a notification").event();
    let dates = (&told.data["old_date"], &told.data["new_date"]);
    assert_eq!(
        dates,
        (
            &"2026-10-01T17:00:00Z".into(),
            &"2026-10-02T17:00:00Z".into()
        )
    );
}

#[test]
fn sessions_of_no_enrolment_owe_no_charge() {
    let stray = Session {
        user_id: id("bob"),
        ..attended()
    };
    check(None, None, &[stray], &[], &[]);
}
