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
    let read = R::from_item(&record.to_item());
    prop_assert_eq!(read.as_ref(), Ok(record));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_course_reads_back_what_it_writes(one in any_course()) {
        check_round_trip(&one)?;
    }

    #[test]
    fn an_application_reads_back_what_it_writes(one in any_application()) {
        check_round_trip(&one)?;
    }

    #[test]
    fn an_enrolment_reads_back_what_it_writes(one in any_enrollment()) {
        check_round_trip(&one)?;
    }

    #[test]
    fn a_session_reads_back_what_it_writes(one in any_session()) {
        check_round_trip(&one)?;
    }

    #[test]
    fn a_receipt_reads_back_what_it_writes(one in any_receipt()) {
        check_round_trip(&one)?;
    }
}
