use std::fmt::Debug;
use std::str::FromStr;

use arthouse_core::{
    Amount, Application, Charge, ChargeId, ChargeKind, ContactInfo, Course, Currency, Duration,
    Enrollment, MAX_AMOUNT, MAX_DURATION, Outcome, OutcomeContext, PayloadHash, Quote, Receipt,
    Rescheduled, Schedule, Session, SessionId, SessionMinutes, SessionStatus, Source, Text,
    Timestamp,
};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::{THURSDAYS, id, value};

const LAST_SECOND_OF_9999: i64 = 253_402_300_799;

fn any_id<T: FromStr<Err: Debug> + Debug>() -> impl Strategy<Value = T> {
    "[A-Za-z0-9._:@-]{1,128}".prop_map(|text| id(&text))
}

fn any_text() -> impl Strategy<Value = Text> {
    "\\PC{1,40}".prop_filter_map("a text is not blank", |text| Text::try_from(text).ok())
}

fn any_instant() -> impl Strategy<Value = Timestamp> {
    (0..=LAST_SECOND_OF_9999).prop_map(|at| Timestamp::from_unix_seconds(at).expect("in range"))
}

fn any_amount() -> impl Strategy<Value = Amount> {
    (0..=MAX_AMOUNT).prop_map(value)
}

fn any_duration() -> impl Strategy<Value = Duration> {
    (1..=MAX_DURATION).prop_map(value)
}

fn any_minutes() -> impl Strategy<Value = SessionMinutes> {
    (1..=1440_i64).prop_map(value)
}

fn any_currency() -> impl Strategy<Value = Currency> {
    select(vec!["GBP", "EUR", "JPY", "BHD"]).prop_map(id)
}

fn any_schedule() -> impl Strategy<Value = Schedule> {
    select(vec![
        THURSDAYS,
        "DTSTART:20261001T180000Z\r\nRRULE:FREQ=DAILY;COUNT=3\r\n",
        "DTSTART;TZID=Asia/Tokyo:20261001T180000\nRDATE;TZID=Asia/Tokyo:20261005T180000",
    ])
    .prop_map(id)
}

fn any_contact() -> impl Strategy<Value = ContactInfo> {
    ("\\PC{0,30}", "\\PC{0,30}", option::of("\\PC{0,30}"))
        .prop_map(|(name, email, phone)| ContactInfo { name, email, phone })
}

fn any_version() -> impl Strategy<Value = u64> {
    1..=u64::MAX
}

pub(crate) fn any_course() -> impl Strategy<Value = Course> {
    let texts = (any_text(), any_text(), any_text(), option::of(any_text()));
    let price = (any_amount(), any_currency(), any_duration());
    let times = (any_schedule(), any_minutes());
    (any_id(), texts, price, times, any::<bool>(), any_version()).prop_map(
        |(course_id, texts, (cost, currency, duration), times, open, version)| {
            let (title, description, payment_method, payment_link) = texts;
            Course {
                course_id,
                title,
                description,
                cost,
                currency,
                duration,
                payment_method,
                payment_link,
                schedule: times.0,
                session_minutes: times.1,
                open,
                version,
            }
        },
    )
}

pub(crate) fn any_application() -> impl Strategy<Value = Application> {
    let quote = any_course().prop_map(|course| Quote::of(&course));
    (
        any_id(),
        any_id(),
        any_instant(),
        any_contact(),
        quote,
        any_version(),
    )
        .prop_map(
            |(user_id, course_id, applied_date, contact_info, quote, version)| Application {
                user_id,
                course_id,
                applied_date,
                contact_info,
                quote,
                version,
            },
        )
}

fn any_charge() -> impl Strategy<Value = (ChargeId, Charge)> {
    let kind = select(vec![ChargeKind::Attended, ChargeKind::Skipped]);
    let session_id = (1..=500_u16).prop_map(SessionId::from_ordinal);
    (session_id, any_amount(), kind, any_instant()).prop_map(|(session_id, amount, kind, at)| {
        (
            ChargeId::of_session(session_id),
            Charge { amount, kind, at },
        )
    })
}

