//! Items that can't be read, and what is said of them.

use std::fmt::Debug;

use arthouse_core::{Invariant, Outcome, Session};
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;

use crate::items::Record;
use crate::items::samples::*;
use crate::{DecodeError, Key};

/// Attributes that nothing is read from: the key has the ids.
const NOT_READ: [&str; 7] = [
    "UserId",
    "CourseId",
    "SessionId",
    "CommandId",
    "Source",
    "PendingPayment",
    "ExpiresAt",
];

/// Values of every kind that hold a contact detail.
fn planted() -> Vec<AttributeValue> {
    let detail = || s(format!("{PRIVATE}@example.com, expected {PRIVATE}"));
    vec![
        detail(),
        n(PRIVATE),
        n(format!("1{PRIVATE}")),
        AttributeValue::B(Blob::new(PRIVATE)),
        AttributeValue::L(vec![detail()]),
        AttributeValue::Ss(vec![PRIVATE.to_owned()]),
        m([(PRIVATE, detail())]),
        m([("name", detail()), ("email", n(PRIVATE))]),
        m([("0001#1", detail())]),
        m([(
            "0001#1",
            m([("Amount", n(PRIVATE)), ("Kind", detail()), ("At", detail())]),
        )]),
        m([(
            "0001#1",
            m([("Amount", n(1)), ("Kind", detail()), ("At", detail())]),
        )]),
        m([(
            PRIVATE,
            m([
                ("Amount", n(1)),
                ("Kind", s("Skipped")),
                ("At", s("2026-10-01T17:00:00Z")),
            ]),
        )]),
    ]
}

/// Puts each planted value in the place of each attribute.
fn check_silence<R: Record>(record: &R) {
    let complete = record.to_item();
    for name in complete.keys() {
        let mut refused = 0;
        for value in planted() {
            let mut item = complete.clone();
            item.insert(name.clone(), value);
            if let Err(error) = R::from_item(&item) {
                let shown = format!("{error} {error:?}");
                assert!(!shown.contains(PRIVATE), "{name}: {shown}");
                refused += 1;
            }
        }
        let is_read = !NOT_READ.contains(&name.as_str());
        assert!(refused > 0 || !is_read, "{name} takes anything");
    }
}

#[test]
fn an_error_never_quotes_a_value() {
    check_silence(&course());
    check_silence(&application());
    check_silence(&enrollment());
    check_silence(&moved_and_attended());
    check_silence(&receipt(rejected()));
}

/// The item reads not, and this is said of it.
#[track_caller]
fn check_message<R: Record + Debug>(record: &R, name: &str, value: AttributeValue, expected: &str) {
    let mut item = record.to_item();
    item.insert(name.to_owned(), value);
    let error = R::from_item(&item).expect_err(name).to_string();
    assert_eq!(error, expected);
}

#[test]
fn what_is_wrong_is_said_of_the_innermost_field() {
    let line = |amount| {
        m([(
            "0001#1",
            m([
                ("Amount", amount),
                ("Kind", s("Skipped")),
                ("At", s("2026-10-01T17:00:00Z")),
            ]),
        )])
    };
    let charges = |value, problem: &str| {
        let expected = format!("enrolment: Charges{problem}");
        check_message(&enrollment(), "Charges", value, &expected);
    };
    charges(
        line(s("1")),
        ".0001#1.Amount is a text: must be a whole number",
    );
    charges(
        line(AttributeValue::Null(true)),
        ".0001#1.Amount is missing",
    );
    charges(m([("0001#1", n(1))]), ".0001#1 is a number: must be a map");
    charges(
        m([("0001", line(n(1)))]),
        " has an id that is not a session id, # and a number",
    );
    charges(AttributeValue::L(vec![]), " is a list: must be a map");
    check_message(
        &application(),
        "ContactInfo",
        m([("name", s("Ada")), ("email", n(1))]),
        "application: ContactInfo.email is a number: must be a text",
    );
    check_message(
        &application(),
        "ContactInfo",
        m([("name", s("Ada"))]),
        "application: ContactInfo.email is missing",
    );
}

#[test]
fn a_number_out_of_range_is_not_quoted() {
    for huge in ["99999999999999999999999", "1.5", "-7777"] {
        let mut item = session().to_item();
        item.insert("Sequence".to_owned(), n(huge));
        let error = Session::from_item(&item).expect_err(huge).to_string();
        assert!(!error.contains(huge), "{error}");
    }
}

