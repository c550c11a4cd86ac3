mod attributes;
mod defects;
mod old_versions;
mod size;

use std::fmt::Debug;

use proptest::prelude::*;

use super::samples::*;
use super::{Item, Record};

fn item<const N: usize>(attributes: [(&str, aws_sdk_dynamodb::types::AttributeValue); N]) -> Item {
    attributes
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// Reads back what was written.
fn check_round_trip<R: Record + PartialEq + Debug>(record: &R) -> Result<(), TestCaseError> {
    let read = R::from_item(record.to_item());
    prop_assert_eq!(read.as_ref(), Ok(record));
    Ok(())
}

/// What one item has and another lacks is listed as optional, for an update takes away nothing else.
fn check_optional<R: Record>(one: &R, other: &R) -> Result<(), TestCaseError> {
    let other = other.to_item();
    for name in one
        .to_item()
        .keys()
        .filter(|name| !other.contains_key(*name))
    {
        prop_assert!(R::OPTIONAL.contains(&name.as_str()), "{name}");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_course_reads_back_what_it_writes(one in any_course(), other in any_course()) {
        check_round_trip(&one)?;
        check_optional(&one, &other)?;
    }

    #[test]
    fn an_application_reads_back_what_it_writes(one in any_application(), other in any_application()) {
        check_round_trip(&one)?;
        check_optional(&one, &other)?;
    }

    #[test]
    fn an_enrolment_reads_back_what_it_writes(one in any_enrollment(), other in any_enrollment()) {
        check_round_trip(&one)?;
        check_optional(&one, &other)?;
    }

    #[test]
    fn a_session_reads_back_what_it_writes(one in any_session(), other in any_session()) {
        check_round_trip(&one)?;
        check_optional(&one, &other)?;
    }

    #[test]
    fn a_receipt_reads_back_what_it_writes(one in any_receipt(), other in any_receipt()) {
        check_round_trip(&one)?;
        check_optional(&one, &other)?;
    }
}
