use arthouse_core::{Command, Outcome, Transition};
use arthouse_store::{Commit, Table};
use serde_json::json;

use crate::commands::{apply, attend, confirm, create, id, reschedule, skip, update};
use crate::school::{School, application_key, course_key, enrollment_key, s, session_key};

/// Checks that what was decided is what the next command finds, beside its receipt.
async fn check_written(school: &School, command: &Command) {
    let decision = school.carry_out(command).await;
    let found = school.state(command).await;
    match decision.transition.clone() {
        Transition::Unchanged => assert_eq!(found, decision.loaded.state),
        Transition::CreateCourse(course) | Transition::UpdateCourse(course) => {
            assert_eq!(found.course, Some(course));
        }
        Transition::Apply(application) => {
            assert_eq!(
                (found.application, found.enrollment),
                (Some(application), None)
            );
        }
        Transition::Enroll { enrollment, .. } => {
            assert_eq!(
                (found.application, found.enrollment),
                (None, Some(*enrollment))
            );
        }
        Transition::UpdateSession(session) => assert_eq!(found.session, Some(session)),
    }
    let receipt = school.receipt_of(command.metadata.id.as_str()).await;
    assert_eq!(receipt.as_ref(), Some(&decision.receipt));
}

#[tokio::test]
async fn every_transition_is_what_the_next_command_finds() {
    let school = School::open().await;
    check_written(&school, &create("1", "oils", 3)).await;
    check_written(
        &school,
        &update("2", json!({"title": "Oils", "payment_link": null})),
    )
    .await;
    check_written(&school, &apply("3", "ada")).await;
    check_written(&school, &confirm("4", "ada", "pay-1")).await;
    check_written(&school, &confirm("5", "ada", "pay-1")).await;
    let enrollment = school.enrollment("ada").await;
    let initialised = school
        .store
        .initialise_sessions(&enrollment, id("2026-09-20T12:00:07Z"))
        .await;
    initialised.expect("the sessions are put");
    check_written(&school, &attend("6", "ada", "0001")).await;
    check_written(&school, &skip("7", "ada", "0002")).await;
    check_written(&school, &reschedule("8", "ada", "0003")).await;
    check_written(&school, &attend("9", "ada", "0003")).await;
}

#[tokio::test]
async fn an_update_leaves_unknown_attributes_alone_and_removes_what_is_gone() {
    let school = School::with_ada(3).await;
    for key in [course_key(), session_key("ada", "0001")] {
        school
            .rewrite(&key, |item| {
                drop(item.insert("FromTheFuture".to_owned(), s("stays")))
            })
            .await;
    }
    school
        .carry_out(&update("update", json!({"payment_link": null})))
        .await;
    school.carry_out(&reschedule("move", "ada", "0001")).await;
    let course = school
        .item(Table::Courses, course_key().attributes())
        .await
        .expect("it is there");
    assert_eq!(course.get("FromTheFuture"), Some(&s("stays")));
    assert_eq!(course.get("PaymentLink"), None);
    let session = school
        .item(Table::Sessions, session_key("ada", "0001").attributes())
        .await
        .expect("it is there");
    assert_eq!(session.get("FromTheFuture"), Some(&s("stays")));
    assert_eq!(
        session.get("RescheduleDate"),
        Some(&s("2026-12-24T17:00:00Z"))
    );
}

/// As after a response that was lost: each of these repeats is the same request for the service.
#[tokio::test]
async fn a_decision_that_is_committed_again_is_committed_once() {
    let school = School::with_ada(3).await;
    for command in [
        attend("attend", "ada", "0001"),
        reschedule("move", "ada", "0002"),
        update("update", json!({"title": "Oils"})),
        apply("apply", "bea"),
        confirm("pay", "bea", "pay-2"),
        create("create-2", "water", 3),
    ] {
        let decision = school.carry_out(&command).await;
        let after = school.state(&command).await;
        for _ in 0..5 {
            assert_eq!(school.commit(&decision).await, Commit::Committed);
        }
        assert_eq!(school.state(&command).await, after);
    }
}

