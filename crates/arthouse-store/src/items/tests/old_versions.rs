//! Items as earlier versions and other writers of this schema left them.

use std::fmt::Debug;

use arthouse_core::{Application, Course, Enrollment, Receipt, Session, SessionMinutes};
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;

use super::item;
use crate::items::samples::*;
use crate::items::{Item, Record};

fn without<R: Record>(record: &R, names: &[&str]) -> Item {
    let mut item = record.to_item();
    for name in names {
        assert!(item.remove(*name).is_some(), "{name} is no attribute");
    }
    item
}

fn check<R: Record + PartialEq + Debug>(item: Item, expected: R) {
    assert_eq!(R::from_item(&item), Ok(expected));
}

#[test]
fn attributes_that_came_later_have_the_meaning_of_their_absence() {
    let course = course();
    check(
        without(
            &course,
            &[
                "SessionMinutes",
                "Open",
                "Version",
                "PaymentLink",
                "CourseId",
            ],
        ),
        Course {
            session_minutes: SessionMinutes::default(),
            open: true,
            version: 1,
            payment_link: None,
            ..course
        },
    );
    let application = application();
    check(
        without(
            &application,
            &["Version", "PendingPayment", "UserId", "CourseId"],
        ),
        Application {
            version: 1,
            ..application
        },
    );
    let enrollment = enrollment();
    let later = [
        "SessionMinutes",
        "Version",
        "FirstSessionAfter",
        "PaymentReference",
        "SessionsInitializedAt",
    ];
    check(
        without(&enrollment, &later),
        Enrollment {
            session_minutes: SessionMinutes::default(),
            version: 1,
            first_session_after: None,
            payment_reference: None,
            sessions_initialized_at: None,
            ..enrollment
        },
    );
    let moved = moved_and_attended();
    check(
        without(
            &moved,
            &[
                "Sequence",
                "Version",
                "StatusChangedAt",
                "SessionId",
                "OriginalLocalStart",
            ],
        ),
        Session {
            sequence: 0,
            version: 1,
            status_changed_at: None,
            original_local_start: None,
            ..moved
        },
    );
}

#[test]
fn a_course_of_the_first_version_reads() {
    let first = item([
        ("PK", s("COURSE#oils")),
        ("SK", s("DETAILS")),
        ("Title", s("Oil painting")),
        ("Description", s("Three evenings at the easel.")),
        ("Cost", n(10_000)),
        ("Duration", n(3)),
        ("PaymentMethod", s("card")),
        ("Schedule", s(THURSDAYS)),
        ("Currency", s("GBP")),
    ]);
    let expected = Course {
        payment_link: None,
        session_minutes: SessionMinutes::default(),
        open: true,
        version: 1,
        ..course()
    };
    check(first, expected);
}

/// Earlier versions accepted more texts; nobody can put a student's records right from outside.
#[test]
fn a_schedule_that_would_be_refused_today_reads_and_is_kept() {
    let text = "DTSTART;TZID=Europe/London:20300107T180000\nRRULE:FREQ=WEEKLY;BYDAY=1MO";
    let mut item = enrollment().to_item();
    item.insert("Schedule".to_owned(), s(text));
    let read = Enrollment::from_item(&item).expect("it reads");
    assert!(read.schedule.problem().is_some());
    assert_eq!(read.to_item(), item);
    let mut item = course().to_item();
    item.insert("Schedule".to_owned(), s(text));
    let read = Course::from_item(&item).expect("it reads");
    assert_eq!(read.to_item(), item);
}

/// Earlier versions accepted characters that SQS does not carry.
#[test]
fn a_text_that_would_be_refused_today_reads_and_is_kept() {
    fn check_kept<R: Record + Debug>(record: &R, names: &[&str]) {
        for old in [
            "Etching\u{ffff}",
            "Etching\u{0}",
            "\u{fffe}Etching\u{1b}[2J",
        ] {
            for name in names {
                let mut item = record.to_item();
                item.insert((*name).to_owned(), s(old));
                let read = R::from_item(&item).expect(name);
                assert_eq!(read.to_item(), item);
            }
        }
    }
    check_kept(
        &course(),
        &["Title", "Description", "PaymentMethod", "PaymentLink"],
    );
    check_kept(&application(), &["Title", "PaymentMethod", "PaymentLink"]);
    check_kept(&enrollment(), &["Title", "PaymentReference"]);
}

#[test]
fn a_receipt_without_the_digest_of_its_meaning_kept_no_context_either() {
    let receipt = receipt(rejected());
    check(
        without(&receipt, &["MeaningHash", "CorrelationId"]),
        Receipt {
            payload_hash: receipt.payload_hash.clone().with_meaning(None),
            context: None,
            ..receipt
        },
    );
}

#[test]
fn sort_keys_in_the_long_form_read_the_same() {
    let mut item = application().to_item();
    item.insert("SK".to_owned(), s("COURSE#oils#STATUS#APPLIED"));
    check(item, application());
    let mut item = enrollment().to_item();
    item.insert("SK".to_owned(), s("COURSE#oils#STATUS#PAID"));
    check(item, enrollment());
}

#[test]
fn attributes_of_later_versions_are_passed_over() {
    fn check_unknown<R: Record + PartialEq + Debug>(record: R) {
        let mut item = record.to_item();
        let unknown = [
            s("?"),
            n(1),
            n("12345678901234567890123456789012345678"),
            n("-1.5E-100"),
            AttributeValue::Bool(true),
            AttributeValue::Null(true),
            AttributeValue::B(Blob::new([0, 1])),
            AttributeValue::L(vec![m([("a", n(1))])]),
            m([("a", AttributeValue::L(vec![s("b")]))]),
            AttributeValue::Ss(vec!["a".to_owned()]),
            AttributeValue::Ns(vec!["1".to_owned()]),
            AttributeValue::Bs(vec![Blob::new([2])]),
        ];
        for (at, value) in unknown.into_iter().enumerate() {
            item.insert(format!("FromTheFuture{at}"), value);
        }
        check(item, record);
    }
    check_unknown(course());
    check_unknown(application());
    check_unknown(enrollment());
    check_unknown(session());
    check_unknown::<Receipt>(receipt(rejected()));
}
