//! Sequence numbers: decimal numbers of up to 40 digits, too long for any integer type.

/// The most digits a sequence number has (DynamoDB Streams API reference, `StreamRecord`).
const DIGITS: usize = 40;

/// Pads a sequence number so that text sorts as the numbers do.
pub(crate) fn padded(number: &str) -> String {
    format!("{number:0>DIGITS$}")
}

/// Takes the padding off again.
pub(crate) fn unpadded(text: &str) -> &str {
    let number = text.trim_start_matches('0');
    if number.is_empty() { "0" } else { number }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn text_sorts_as_numbers_do(left in 0_u128.., right in 0_u128..) {
            let (one, two) = (left.to_string(), right.to_string());
            prop_assert_eq!(padded(&one).cmp(&padded(&two)), left.cmp(&right));
            let long = padded(&one);
            prop_assert_eq!(unpadded(&long), one);
        }
    }
}