#[tokio::test]
async fn a_duplicate_gets_the_stored_receipt_and_changes_nothing() {
    let school = School::with_ada(3).await;
    let first = school.carry_out(&attend("cmd", "ada", "0001")).await;
    for command in [
        attend("cmd", "ada", "0001"),
        attend("cmd", "ada", "0002"),
        apply("cmd", "bea"),
        update("cmd", json!({"title": "Oils"})),
    ] {
        let before = school.state(&command).await;
        let again = school.decide_at(&command, id("2026-09-20T12:34:56Z")).await;
        let stored = Commit::Duplicate(Box::new(first.receipt.clone()));
        assert_eq!(school.commit(&again).await, stored);
        assert_eq!(school.state(&command).await, before);
    }
    assert_eq!(school.receipt_of("cmd").await, Some(first.receipt));
}

#[tokio::test]
async fn a_version_that_has_moved_commits_nothing_and_keeps_no_receipt() {
    let school = School::with_ada(3).await;
    let late = school.decide(&skip("late", "ada", "0001")).await;
    let late_update = school
        .decide(&update("late", json!({"title": "Late"})))
        .await;
    school.carry_out(&reschedule("early", "ada", "0001")).await;
    school
        .carry_out(&update("early-update", json!({"title": "Early"})))
        .await;
    for decision in [late, late_update] {
        assert_eq!(school.commit(&decision).await, Commit::Moved);
        assert_eq!(school.receipt_of("late").await, None);
    }
    // Decided again on what is there now, under the same id, it goes through.
    school.carry_out(&skip("late", "ada", "0001")).await;
}

#[tokio::test]
async fn an_application_that_was_paid_meanwhile_is_not_put_again() {
    let school = School::with_course(3).await;
    let late = school.decide(&apply("late", "ada")).await;
    school.pay("ada").await;
    assert_eq!(school.commit(&late).await, Commit::Moved);
    assert_eq!(
        school.rejection(&apply("late", "ada")).await,
        "ALREADY_ENROLLED"
    );
    let key = application_key("ada").attributes();
    assert_eq!(school.item(Table::UsersCourses, key).await, None);
}

#[tokio::test]
async fn a_rejection_stores_its_receipt_alone() {
    let school = School::open().await;
    let command = apply("cmd", "ada");
    let decision = school.decide(&command).await;
    assert_eq!(school.commit(&decision).await, Commit::Committed);
    let receipt = school.receipt_of("cmd").await.expect("it is kept");
    assert!(
        matches!(&receipt.outcome, Outcome::Rejected { code, .. } if code == "COURSE_NOT_FOUND")
    );
    // Though it could now be applied, its outcome stands.
    school.carry_out(&create("create", "oils", 3)).await;
    let again = school.decide(&command).await;
    assert_eq!(
        school.commit(&again).await,
        Commit::Duplicate(Box::new(receipt.clone()))
    );
    assert_eq!(
        school
            .store
            .put_receipt(&again.receipt)
            .await
            .expect("an answer"),
        Commit::Duplicate(Box::new(receipt))
    );
}

#[tokio::test]
async fn a_cancelled_payment_leaves_the_application_as_it_was() {
    let school = School::with_course(3).await;
    school.carry_out(&apply("cmd", "ada")).await;
    let application = school
        .item(Table::UsersCourses, application_key("ada").attributes())
        .await;
    let paid = school.decide(&confirm("cmd", "ada", "pay-1")).await;
    assert!(matches!(school.commit(&paid).await, Commit::Duplicate(_)));
    assert_eq!(
        school
            .item(Table::UsersCourses, application_key("ada").attributes())
            .await,
        application
    );
    assert_eq!(
        school
            .item(Table::UsersCourses, enrollment_key("ada").attributes())
            .await,
        None
    );
}
