//! The costs that the README lists ("Costs"), counted.

use arthouse_core::{Charge, ChargeId, ChargeKind, SessionId};
use arthouse_store::WriteResult;

use crate::commands::{apply, attend, confirm, id, now, reschedule, skip};
use crate::counter::{Counts, requests};
use crate::school::School;

#[tokio::test]
async fn a_session_command_costs_one_transaction_of_4_write_units_and_a_load() {
    let school = School::with_ada(3).await;
    for command in [attend("attend", "ada", "0001"), skip("skip", "ada", "0002")] {
        school.counter.take();
        school.carry_out(&command).await;
        let expected = Counts {
            requests: requests([("BatchGetItem", 1), ("TransactWriteItems", 1)]),
            write_units: 4.0,
        };
        assert_eq!(
            school.counter.take(),
            expected,
            "{:?}",
            command.action.command_type()
        );
    }
}

#[tokio::test]
async fn an_application_and_its_payment_cost_7_write_units_and_a_load_of_5_items_each() {
    let school = School::with_course(3).await;
    for command in [apply("apply", "ada"), confirm("confirm", "ada", "ref-1")] {
        school.counter.take();
        school.carry_out(&command).await;
        // Six for three items in a transaction, and one for the index of applications that wait.
        let expected = Counts {
            requests: requests([("TransactGetItems", 1), ("TransactWriteItems", 1)]),
            write_units: 7.0,
        };
        assert_eq!(
            school.counter.take(),
            expected,
            "{:?}",
            command.action.command_type()
        );
    }
}

#[tokio::test]
async fn a_move_costs_the_same_transaction_and_the_load_of_the_whole_timetable() {
    for (duration, batches) in [(3, 1), (100, 1), (101, 2)] {
        let school = School::with_ada(duration).await;
        school.counter.take();
        school.carry_out(&reschedule("move", "ada", "0003")).await;
        let reads = [("GetItem", 1), ("BatchGetItem", batches)];
        let expected = Counts {
            requests: requests([reads[0], reads[1], ("TransactWriteItems", 1)]),
            write_units: 4.0,
        };
        assert_eq!(school.counter.take(), expected, "{duration} sessions");
    }
}

#[tokio::test]
async fn a_charge_costs_one_request_and_on_a_fresh_enrolment_one_write_unit() {
    let school = School::with_ada(3).await;
    school.counter.take();
    let charge = Charge {
        amount: 3_334.try_into().expect("in range"),
        kind: ChargeKind::Attended,
        at: id("2026-10-01T18:30:00Z"),
    };
    let charge_id = ChargeId::of_session(SessionId::from_ordinal(1));
    let (ada, oils) = (id("ada"), id("oils"));
    let make = async || {
        let made = school.store.charge(&ada, &oils, &charge_id, &charge).await;
        made.expect("an answer")
    };
    assert_eq!(make().await, WriteResult::Made);
    let one_unit = Counts {
        requests: requests([("UpdateItem", 1)]),
        write_units: 1.0,
    };
    assert_eq!(school.counter.take(), one_unit);
    // A replay is told from the answer, without a read.
    assert_eq!(make().await, WriteResult::MadeBefore);
    assert_eq!(
        school.counter.take().requests,
        requests([("UpdateItem", 1)])
    );
}

#[tokio::test]
async fn initialising_costs_a_write_unit_for_each_session_and_one_more() {
    let school = School::with_course(12).await;
    let enrollment = school.pay("ada").await;
    school.counter.take();
    school
        .store
        .initialise_sessions(&enrollment, now())
        .await
        .expect("they are put");
    let expected = Counts {
        requests: requests([("PutItem", 12), ("UpdateItem", 1)]),
        write_units: 13.0,
    };
    assert_eq!(school.counter.take(), expected);

    // To tell of them, they are read once.
    let told = school.store.initialised_sessions(&enrollment).await;
    assert_eq!(told.expect("they read").len(), 12);
    assert_eq!(
        school.counter.take().requests,
        requests([("BatchGetItem", 1)])
    );
}

#[tokio::test]
async fn a_duplicate_costs_no_second_read() {
    let school = School::with_ada(3).await;
    school.carry_out(&attend("cmd", "ada", "0001")).await;
    let again = school.decide(&skip("cmd", "ada", "0002")).await;
    school.counter.take();
    school.commit(&again).await;
    assert_eq!(
        school.counter.take().requests,
        requests([("TransactWriteItems", 1)])
    );
}

#[tokio::test]
async fn one_s_own_records_cost_the_same_however_many_others_there_are() {
    let school = School::with_ada(101).await;
    let reading = async || {
        school.counter.take();
        let records = school.store.student(&id("ada"), &id("oils")).await;
        assert_eq!(records.expect("they read").sessions.len(), 101);
        school.counter.take().requests
    };
    let alone = reading().await;
    assert_eq!(alone, requests([("Query", 1), ("BatchGetItem", 2)]));
    school.enroll("bea").await;
    school.enroll("cleo").await;
    assert_eq!(reading().await, alone);
}
