//! Records of every kind: Ada's, and arbitrary ones.
//!
//! Ada applied for three Thursday evenings of oil painting in London, 100.00 GBP.

mod arbitrary;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::str::FromStr;

use arthouse_core::{
    Amount, Application, Charge, ChargeId, ChargeKind, ContactInfo, Course, Enrollment, Outcome,
    PayloadHash, Quote, Receipt, Rescheduled, Session, SessionId, SessionStatus, Text,
};
use aws_sdk_dynamodb::types::AttributeValue;

pub(crate) use arbitrary::{any_application, any_course, any_enrollment, any_receipt, any_session};

/// Stands in every contact detail, and may stand nowhere else.
pub(crate) const PRIVATE: &str = "zq9";

pub(crate) const THURSDAYS: &str =
    "DTSTART;TZID=Europe/London:20261001T180000\nRRULE:FREQ=WEEKLY;BYDAY=TH";

/// Parses an id, an instant, a currency or a schedule.
pub(crate) fn id<T: FromStr<Err: Debug>>(text: &str) -> T {
    text.parse().unwrap_or_else(|e| panic!("{text}: {e:?}"))
}

/// Checks a number.
pub(crate) fn value<N, T: TryFrom<N, Error: Debug>>(of: N) -> T {
    T::try_from(of).expect("in range")
}

pub(crate) fn text(text: &str) -> Text {
    value(text.to_owned())
}

pub(crate) fn s(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

pub(crate) fn n(number: impl ToString) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

pub(crate) fn m<const N: usize>(entries: [(&str, AttributeValue); N]) -> AttributeValue {
    let entry = |(name, value): (&str, AttributeValue)| (name.to_owned(), value);
    AttributeValue::M(entries.into_iter().map(entry).collect())
}

pub(crate) fn contact() -> ContactInfo {
    ContactInfo {
        name: format!("Ada {PRIVATE}"),
        email: format!("{PRIVATE}@example.com"),
        phone: Some(format!("+44 20 {PRIVATE}")),
    }
}

pub(crate) fn course() -> Course {
    Course {
        course_id: id("oils"),
        title: text("Oil painting"),
        description: text("Three evenings at the easel."),
        cost: value(10_000_i64),
        currency: id("GBP"),
        duration: value(3_i64),
        payment_method: text("card"),
        payment_link: Some(text("https://pay.example.com/oils")),
        schedule: id(THURSDAYS),
        session_minutes: value(90_u16),
        open: false,
        version: 4,
    }
}

pub(crate) fn application() -> Application {
    Application {
        user_id: id("ada"),
        course_id: id("oils"),
        applied_date: id("2026-09-18T09:30:00Z"),
        contact_info: contact(),
        quote: Quote::of(&course()),
        version: 2,
    }
}

/// Ada's enrolment after her first session.
pub(crate) fn enrollment() -> Enrollment {
    let charge = Charge {
        amount: value(3_334_i64),
        kind: ChargeKind::Attended,
        at: id("2026-10-01T18:30:00Z"),
    };
    let charge_id = ChargeId::of_session(SessionId::from_ordinal(1));
    Enrollment {
        user_id: id("ada"),
        course_id: id("oils"),
        paid_date: id("2026-09-20T12:00:00Z"),
        balance: value(6_666_i64),
        sessions_remaining: 2,
        applied_date: id("2026-09-18T09:30:00Z"),
        contact_info: contact(),
        title: text("Oil painting"),
        cost: value(10_000_i64),
        currency: id("GBP"),
        duration: value(3_i64),
        schedule: id(THURSDAYS),
        session_minutes: value(90_u16),
        first_session_after: Some(id("2026-09-21T00:00:00Z")),
        payment_reference: Some(text("pay-1")),
        charges: BTreeMap::from([(charge_id, charge)]),
        sessions_initialized_at: Some(id("2026-09-20T12:00:07Z")),
        version: 3,
    }
}

/// Ada's first session as it is at first.
pub(crate) fn session() -> Session {
    Session {
        user_id: id("ada"),
        course_id: id("oils"),
        session_id: SessionId::from_ordinal(1),
        status: SessionStatus::Scheduled,
        session_date: id("2026-10-01T17:00:00Z"),
        rescheduled: None,
        reschedulable: true,
        cost: value(3_334_i64),
        currency: id("GBP"),
        status_changed_at: None,
        sequence: 0,
        version: 1,
    }
}

/// The same session, moved by a day and then attended.
pub(crate) fn moved_and_attended() -> Session {
    Session {
        status: SessionStatus::Attended,
        session_date: id("2026-10-02T17:00:00Z"),
        rescheduled: Some(Rescheduled {
            original_session_date: id("2026-10-01T17:00:00Z"),
            at: id("2026-09-25T08:00:00Z"),
        }),
        reschedulable: false,
        status_changed_at: Some(id("2026-10-02T18:30:00Z")),
        sequence: 1,
        version: 3,
        ..session()
    }
}

pub(crate) fn receipt(outcome: Outcome) -> Receipt {
    Receipt {
        command_id: id("cmd-1"),
        source: id("/website"),
        command_type: "com.digitalarthouse.session.attend.v1".to_owned(),
        payload_hash: PayloadHash::from_stored("a1".repeat(32)),
        outcome,
        at: id("2026-10-01T18:30:00Z"),
    }
}

pub(crate) fn rejected() -> Outcome {
    Outcome::Rejected {
        code: "SESSION_NOT_SCHEDULED".to_owned(),
        message: "the session is not scheduled any more".to_owned(),
    }
}

pub(crate) fn charge(amount: i64, kind: ChargeKind) -> Charge {
    Charge {
        amount: Amount::try_from(amount).expect("in range"),
        kind,
        at: id("2026-10-08T18:30:00Z"),
    }
}
