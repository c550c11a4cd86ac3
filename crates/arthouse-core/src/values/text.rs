//! Texts and numbers with a limit.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::InvalidValue;

/// The most sessions that a course may have: a statement of 500 charges stays far below an item's 400 KB.
pub const MAX_DURATION: i64 = 500;

/// The longest free text, in characters: with all texts of this size, of 4 bytes each, an item stays below 400 KB.
const MAX_TEXT: usize = 10_000;

/// The longest of the texts that travel on into outcomes and traces, in characters.
pub(crate) const MAX_CONTEXT: usize = 256;

/// What is said of a text that [`is_carried`] refuses.
pub(crate) const NOT_CARRIED: &str =
    "has a character that SQS does not carry, such as U+FFFF or a control character";

/// Says whether a message of SQS can hold a text: `#x9 | #xA | #xD | #x20-#xD7FF | #xE000-#xFFFD | #x10000-#x10FFFF` (`SendMessage`, SQS API reference).
pub(crate) fn is_carried(text: &str) -> bool {
    !text.contains(is_refused)
}

/// Says whether no message of SQS can hold a character.
pub(crate) fn is_refused(c: char) -> bool {
    matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}')
}

/// Returns the schema of what [`is_carried`] refuses.
pub(crate) fn carried_by_none() -> serde_json::Value {
    serde_json::json!({"type": "string", "pattern": r"[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]"})
}

/// A free text of 1 to 10,000 characters, such as a title or a description; more than white space.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(extend("minLength" = 1, "maxLength" = MAX_TEXT, "pattern" = r"\S", "not" = carried_by_none()))]
pub struct Text(String);

impl Text {
    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Reads a text of a record. It may have characters that commands were once allowed and SQS does not carry;
    /// [`CloudEvent::to_body`](crate::CloudEvent::to_body) replaces them.
    ///
    /// # Errors
    /// Returns why it is no text: it is blank or too long.
    pub fn from_stored(text: String) -> Result<Self, InvalidValue> {
        if text.trim().is_empty() || text.chars().count() > MAX_TEXT {
            Err(InvalidValue("must be a text of 1 to 10000 characters"))
        } else {
            Ok(Self(text))
        }
    }
}

impl TryFrom<String> for Text {
    type Error = InvalidValue;

    fn try_from(text: String) -> Result<Self, InvalidValue> {
        if is_carried(&text) {
            Self::from_stored(text)
        } else {
            Err(InvalidValue(NOT_CARRIED))
        }
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How many sessions a course has: 1 to [`MAX_DURATION`].
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "i64", into = "u16")]
#[schemars(with = "u16", extend("minimum" = 1, "maximum" = MAX_DURATION))]
pub struct Duration(u16);

impl Duration {
    /// Returns the number of sessions.
    pub fn get(self) -> u16 {
        self.0
    }
}

impl TryFrom<i64> for Duration {
    type Error = InvalidValue;

    fn try_from(sessions: i64) -> Result<Self, InvalidValue> {
        u16::try_from(sessions)
            .ok()
            .filter(|n| (1..=MAX_DURATION).contains(&i64::from(*n)))
            .map(Self)
            .ok_or(InvalidValue("must be 1 to 500 sessions"))
    }
}

impl From<Duration> for u16 {
    fn from(duration: Duration) -> Self {
        duration.0
    }
}

/// How long a session lasts: 1 to 1,440 minutes, 60 where nothing is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "i64", into = "u16")]
#[schemars(with = "u16", extend("minimum" = 1, "maximum" = 1440))]
pub struct SessionMinutes(u16);

impl SessionMinutes {
    /// Returns the number of minutes.
    pub fn get(self) -> u16 {
        self.0
    }
}

impl Default for SessionMinutes {
    fn default() -> Self {
        Self(60)
    }
}

impl TryFrom<i64> for SessionMinutes {
    type Error = InvalidValue;

    fn try_from(minutes: i64) -> Result<Self, InvalidValue> {
        u16::try_from(minutes)
            .ok()
            .filter(|n| (1..=1440).contains(n))
            .map(Self)
            .ok_or(InvalidValue("must be 1 to 1440 minutes"))
    }
}

impl From<SessionMinutes> for u16 {
    fn from(minutes: SessionMinutes) -> Self {
        minutes.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_one_to_500_sessions() {
        for (sessions, good) in [
            (1, true),
            (500, true),
            (0, false),
            (501, false),
            (-1, false),
            (i64::MAX, false),
        ] {
            assert_eq!(Duration::try_from(sessions).is_ok(), good, "{sessions}");
        }
    }

    #[test]
    fn a_text_is_neither_blank_nor_endless() {
        for (text, good) in [
            ("a".to_owned(), true),
            ("x".repeat(10_000), true),
            (" \n".to_owned(), false),
            ("x".repeat(10_001), false),
            ("é".repeat(10_000), true),
            ("é".repeat(10_001), false),
        ] {
            assert_eq!(
                Text::try_from(text.clone()).is_ok(),
                good,
                "{} bytes",
                text.len()
            );
        }
    }
}
