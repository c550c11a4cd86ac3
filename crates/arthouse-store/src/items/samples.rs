//! Records of every kind: Ada's, and arbitrary ones.
//!
//! Ada applied for three Thursday evenings of oil painting in London, 100.00 GBP.

mod arbitrary;
#[expect(dead_code, reason = "the store does without the commands among them")]
#[path = "../../../arthouse-core/src/samples.rs"]
mod school;

use std::collections::BTreeMap;

use arthouse_core::{
    Application, Charge, ChargeId, ChargeKind, Course, Enrollment, Outcome, OutcomeContext,
    PayloadHash, Receipt, Rescheduled, Session, SessionId, SessionStatus,
};
use aws_sdk_dynamodb::types::AttributeValue;

pub(crate) use arbitrary::{any_application, any_course, any_enrollment, any_receipt, any_session};
pub(crate) use school::{PRIVATE, THURSDAYS, first_session as session, id, value};

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

/// The course, closed.
pub(crate) fn course() -> Course {
    Course {
        open: false,
        ..school::course()
    }
}

pub(crate) fn application() -> Application {
    Application {
        version: 2,
        ..school::application()
    }
}

/// Ada's enrolment after her first session.
pub(crate) fn enrollment() -> Enrollment {
    let first = Charge {
        at: id("2026-10-01T18:30:00Z"),
        ..charge(3_334, ChargeKind::Attended)
    };
    let charge_id = ChargeId::of_session(SessionId::from_ordinal(1));
    Enrollment {
        balance: value(6_666_i64),
        sessions_remaining: 2,
        first_session_after: Some(id("2026-09-21T00:00:00Z")),
        charges: BTreeMap::from([(charge_id, first)]),
        version: 3,
        ..school::initialised()
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
        payload_hash: PayloadHash::from_stored("a1".repeat(32)).with_meaning(Some("b2".repeat(16))),
        outcome,
        at: id("2026-10-01T18:30:00Z"),
        context: Some(OutcomeContext {
            correlation_id: Some("visit-7".to_owned()),
            traceparent: None,
        }),
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
        amount: value(amount),
        kind,
        at: id("2026-10-08T18:30:00Z"),
    }
}
