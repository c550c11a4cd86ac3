//! Sequence numbers as clients see them: 21 digits, so that they sort in the same order as text and as numbers.

use super::fault::Fault;

/// The offset of the stored numbers. dynoxide's responses use the same offset, so its numbers stay valid.
const OFFSET: u128 = 100_000_000_000_000_000_000;

/// Returns the public form of a stored number.
pub(super) fn public(stored: i64) -> String {
    (OFFSET + u128::from(stored.max(0).unsigned_abs())).to_string()
}

/// Returns the stored number of a public one.
pub(super) fn stored(public: &str) -> Result<i64, Fault> {
    let bound = match public.len() {
        0..21 => Some("greater than or equal to 21"),
        21..=40 => None,
        41.. => Some("less than or equal to 40"),
    };
    if let Some(bound) = bound {
        return Err(Fault::Validation(format!(
            "1 validation error detected: Value '{public}' at 'sequenceNumber' failed to satisfy constraint: Member must have length {bound}"
        )));
    }
    let number: Option<u128> = public.parse().ok();
    number
        .and_then(|number| i64::try_from(number.checked_sub(OFFSET)?).ok())
        .ok_or_else(|| Fault::Validation("Invalid SequenceNumber for the shard".into()))
}

#[cfg(test)]
mod tests {
    use super::{public, stored};

    #[test]
    fn a_number_reads_back_from_its_public_form() {
        for number in [0, 1, 1_790_000_000_000_000, i64::MAX] {
            assert_eq!(public(number).len(), 21);
            assert_eq!(stored(&public(number)).ok(), Some(number));
        }
    }

    #[test]
    fn a_number_that_was_never_given_out_is_refused() {
        for text in ["", "5", "000000000000000000005", "abcdefghijklmnopqrstu"] {
            assert!(stored(text).is_err(), "{text}");
        }
        assert!(stored(&"9".repeat(40)).is_err());
        assert!(stored(&"1".repeat(41)).is_err());
    }
}
