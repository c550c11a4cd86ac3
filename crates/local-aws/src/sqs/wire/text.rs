use crate::sqs::fault::{Code, Fault};

const MAX_ID: usize = 128;

/// Refuses text with a character that no message may hold.
pub(super) fn check_characters(text: &str, place: &str) -> Result<(), Fault> {
    match text.chars().find(|character| !is_allowed(*character)) {
        None => Ok(()),
        Some(character) => Err(Fault::new(
            Code::InvalidMessageContents,
            format!(
                "Invalid binary character '#x{:X}' was found in the {place}, the set of allowed characters is #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF",
                u32::from(character)
            ),
        )),
    }
}

/// Refuses a message group or deduplication id that is not 1 to 128 letters, digits and punctuation characters.
pub(super) fn check_id(id: &str, parameter: &str) -> Result<(), Fault> {
    if (1..=MAX_ID).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(());
    }
    let reason = format!(
        "{parameter} can only include alphanumeric and punctuation characters. 1 to 128 in length."
    );
    Err(Fault::invalid_value(id, parameter, &reason))
}

const fn is_allowed(character: char) -> bool {
    matches!(character,
        '\u{9}' | '\u{A}' | '\u{D}' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..='\u{10FFFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_and_non_characters_are_refused() {
        for good in ["", "tab\tline\nreturn\r", "é日本🎨", "\u{7f}\u{fffd}"] {
            assert_eq!(check_characters(good, "message body"), Ok(()), "{good:?}");
        }
        for bad in ["\u{0}", "a\u{8}", "\u{b}", "\u{1f}", "\u{fffe}", "\u{ffff}"] {
            let refused = check_characters(bad, "message body").map_err(|fault| fault.code);
            assert_eq!(refused, Err(Code::InvalidMessageContents), "{bad:?}");
        }
    }

    #[test]
    fn an_id_has_1_to_128_graphic_characters() {
        let longest = "!".repeat(128);
        for good in ["a", "student#1/2", "~", &longest] {
            assert_eq!(check_id(good, "MessageGroupId"), Ok(()), "{good}");
        }
        let too_long = "!".repeat(129);
        for bad in ["", "a b", "é", "\n", &too_long] {
            assert!(check_id(bad, "MessageGroupId").is_err(), "{bad:?}");
        }
    }
}
