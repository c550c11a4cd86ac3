//! The cost of a session command (README, "Costs"): it writes two items of one write unit each, which the transaction doubles.

use arthouse_core::{Outcome, OutcomeContext};
use aws_sdk_dynamodb::types::AttributeValue;

use crate::items::samples::*;
use crate::items::{Item, Record};

/// An item's size as DynamoDB counts it, numbers rounded up.
fn size(item: &Item) -> usize {
    item.iter()
        .map(|(name, value)| name.len() + value_size(value))
        .sum()
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the SDK's enum may grow")]
fn value_size(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::N(digits) => digits.len() / 2 + 2,
        AttributeValue::Bool(_) => 1,
        AttributeValue::M(entries) => 3 + entries.len() + size(entries),
        other => panic!("no record has {other:?}"),
    }
}

#[test]
fn a_session_and_its_receipt_stay_below_1_kb_even_with_the_longest_ids() {
    let longest = "x".repeat(128);
    let mut session = moved_and_attended();
    session.user_id = id(&longest);
    session.course_id = id(&longest);
    session.cost = value(arthouse_core::MAX_AMOUNT);
    session.version = u64::MAX;
    let mut receipt = receipt(Outcome::Applied);
    receipt.command_id = id(&longest);
    receipt.source = id(&"x".repeat(256));
    receipt.context = Some(OutcomeContext::default());
    for item in [session.to_item(), receipt.to_item()] {
        assert!((700..1024).contains(&size(&item)), "{} bytes", size(&item));
    }
}

#[test]
fn a_rejection_s_receipt_stays_below_1_kb() {
    let size = size(&receipt(rejected()).to_item());
    assert!(size < 512, "{size} bytes");
}

#[test]
fn a_statement_of_500_charges_fits_into_an_item_many_times() {
    let mut enrollment = enrollment();
    enrollment.charges = (1..=500)
        .map(arthouse_core::SessionId::from_ordinal)
        .map(|session_id| {
            let charge = charge(
                arthouse_core::MAX_AMOUNT,
                arthouse_core::ChargeKind::Skipped,
            );
            (arthouse_core::ChargeId::of_session(session_id), charge)
        })
        .collect();
    let size = size(&enrollment.to_item());
    assert!((20_000..50_000).contains(&size), "{size} bytes");
}
