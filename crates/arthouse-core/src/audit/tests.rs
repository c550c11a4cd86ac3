use serde_json::json;

use crate::samples::{
    NOW, after, application, at, command, enrollment, id, initialised, sessions, value,
};
use crate::{
    Application, Charge, ChargeId, ChargeKind, Enrollment, Invariant, Outcome, PayloadHash,
    Receipt, Session, SessionId, audit, audit_receipt, initial_sessions, off_timetable,
    stray_session,
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
fn a_session_of_nobodys_enrolment_is_a_violation() {
    let found = stray_session(&id("ada"), &id("oils"), &id("0001"));
    let expected = "invariant 5 violated: ada/oils/0001: the session belongs to no enrolment";
    assert_eq!(found.to_string(), expected);
}

/// A receipt has these things wrong, each of them with invariant 6.
#[track_caller]
fn check_receipt(outcome: Outcome, hash: &str, lifetime_days: Option<i64>, expected: &[&str]) {
    let receipt = Receipt {
        outcome,
        payload_hash: PayloadHash::from_stored(hash.to_owned()),
        ..Receipt::new(
            &command("session.attend", json!({})),
            Outcome::Applied,
            at(NOW),
        )
    };
    let expires_at = lifetime_days.map(|days| at(NOW).unix_seconds() + days * 24 * 60 * 60);
    let found = audit_receipt(&receipt, expires_at);
    let details: Vec<_> = found.iter().map(|found| found.detail.as_str()).collect();
    assert_eq!(details, expected);
    for violation in found {
        assert_eq!(
            (violation.invariant.number(), violation.pending),
            (6, false)
        );
        let subject = "command /website cmd-1";
        assert_eq!(violation.subject.to_string(), subject);
    }
}

#[test]
fn a_receipt_has_one_outcome_a_digest_and_ninety_days() {
    let hash = "0123456789abcdef".repeat(4);
    let rejected = |code: &str| Outcome::Rejected {
        code: code.to_owned(),
        message: String::new(),
    };
    check_receipt(Outcome::Applied, &hash, Some(90), &[]);
    check_receipt(Outcome::Applied, &hash, Some(91), &[]);
    check_receipt(Outcome::Applied, &hash, None, &[]);
    check_receipt(rejected("TOO_LATE"), &hash, Some(90), &[]);
    for code in ["", "too late"] {
        let expected = "it was rejected without a code";
        check_receipt(rejected(code), &hash, Some(90), &[expected]);
    }
    let expected = "its payload hash is no digest, so that no duplicate is known";
    for bad in ["", "0123", &"x".repeat(64)] {
        check_receipt(Outcome::Applied, bad, Some(90), &[expected]);
    }
    let receipt = Receipt::new(
        &command("session.attend", json!({})),
        Outcome::Applied,
        at(NOW),
    );
    assert_eq!(audit_receipt(&receipt, None), []);
    let payload_hash = receipt.payload_hash.clone();
    let receipt = Receipt {
        payload_hash: payload_hash.with_meaning(Some("x".repeat(32))),
        ..receipt
    };
    assert_eq!(audit_receipt(&receipt, None)[0].detail, expected);
    let expected = "it is forgotten 86400 s before a duplicate can come no more";
    check_receipt(Outcome::Applied, &hash, Some(89), &[expected]);
}

#[test]
fn what_is_pending_says_since_when() {
    let not_yet = but(|enrollment, _| {
        enrollment.charges.remove(&charge_id(1));
        (enrollment.balance, enrollment.sessions_remaining) = (value(6_667), 3);
    });
    let uninitialised = Records {
        enrollment: Some(enrollment()),
        ..Records::default()
    };
    for (records, subject) in [(not_yet, "ada/oils/0001"), (uninitialised, "ada/oils")] {
        let enrollment = records.enrollment.as_ref();
        let found = audit(&id("ada"), &id("oils"), None, enrollment, &records.sessions);
        let [found] = &found[..] else {
            panic!("{found:?}");
        };
        assert_eq!(found.subject.to_string(), subject);
        assert_eq!(found.since, Some(at(NOW)));
    }
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
    let numbers = Invariant::ALL.map(Invariant::number);
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6, 8, 9]);
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

/// As after a change of the rules of London: the second session was written when 18:00 was 16:00 in UTC.
#[test]
fn a_session_whose_time_is_not_the_timetables_is_named_and_violates_nothing() {
    let mut records = Records {
        enrollment: Some(initialised()),
        sessions: sessions(),
        ..Records::default()
    };
    let off = |records: &Records| {
        let enrollment = records.enrollment.as_ref().expect("an enrolment");
        off_timetable(enrollment, &records.sessions)
    };
    assert_eq!(off(&records), []);
    records.sessions[1].session_date = at("2026-10-08T16:00:00Z");
    check(&records, &[]);
    let found = off(&records);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].subject.to_string(), "ada/oils/0002");
    assert_eq!(
        found[0].date.local.to_rfc3339(),
        "2026-10-08T17:00:00+01:00"
    );
    let timetable = found[0].timetable.expect("a date");
    assert_eq!(timetable.local.to_rfc3339(), "2026-10-08T18:00:00+01:00");
    // A later date of the timetable is on it.
    records.sessions[1].session_date = at("2026-11-05T18:00:00Z");
    assert_eq!(off(&records), []);
    // What was attended or moved has no say.
    let mut busy = busy();
    busy.sessions[0].session_date = at("2026-10-01T16:00:00Z");
    assert_eq!(off(&busy), []);
}