/// An enrolment with any attributes, whether they go together or not: an item keeps what it is given.
pub(crate) fn any_enrollment() -> impl Strategy<Value = Enrollment> {
    let instants = (
        any_instant(),
        option::of(any_instant()),
        option::of(any_instant()),
    );
    let charges = proptest::collection::vec(any_charge(), 0..8);
    let what = (any_application(), any_schedule(), any_minutes());
    let how = (any_amount(), 0..=500_u16, option::of(any_text()));
    (what, how, instants, charges).prop_map(|(what, how, instants, charges)| {
        let (application, schedule, session_minutes) = what;
        let (balance, sessions_remaining, payment_reference) = how;
        let (paid_date, first_session_after, sessions_initialized_at) = instants;
        let quote = application.quote;
        Enrollment {
            user_id: application.user_id,
            course_id: application.course_id,
            paid_date,
            balance,
            sessions_remaining,
            applied_date: application.applied_date,
            contact_info: application.contact_info,
            title: quote.title,
            cost: quote.cost,
            currency: quote.currency,
            duration: quote.duration,
            schedule,
            session_minutes,
            first_session_after,
            payment_reference,
            charges: charges.into_iter().collect(),
            sessions_initialized_at,
            version: application.version,
        }
    })
}

pub(crate) fn any_session() -> impl Strategy<Value = Session> {
    let ids = (any_id(), any_id(), any_id());
    let status = select(vec![
        SessionStatus::Scheduled,
        SessionStatus::Attended,
        SessionStatus::Skipped,
    ]);
    let moved =
        (any_instant(), any_instant()).prop_map(|(original_session_date, at)| Rescheduled {
            original_session_date,
            at,
        });
    let local = select(vec![
        "2026-10-01T18:00:00+01:00",
        "1970-01-01T00:00:00-11:30",
        "9999-12-31T23:59:59+14:00",
    ]);
    let local = local.prop_map(|text| text.parse().expect("a local time"));
    let dates = (
        any_instant(),
        option::of(local),
        option::of(moved),
        option::of(any_instant()),
    );
    let price = (any_amount(), any_currency());
    let counts = (any::<u32>(), any_version());
    (ids, status, dates, any::<bool>(), price, counts).prop_map(
        |(ids, status, dates, reschedulable, (cost, currency), (sequence, version))| {
            let (user_id, course_id, session_id) = ids;
            let (session_date, original_local_start, rescheduled, status_changed_at) = dates;
            Session {
                user_id,
                course_id,
                session_id,
                status,
                session_date,
                original_local_start,
                rescheduled,
                reschedulable,
                cost,
                currency,
                status_changed_at,
                sequence,
                version,
            }
        },
    )
}

pub(crate) fn any_receipt() -> impl Strategy<Value = Receipt> {
    let source = "[a-z/:.?=&~@-]{1,40}".prop_map(|text| id::<Source>(&text));
    let rejected = ("[A-Z_]{1,30}", "\\PC{0,60}")
        .prop_map(|(code, message)| Outcome::Rejected { code, message });
    let outcome = prop_oneof![Just(Outcome::Applied), rejected];
    let context = || proptest::option::of("\\PC{1,40}");
    let context = (context(), context()).prop_map(|(correlation_id, traceparent)| OutcomeContext {
        correlation_id,
        traceparent,
    });
    // Earlier versions kept neither.
    let later = proptest::option::of(("[0-9a-f]{32}", context));
    (
        any_id(),
        source,
        "[a-z.]{1,40}",
        "[0-9a-f]{64}",
        later,
        outcome,
        any_instant(),
    )
        .prop_map(
            |(command_id, source, command_type, as_sent, later, outcome, at)| {
                let (meaning, context) = later.unzip();
                Receipt {
                    command_id,
                    source,
                    command_type,
                    payload_hash: PayloadHash::from_stored(as_sent).with_meaning(meaning),
                    outcome,
                    at,
                    context,
                }
            },
        )
}
