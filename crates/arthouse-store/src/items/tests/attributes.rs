//! Each item has exactly the attributes that `TABLES.md` lists.

use std::fmt::Debug;

use arthouse_core::Outcome;
use aws_sdk_dynamodb::types::AttributeValue::Bool;

use super::item;
use crate::items::samples::*;
use crate::items::{Item, Record};

fn check<R: Record + PartialEq + Debug>(record: R, expected: Item) {
    assert_eq!(record.to_item(), expected);
    assert_eq!(R::from_item(&expected), Ok(record));
}

#[test]
fn a_course_has_these_attributes() {
    let expected = item([
        ("PK", s("COURSE#oils")),
        ("SK", s("DETAILS")),
        ("Title", s("Oil painting")),
        ("Description", s("Three evenings at the easel.")),
        ("Cost", n(10_000)),
        ("Duration", n(3)),
        ("PaymentMethod", s("card")),
        ("Schedule", s(THURSDAYS)),
        ("CourseId", s("oils")),
        ("Currency", s("GBP")),
        ("PaymentLink", s("https://pay.example.com/oils")),
        ("SessionMinutes", n(90)),
        ("Open", Bool(false)),
        ("Version", n(4)),
    ]);
    check(course(), expected);
}

#[test]
fn an_application_has_these_attributes() {
    let expected = item([
        ("PK", s("USER#ada")),
        ("SK", s("COURSE#oils#APPLIED")),
        ("AppliedDate", s("2026-09-18T09:30:00Z")),
        ("ContactInfo", contact_attribute()),
        ("UserId", s("ada")),
        ("CourseId", s("oils")),
        ("Title", s("Oil painting")),
        ("Cost", n(10_000)),
        ("Currency", s("GBP")),
        ("Duration", n(3)),
        ("PaymentMethod", s("card")),
        ("PaymentLink", s("https://pay.example.com/oils")),
        ("PendingPayment", s("PENDING")),
        ("Version", n(2)),
    ]);
    check(application(), expected);
}

#[test]
fn an_enrolment_has_these_attributes() {
    let line = m([
        ("Amount", n(3_334)),
        ("Kind", s("Attended")),
        ("At", s("2026-10-01T18:30:00Z")),
    ]);
    let expected = item([
        ("PK", s("USER#ada")),
        ("SK", s("COURSE#oils#PAID")),
        ("PaidDate", s("2026-09-20T12:00:00Z")),
        ("Balance", n(6_666)),
        ("SessionsRemaining", n(2)),
        ("UserId", s("ada")),
        ("CourseId", s("oils")),
        ("AppliedDate", s("2026-09-18T09:30:00Z")),
        ("ContactInfo", contact_attribute()),
        ("Title", s("Oil painting")),
        ("Cost", n(10_000)),
        ("Currency", s("GBP")),
        ("Duration", n(3)),
        ("Schedule", s(THURSDAYS)),
        ("SessionMinutes", n(90)),
        ("FirstSessionAfter", s("2026-09-21T00:00:00Z")),
        ("PaymentReference", s("pay-1")),
        ("Charges", m([("0001#1", line)])),
        ("SessionsInitializedAt", s("2026-09-20T12:00:07Z")),
        ("Version", n(3)),
    ]);
    check(enrollment(), expected);
}

#[test]
fn a_session_has_these_attributes() {
    let expected = item([
        ("PK", s("COURSE#oils")),
        ("SK", s("SESSION#0001#USER#ada")),
        ("Status", s("Scheduled")),
        ("SessionDate", s("2026-10-01T17:00:00Z")),
        ("OriginalLocalStart", s("2026-10-01T18:00:00+01:00")),
        ("Reschedulable", Bool(true)),
        ("PaymentStatus", s("Unpaid")),
        ("UserId", s("ada")),
        ("CourseId", s("oils")),
        ("SessionId", s("0001")),
        ("SessionCost", n(3_334)),
        ("Currency", s("GBP")),
        ("Sequence", n(0)),
        ("Version", n(1)),
    ]);
    check(session(), expected);
}

#[test]
fn a_session_that_was_moved_and_attended_has_these_attributes() {
    let expected = item([
        ("PK", s("COURSE#oils")),
        ("SK", s("SESSION#0001#USER#ada")),
        ("Status", s("Attended")),
        ("SessionDate", s("2026-10-02T17:00:00Z")),
        ("OriginalLocalStart", s("2026-10-01T18:00:00+01:00")),
        ("Reschedulable", Bool(false)),
        ("RescheduleDate", s("2026-10-02T17:00:00Z")),
        ("PaymentStatus", s("Paid")),
        ("UserId", s("ada")),
        ("CourseId", s("oils")),
        ("SessionId", s("0001")),
        ("SessionCost", n(3_334)),
        ("Currency", s("GBP")),
        ("OriginalSessionDate", s("2026-10-01T17:00:00Z")),
        ("RescheduledAt", s("2026-09-25T08:00:00Z")),
        ("StatusChangedAt", s("2026-10-02T18:30:00Z")),
        ("Sequence", n(1)),
        ("Version", n(3)),
    ]);
    check(moved_and_attended(), expected);
}

#[test]
fn a_receipt_has_these_attributes_and_goes_after_90_days() {
    let applied = item([
        ("PK", s("COMMAND#/website#cmd-1")),
        ("CommandId", s("cmd-1")),
        ("Source", s("/website")),
        ("Type", s("com.digitalarthouse.session.attend.v1")),
        ("PayloadHash", s("a1".repeat(32))),
        ("MeaningHash", s("b2".repeat(16))),
        ("Outcome", s("Applied")),
        ("CorrelationId", s("visit-7")),
        ("At", s("2026-10-01T18:30:00Z")),
        // 2026-12-30T18:30:00Z
        ("ExpiresAt", n(1_798_655_400)),
    ]);
    let mut with_rejection = applied.clone();
    with_rejection.extend(item([
        ("Outcome", s("Rejected")),
        ("Rejection", s("SESSION_NOT_SCHEDULED")),
        ("Message", s("the session is not scheduled any more")),
    ]));
    check(receipt(Outcome::Applied), applied);
    check(receipt(rejected()), with_rejection);
}

fn contact_attribute() -> aws_sdk_dynamodb::types::AttributeValue {
    m([
        ("name", s("Ada zq9")),
        ("email", s("zq9@example.com")),
        ("phone", s("+44 20 zq9")),
    ])
}
