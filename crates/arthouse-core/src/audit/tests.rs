use crate::samples::{NOW, after, application, at, enrollment, id, initialised, sessions, value};
use crate::{
    Application, Charge, ChargeId, ChargeKind, Enrollment, Invariant, Session, SessionId, audit,
    initial_sessions, stray_sessions,
};

/// A student's records in one course.
#[derive(Default)]
struct Records {
    application: Option<Application>,
    enrollment: Option<Enrollment>,
    sessions: Vec<Session>,
}

/// The records show these violations: the invariant's number and whether it may be a reaction under way.
#[track_caller]
fn check(records: &Records, expected: &[(u8, bool)]) {
    let (application, enrollment) = (records.application.as_ref(), records.enrollment.as_ref());
    let violations = audit(
        &id("ada"),
        &id("oils"),
        application,
        enrollment,
        &records.sessions,
    );
    let found: Vec<_> = violations
        .iter()
        .map(|found| (found.invariant.number(), found.pending))
        .collect();
    assert_eq!(found, expected, "{violations:?}");
}

/// Ada has attended the first session, skipped the second and moved the third.
fn busy() -> Records {
    let mut all = sessions();
    all[0] = after(all[0].clone(), "session.attend", NOW);
    all[1] = after(all[1].clone(), "session.skip", NOW);
    all[2] = after(all[2].clone(), "session.reschedule", NOW);
    let charge = |amount: i64, kind| Charge {
        amount: value(amount),
        kind,
        at: at(NOW),
    };
    let charges = [
        (1, charge(3_334, ChargeKind::Attended)),
        (2, charge(3_333, ChargeKind::Skipped)),
    ];
    let enrollment = Enrollment {
        charges: charges.map(|(n, charge)| (charge_id(n), charge)).into(),
        balance: value(3_333),
        sessions_remaining: 2,
        version: 4,
        ..initialised()
    };
    Records {
        application: None,
        enrollment: Some(enrollment),
        sessions: all,
    }
}

fn charge_id(ordinal: u16) -> ChargeId {
    ChargeId::of_session(SessionId::from_ordinal(ordinal))
}

/// The busy records with something changed.
fn but(change: impl FnOnce(&mut Enrollment, &mut Vec<Session>)) -> Records {
    let mut records = busy();
    let mut enrollment = records.enrollment.take().expect("enrolled");
    change(&mut enrollment, &mut records.sessions);
    Records {
        enrollment: Some(enrollment),
        ..records
    }
}

#[test]
fn a_healthy_life_is_clean_at_each_step() {
    check(&Records::default(), &[]);
    check(
        &Records {
            application: Some(application()),
            ..Records::default()
        },
        &[],
    );
    check(
        &Records {
            enrollment: Some(initialised()),
            sessions: sessions(),
            application: None,
        },
        &[],
    );
    check(&busy(), &[]);
}

#[test]
fn sessions_that_are_being_written_are_pending() {
    for written in 0..3 {
        let sessions = sessions()[..written].to_vec();
        check(
            &Records {
                enrollment: Some(enrollment()),
                sessions,
                application: None,
            },
            &[(5, true)],
        );
    }
    check(
        &Records {
            enrollment: Some(enrollment()),
            sessions: sessions(),
            application: None,
        },
        &[],
    );
}

#[test]
fn a_charge_that_is_under_way_is_pending() {
    let not_yet = but(|enrollment, _| {
        enrollment.charges.remove(&charge_id(1));
        (enrollment.balance, enrollment.sessions_remaining) = (value(6_667), 3);
    });
    check(&not_yet, &[(2, true)]);
}

#[test]
fn a_balance_is_the_cost_less_the_charges() {
    for balance in [0_i64, 3_332, 3_334, 10_000] {
        check(
            &but(|enrollment, _| enrollment.balance = value(balance)),
            &[(1, false)],
        );
    }
}

#[test]
fn charges_beyond_the_cost_are_found() {
    let beyond = but(|enrollment, sessions| {
        enrollment
            .charges
            .get_mut(&charge_id(1))
            .expect("a charge")
            .amount = value(9_999);
        enrollment.balance = value(0);
        sessions[0].cost = value(9_999);
    });
    check(&beyond, &[(1, false), (5, false)]);
}

#[test]
fn a_scheduled_session_has_no_charge() {
    let early = but(|enrollment, _| {
        let charge = Charge {
            amount: value(3_333),
            kind: ChargeKind::Skipped,
            at: at(NOW),
        };
        enrollment.charges.insert(charge_id(3), charge);
        enrollment.balance = value(0);
    });
    check(&early, &[(2, false)]);
}