/// Takes each attribute away that must be there.
fn check_missing<R: Record + Debug>(record: &R, may_be_absent: &[&str]) {
    let complete = record.to_item();
    let named = |error: DecodeError, name: &str| match error {
        DecodeError::Attribute {
            attribute, problem, ..
        } => attribute == name && problem == "is missing",
        DecodeError::Key | DecodeError::Inconsistent { .. } | DecodeError::Twice => false,
    };
    for name in complete.keys() {
        let mut item = complete.clone();
        item.remove(name);
        match R::from_item(&item) {
            Ok(_) => assert!(
                may_be_absent.contains(&name.as_str()),
                "{name} may be absent"
            ),
            Err(DecodeError::Key) => assert!(["PK", "SK"].contains(&name.as_str()), "{name}"),
            Err(error) => assert!(named(error.clone(), name), "{name}: {error}"),
        }
    }
}

#[test]
fn an_attribute_that_is_missing_is_named() {
    let absent = |names: &[&'static str]| [names, &NOT_READ, &["Version"]].concat();
    check_missing(
        &course(),
        &absent(&["PaymentLink", "SessionMinutes", "Open"]),
    );
    check_missing(&application(), &absent(&["PaymentLink"]));
    check_missing(
        &enrollment(),
        &absent(&[
            "FirstSessionAfter",
            "PaymentReference",
            "SessionsInitializedAt",
            "SessionMinutes",
        ]),
    );
    check_missing(&session(), &absent(&["Sequence", "OriginalLocalStart"]));
    check_missing(
        &receipt(rejected()),
        &absent(&["Message", "MeaningHash", "CorrelationId"]),
    );
    check_missing(
        &receipt(Outcome::Applied),
        &absent(&["MeaningHash", "CorrelationId"]),
    );
}

/// Reads a record's attributes under a key of another family.
fn check_key<R: Record + PartialEq + Debug>(record: &R, key: &Key) {
    let mut item = record.to_item();
    item.remove("SK");
    item.extend(key.attributes());
    assert_eq!(R::from_item(&item), Err(DecodeError::Key), "{key}");
}

#[test]
fn an_item_of_another_family_is_refused() {
    check_key(&application(), &enrollment().key());
    check_key(&enrollment(), &application().key());
    check_key(&course(), &session().key());
    check_key(&session(), &course().key());
    check_key(&receipt(Outcome::Applied), &course().key());
}

/// What attributes are to be; nothing takes one away.
type Changes = Vec<(&'static str, Option<AttributeValue>)>;

/// Reads a session with some attributes put in another way.
fn contradicted(
    session: Session,
    changes: &[(&str, Option<AttributeValue>)],
) -> Option<DecodeError> {
    let mut item = session.to_item();
    for (name, value) in changes {
        match value {
            Some(value) => item.insert((*name).to_owned(), value.clone()),
            None => item.remove(*name),
        };
    }
    Session::from_item(&item).err()
}

#[test]
fn a_session_is_paid_exactly_when_it_is_attended_or_skipped() {
    for (status, payment, right) in [
        ("Scheduled", "Unpaid", true),
        ("Attended", "Paid", true),
        ("Skipped", "Paid", true),
        ("Scheduled", "Paid", false),
        ("Attended", "Unpaid", false),
        ("Skipped", "Unpaid", false),
    ] {
        let changes = [
            ("Status", Some(s(status))),
            ("PaymentStatus", Some(s(payment))),
        ];
        let expected = (!right).then_some(DecodeError::Inconsistent {
            record: "session",
            invariant: Invariant::PaymentStatus,
        });
        assert_eq!(
            contradicted(session(), &changes),
            expected,
            "{status} {payment}"
        );
    }
}

#[test]
fn a_session_has_a_reschedule_date_exactly_when_it_has_an_original_one() {
    let date = || Some(s("2026-11-01T17:00:00Z"));
    let cases: [(Session, Changes); 6] = [
        (session(), vec![("RescheduleDate", date())]),
        (session(), vec![("OriginalSessionDate", date())]),
        (session(), vec![("RescheduledAt", date())]),
        (moved_and_attended(), vec![("RescheduleDate", None)]),
        (moved_and_attended(), vec![("OriginalSessionDate", None)]),
        // It has another date than it was moved to.
        (moved_and_attended(), vec![("RescheduleDate", date())]),
    ];
    for (session, changes) in cases {
        let expected = DecodeError::Inconsistent {
            record: "session",
            invariant: Invariant::RescheduleDate,
        };
        assert_eq!(
            contradicted(session, &changes),
            Some(expected.clone()),
            "{changes:?}"
        );
        assert_eq!(
            expected.to_string(),
            "session: RescheduleDate, OriginalSessionDate and RescheduledAt must all be there, with the SessionDate as the first, \
             or none (invariant 9)"
        );
    }
}
