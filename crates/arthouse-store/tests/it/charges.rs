use arthouse_core::{Charge, ChargeId, ChargeKind, SessionId};
use arthouse_store::{StoreError, Table, WriteResult};

use crate::commands::{attend, id};
use crate::school::{Item, School, enrollment_key, s};

fn charge(amount: i64, kind: ChargeKind) -> Charge {
    Charge {
        amount: amount.try_into().expect("in range"),
        kind,
        at: id("2026-10-01T18:30:00Z"),
    }
}

async fn make(school: &School, ordinal: u16, charge: &Charge) -> Result<WriteResult, StoreError> {
    let charge_id = ChargeId::of_session(SessionId::from_ordinal(ordinal));
    school
        .store
        .charge(&id("ada"), &id("oils"), &charge_id, charge)
        .await
}

#[tokio::test]
async fn an_attended_session_takes_balance_and_a_session_and_a_skipped_one_takes_balance_only() {
    let school = School::with_ada(3).await;
    for (ordinal, amount, kind, balance, remaining) in [
        (1, 3_334, ChargeKind::Attended, 6_666, 2),
        (2, 3_333, ChargeKind::Skipped, 3_333, 2),
        (3, 3_333, ChargeKind::Attended, 0, 1),
    ] {
        let charge = charge(amount, kind);
        assert_eq!(
            make(&school, ordinal, &charge).await.expect("it is made"),
            WriteResult::Made
        );
        let enrollment = school.enrollment("ada").await;
        assert_eq!(i64::from(enrollment.balance), balance);
        assert_eq!(enrollment.sessions_remaining, remaining);
        let charge_id = ChargeId::of_session(SessionId::from_ordinal(ordinal));
        assert_eq!(enrollment.charges.get(&charge_id), Some(&charge));
        assert_eq!(
            enrollment.cost.checked_sub(enrollment.charged()),
            Some(enrollment.balance)
        );
        // 1 is the payment, 2 the note that the sessions are there.
        assert_eq!(enrollment.version, 2 + u64::from(ordinal));
    }
}

#[tokio::test]
async fn a_charge_that_is_replayed_however_late_is_not_made_again() {
    let school = School::with_ada(3).await;
    let first = charge(3_334, ChargeKind::Attended);
    make(&school, 1, &first).await.expect("it is made");
    make(&school, 2, &charge(3_333, ChargeKind::Skipped))
        .await
        .expect("it is made");
    make(&school, 3, &charge(3_333, ChargeKind::Attended))
        .await
        .expect("it is made");
    let settled = school.enrollment("ada").await;
    // Neither the balance, which is used up, nor another amount makes a difference.
    for replay in [
        first,
        charge(0, ChargeKind::Skipped),
        charge(1, ChargeKind::Attended),
    ] {
        let again = make(&school, 1, &replay).await.expect("an answer");
        assert_eq!(again, WriteResult::MadeBefore);
    }
    assert_eq!(school.enrollment("ada").await, settled);
}

#[tokio::test]
async fn a_charge_above_the_balance_or_the_sessions_is_an_error_and_changes_nothing() {
    let school = School::with_ada(1).await;
    let before = school.enrollment("ada").await;
    let check = |result: Result<WriteResult, StoreError>, id: &str, lacking: &str| match result {
        Err(StoreError::Overdrawn {
            charge_id,
            enrollment,
            attribute,
        }) => {
            assert_eq!(
                (charge_id.as_str(), enrollment, attribute),
                (id, enrollment_key("ada").to_string(), lacking)
            );
        }
        other => panic!("{other:?}"),
    };
    check(
        make(&school, 1, &charge(10_001, ChargeKind::Skipped)).await,
        "0001#1",
        "Balance",
    );
    assert_eq!(school.enrollment("ada").await, before);
    make(&school, 1, &charge(4_000, ChargeKind::Attended))
        .await
        .expect("it is made");
    let before = school.enrollment("ada").await;
    check(
        make(&school, 2, &charge(1, ChargeKind::Attended)).await,
        "0002#1",
        "SessionsRemaining",
    );
    assert_eq!(school.enrollment("ada").await, before);
}

#[tokio::test]
async fn a_charge_of_an_enrolment_that_can_not_be_read_names_the_attribute() {
    let school = School::with_ada(3).await;
    let text =
        |name: &'static str| move |item: &mut Item| drop(item.insert(name.to_owned(), s("7")));
    for (name, problem) in [
        ("Balance", "Balance is a text: must be a whole number"),
        (
            "SessionsRemaining",
            "SessionsRemaining is a text: must be a whole number, 0 or more",
        ),
        ("Charges", "Charges is a text: must be a map"),
        (
            "Version",
            "Version is a text: must be a whole number, 0 or more",
        ),
    ] {
        let key = enrollment_key("ada");
        let whole = school.item(Table::UsersCourses, key.attributes()).await;
        school.rewrite(&key, text(name)).await;
        let charge = charge(3_334, ChargeKind::Attended);
        let error = make(&school, 1, &charge).await.expect_err(name);
        assert_eq!(
            error.to_string(),
            format!(
                "UsersCourses USER#ada COURSE#oils#PAID can't be read: enrolment: {problem}; correct it in the table"
            )
        );
        school.put(Table::UsersCourses, whole.expect("ada's")).await;
    }
}

#[tokio::test]
async fn a_charge_without_an_enrolment_is_an_error() {
    let school = School::with_course(3).await;
    let result = make(&school, 1, &charge(1, ChargeKind::Attended)).await;
    match result {
        Err(StoreError::EnrollmentMissing(key)) => {
            assert_eq!(key, enrollment_key("ada").to_string())
        }
        other => panic!("{other:?}"),
    }
    // Nothing was put in its place either.
    let state = school.state(&attend("see", "ada", "0001")).await;
    assert_eq!(state.enrollment, None);
}