#[test]
fn a_charge_is_of_its_sessions_cost_and_kind() {
    let other_amount = but(|enrollment, _| {
        enrollment
            .charges
            .get_mut(&charge_id(2))
            .expect("a charge")
            .amount = value(3_332);
        enrollment.balance = value(3_334);
    });
    check(&other_amount, &[(2, false)]);
    let other_kind = but(|enrollment, _| {
        enrollment
            .charges
            .get_mut(&charge_id(2))
            .expect("a charge")
            .kind = ChargeKind::Attended;
        enrollment.sessions_remaining = 1;
    });
    check(&other_kind, &[(2, false)]);
}

#[test]
fn a_second_charge_of_a_session_is_found() {
    let twice = but(|enrollment, _| {
        let charge = enrollment.charges[&charge_id(2)];
        enrollment
            .charges
            .insert("0002#2".parse().expect("a charge id"), charge);
        enrollment.balance = value(0);
    });
    check(&twice, &[(2, false)]);
}

#[test]
fn a_charge_for_no_session_is_found() {
    let stranger = but(|enrollment, _| {
        let charge = enrollment.charges[&charge_id(2)];
        enrollment.charges.insert(charge_id(9), charge);
        enrollment.balance = value(0);
    });
    check(&stranger, &[(2, false)]);
}

#[test]
fn the_sessions_remaining_are_those_not_attended() {
    for remaining in [0, 1, 3, 65_535] {
        check(
            &but(|enrollment, _| enrollment.sessions_remaining = remaining),
            &[(3, false)],
        );
    }
}

#[test]
fn nobody_is_both_applied_and_paid() {
    check(
        &Records {
            application: Some(application()),
            ..busy()
        },
        &[(4, false)],
    );
}

#[test]
fn an_initialised_enrolment_misses_no_session() {
    check(&but(|_, sessions| drop(sessions.pop())), &[(5, false)]);
}

#[test]
fn an_enrolment_has_no_session_too_many() {
    for stranger in ["0004", "first", "0000"] {
        let too_many = but(|_, sessions| {
            let session = Session {
                session_id: id(stranger),
                ..sessions[2].clone()
            };
            sessions.push(session);
        });
        check(&too_many, &[(5, false)]);
    }
}

#[test]
fn the_sessions_costs_sum_to_the_cost() {
    check(
        &but(|_, sessions| sessions[2].cost = value(3_334)),
        &[(5, false)],
    );
    check(
        &but(|_, sessions| sessions[2].currency = id("EUR")),
        &[(5, false)],
    );
}

#[test]
fn an_unpaid_enrolment_has_no_sessions() {
    check(
        &Records {
            sessions: sessions(),
            ..Records::default()
        },
        &[(5, false)],
    );
    let applied = Records {
        application: Some(application()),
        sessions: sessions(),
        enrollment: None,
    };
    check(&applied, &[(5, false)]);
}

#[test]
fn sessions_of_nobodys_enrolment_are_one_violation() {
    let strays = [id("0001"), id("0002")];
    let found = stray_sessions(&id("ada"), &id("oils"), &strays).expect("strays");
    let expected = "invariant 5 violated: ada/oils: 2 sessions of no enrolment, the first 0001";
    assert_eq!(found.to_string(), expected);
    assert_eq!(stray_sessions(&id("ada"), &id("oils"), &[]), None);
}

#[test]
fn a_violation_says_whose_and_what() {
    let records = but(|enrollment, _| enrollment.balance = value(1));
    let found = audit(
        &id("ada"),
        &id("oils"),
        None,
        records.enrollment.as_ref(),
        &records.sessions,
    );
    assert_eq!(
        found[0].to_string(),
        "invariant 1 violated: ada/oils: balance 1, but cost 10000 less charges 6667"
    );
    let found = audit(&id("ada"), &id("oils"), None, Some(&enrollment()), &[]);
    assert_eq!(
        found[0].to_string(),
        "invariant 5 not settled: ada/oils: 3 sessions missing, the first 0001"
    );
}

#[test]
fn the_numbers_are_those_of_the_list() {
    use Invariant::{
        AppliedOrPaid, Balance, OneCharge, PaymentStatus, RescheduleDate, Sessions,
        SessionsRemaining,
    };
    let all = [
        Balance,
        OneCharge,
        SessionsRemaining,
        AppliedOrPaid,
        Sessions,
        PaymentStatus,
        RescheduleDate,
    ];
    assert_eq!(all.map(Invariant::number), [1, 2, 3, 4, 5, 8, 9]);
}

#[test]
fn a_course_of_500_sessions_is_audited() {
    let long = Enrollment {
        duration: value(500_i64),
        sessions_remaining: 500,
        ..initialised()
    };
    let sessions = initial_sessions(&long).expect("endless");
    check(
        &Records {
            enrollment: Some(long),
            sessions,
            application: None,
        },
        &[],
    );
}
