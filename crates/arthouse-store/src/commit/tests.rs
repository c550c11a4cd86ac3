use std::collections::{BTreeMap, BTreeSet};

use arthouse_core::{Application, Course, Outcome, Session};
use aws_sdk_dynamodb::types::CancellationReason;

use super::*;
use crate::items::samples::{
    any_course, any_session, application, course, enrollment, id, moved_and_attended, receipt,
    rejected, s, session,
};
use proptest::prelude::*;

/// Reads an update's text as what it does: the values that it sets, by name, and the names that it removes.
fn meaning(expression: &UpdateExpression) -> (Item, BTreeSet<String>) {
    let name = |alias: &str| expression.names[alias].clone();
    let (sets, removes) = match expression.text.split_once(" REMOVE ") {
        Some((sets, removes)) => (sets, removes.split(", ").map(name).collect()),
        None => (expression.text.as_str(), BTreeSet::new()),
    };
    let sets = sets.strip_prefix("SET ").expect("it sets something");
    let set = |clause: &str| {
        let (alias, value) = clause.split_once(" = ").expect("name = value");
        (name(alias), expression.values[value].clone())
    };
    (sets.split(", ").map(set).collect(), removes)
}

/// Applies an update to the item before and compares it with the item after.
fn check_update<R: Record>(before: &R, after: &R) {
    let mut item = before.to_item();
    item.insert("FromTheFuture".to_owned(), s("stays"));
    let (sets, removes) = meaning(&UpdateExpression::of(after.attributes()));
    assert!(
        !sets.contains_key("PK") && !sets.contains_key("SK"),
        "a key can't be updated"
    );
    item.extend(sets);
    item.retain(|name, _| !removes.contains(name));
    let mut expected = after.to_item();
    expected.extend(before.key().attributes());
    expected.insert("FromTheFuture".to_owned(), s("stays"));
    assert_eq!(item, expected);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn an_update_makes_any_version_of_a_course_any_other(before in any_course(), after in any_course()) {
        check_update(&before, &after);
    }

    #[test]
    fn an_update_makes_any_version_of_a_session_any_other(before in any_session(), after in any_session()) {
        check_update(&before, &after);
    }
}

#[test]
fn an_update_removes_the_optional_attributes_that_are_not_there() {
    let (_, removes) = meaning(&UpdateExpression::of(course().attributes()));
    assert_eq!(removes, BTreeSet::new());
    let without_link = Course {
        payment_link: None,
        ..course()
    };
    let (_, removes) = meaning(&UpdateExpression::of(without_link.attributes()));
    assert_eq!(removes, BTreeSet::from(["PaymentLink".to_owned()]));
}

/// The service refuses a request token that comes back with another text.
#[test]
fn the_same_update_is_always_written_in_the_same_way() {
    let written = || {
        let expression = UpdateExpression::of(moved_and_attended().attributes());
        (expression.text, BTreeMap::from_iter(expression.names))
    };
    let first = written();
    for _ in 0..20 {
        assert_eq!(written(), first);
    }
}

#[test]
fn a_request_token_is_the_same_for_the_same_decision_only() {
    let update = |version| {
        Transition::UpdateSession(Session {
            version,
            ..session()
        })
    };
    let applied = receipt(Outcome::Applied);
    let token = request_token(&update(2), &applied);
    assert_eq!(token, request_token(&update(2), &applied.clone()));
    assert!(
        (1..=36).contains(&token.len()),
        "the service takes 1 to 36 characters"
    );

    let enroll = |version| Transition::Enroll {
        application: Box::new(Application {
            version,
            ..application()
        }),
        enrollment: Box::new(enrollment()),
    };
    let later = Receipt {
        at: id("2026-10-01T18:30:01Z"),
        ..applied.clone()
    };
    let of_another = Receipt {
        command_id: id("cmd-2"),
        ..applied.clone()
    };
    let others = [
        (update(3), applied.clone()),
        (
            Transition::UpdateSession(moved_and_attended()),
            applied.clone(),
        ),
        (Transition::UpdateCourse(course()), applied.clone()),
        (Transition::CreateCourse(course()), applied.clone()),
        (Transition::Apply(application()), applied.clone()),
        (enroll(1), applied.clone()),
        (enroll(2), applied.clone()),
        (update(2), later),
        (update(2), of_another),
        (update(2), receipt(rejected())),
    ];
    let tokens: BTreeSet<_> = others
        .iter()
        .map(|(transition, receipt)| request_token(transition, receipt))
        .chain([token])
        .collect();
    assert_eq!(tokens.len(), others.len() + 1);
}

fn reason(code: &str) -> CancellationReason {
    CancellationReason::builder().code(code).build()
}

fn taken() -> CancellationReason {
    CancellationReason::builder()
        .code("ConditionalCheckFailed")
        .set_item(Some(receipt(rejected()).to_item()))
        .build()
}

#[test]
fn why_a_transaction_was_cancelled_is_read_item_by_item_and_the_receipt_s_reason_first() {
    let failed = || reason("ConditionalCheckFailed");
    let duplicate = || Ok(Commit::Duplicate(Box::new(receipt(rejected()))));
    let contended = |codes: &str| Err(format!("the transaction was cancelled ({codes})"));
    for (reasons, expected) in [
        (vec![taken(), reason("None")], duplicate()),
        (vec![taken(), failed()], duplicate()),
        (
            vec![taken(), reason("TransactionConflict"), failed()],
            duplicate(),
        ),
        (vec![reason("None"), failed()], Ok(Commit::Moved)),
        (
            vec![reason("None"), reason("None"), failed()],
            Ok(Commit::Moved),
        ),
        (vec![reason("None"), failed(), failed()], Ok(Commit::Moved)),
        (
            vec![reason("TransactionConflict"), failed()],
            Ok(Commit::Moved),
        ),
        (
            vec![reason("TransactionConflict"), reason("None")],
            contended("TransactionConflict"),
        ),
        (
            vec![reason("None"), reason("TransactionConflict")],
            contended("TransactionConflict"),
        ),
        (
            vec![
                reason("ThrottlingError"),
                reason("ProvisionedThroughputExceeded"),
            ],
            contended("ThrottlingError, ProvisionedThroughputExceeded"),
        ),
    ] {
        let found = cancellation(&reasons).map_err(|error| error.to_string());
        assert_eq!(found, expected, "{reasons:?}");
    }
}

#[test]
fn a_receipt_that_does_not_come_back_or_can_t_be_read_is_an_error() {
    let unreadable = CancellationReason::builder()
        .code("ConditionalCheckFailed")
        .item("PK", s("COMMAND#/website#cmd-1"))
        .build();
    for reasons in [[reason("ConditionalCheckFailed")], [unreadable]] {
        let found = cancellation(&reasons);
        assert!(matches!(found, Err(StoreError::Decode(_))), "{found:?}");
    }
}
