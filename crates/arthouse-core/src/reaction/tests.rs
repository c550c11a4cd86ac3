use crate::samples::{
    NOW, after, application, at, enrollment, first_session, id, initialised, value,
};
use crate::{
    Change, Charge, ChargeId, ChargeKind, Enrollment, Reaction, Session, SessionStatus, react,
};

/// What is to be done, in short; of a notification its name.
fn in_short(reaction: &Reaction) -> String {
    match reaction {
        Reaction::InitialiseSessions(enrollment) => format!("initialise {}", enrollment.user_id),
        Reaction::Charge {
            user_id,
            course_id,
            charge_id,
            charge,
        } => {
            format!(
                "charge {user_id}/{course_id} {charge_id} {} {:?} {}",
                charge.amount, charge.kind, charge.at
            )
        }
        Reaction::Notify(notification) => format!("notify {}", notification.name()),
    }
}

#[track_caller]
fn check(change: &Change, expected: &[&str]) {
    let reactions: Vec<_> = react(change).iter().map(in_short).collect();
    assert_eq!(reactions, expected);
    assert_eq!(react(change), react(&change.clone()));
}

fn session_updated(before: Session, after: Session) -> Change {
    Change::SessionUpdated {
        before: Box::new(before),
        after: Box::new(after),
    }
}

fn enrollment_updated(before: Enrollment, after: Enrollment) -> Change {
    Change::EnrollmentUpdated {
        before: Box::new(before),
        after: Box::new(after),
        sessions: Vec::new(),
    }
}

#[test]
fn an_application_is_told() {
    check(
        &Change::Applied(Box::new(application())),
        &["notify application.received"],
    );
}

#[test]
fn an_enrolment_is_told_and_gets_its_sessions() {
    let change = Change::Enrolled(Box::new(enrollment()));
    check(&change, &["notify payment.confirmed", "initialise ada"]);
    assert!(react(&change).contains(&Reaction::InitialiseSessions(Box::new(enrollment()))));
}

#[test]
fn sessions_that_are_all_there_are_told_once() {
    check(
        &enrollment_updated(enrollment(), initialised()),
        &["notify sessions.scheduled"],
    );
    let touched = Enrollment {
        version: 3,
        ..initialised()
    };
    check(&enrollment_updated(initialised(), touched), &[]);
}

#[test]
fn an_attended_or_skipped_session_is_charged_at_its_cost() {
    for (event_type, kind) in [("session.attend", "Attended"), ("session.skip", "Skipped")] {
        let change = session_updated(first_session(), after(first_session(), event_type, NOW));
        check(
            &change,
            &[&format!("charge ada/oils 0001#1 3334 {kind} {NOW}")],
        );
    }
}

#[test]
fn a_session_that_is_over_is_not_charged_by_later_changes() {
    let attended = after(first_session(), "session.attend", NOW);
    let skipped = Session {
        status: SessionStatus::Skipped,
        ..attended.clone()
    };
    let touched = Session {
        version: 3,
        ..attended.clone()
    };
    check(&session_updated(attended.clone(), touched), &[]);
    check(&session_updated(attended, skipped), &[]);
}

#[test]
fn a_session_that_is_over_is_charged_even_if_nobody_noted_when() {
    let attended = Session {
        status_changed_at: None,
        ..after(first_session(), "session.attend", NOW)
    };
    check(
        &session_updated(first_session(), attended),
        &["charge ada/oils 0001#1 3334 Attended 2026-10-01T17:00:00Z"],
    );
}

#[test]
fn a_moved_session_is_told_and_costs_nothing() {
    let moved = after(first_session(), "session.reschedule", NOW);
    check(
        &session_updated(first_session(), moved.clone()),
        &["notify session.rescheduled"],
    );
    let attended = after(moved.clone(), "session.attend", NOW);
    check(
        &session_updated(moved, attended),
        &[&format!("charge ada/oils 0001#1 3334 Attended {NOW}")],
    );
}

#[test]
fn what_a_sweep_finds_moved_and_attended_is_told_and_charged() {
    let moved = after(first_session(), "session.reschedule", NOW);
    let attended = after(moved, "session.attend", NOW);
    let charge = format!("charge ada/oils 0001#1 3334 Attended {NOW}");
    check(
        &session_updated(first_session(), attended),
        &[&charge, "notify session.rescheduled"],
    );
}

fn charged(charges: &[(&str, ChargeKind)]) -> Enrollment {
    let line = |(session, kind): &(&str, ChargeKind)| {
        (
            ChargeId::of_session(id(session)),
            Charge {
                amount: value(3_333),
                kind: *kind,
                at: at(NOW),
            },
        )
    };
    Enrollment {
        charges: charges.iter().map(line).collect(),
        ..initialised()
    }
}

#[test]
fn a_charge_that_was_added_is_told_and_the_last_one_completes_the_course() {
    use ChargeKind::{Attended, Skipped};
    let (one, two) = (
        charged(&[("0002", Attended)]),
        charged(&[("0002", Attended), ("0001", Skipped)]),
    );
    let all = charged(&[("0001", Skipped), ("0002", Attended), ("0003", Skipped)]);
    check(
        &enrollment_updated(initialised(), one.clone()),
        &["notify session.attended"],
    );
    check(
        &enrollment_updated(one, two.clone()),
        &["notify session.skipped"],
    );
    check(
        &enrollment_updated(two, all.clone()),
        &["notify session.skipped", "notify course.completed"],
    );
    let touched = Enrollment {
        version: 9,
        ..all.clone()
    };
    check(&enrollment_updated(all, touched), &[]);
}

#[test]
fn one_change_may_call_for_several_reactions() {
    let attended = charged(&[("0001", ChargeKind::Attended)]);
    check(
        &enrollment_updated(enrollment(), attended),
        &["notify sessions.scheduled", "notify session.attended"],
    );
}
