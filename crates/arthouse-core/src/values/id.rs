//! Identifiers: `[A-Za-z0-9._:@-]{1,128}`, so that `#` can join them in keys (`TABLES.md` of arthouse-store).

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::InvalidValue;

const MAX_ID_CHARS: usize = 128;
const ID_RULE: InvalidValue = InvalidValue("must be 1 to 128 characters of A-Z a-z 0-9 . _ : @ -");

fn is_id(text: &str) -> bool {
    (1..=MAX_ID_CHARS).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"._:@-".contains(&b))
}

macro_rules! text_value {
    ($(#[$doc:meta])* $name:ident, $schema:tt, $parse:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(try_from = "String")]
        #[schemars(extend $schema)]
        pub struct $name(String);

        impl $name {
            /// Returns the text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidValue;

            fn try_from(text: String) -> Result<Self, InvalidValue> {
                let parse: fn(String) -> Result<String, InvalidValue> = $parse;
                parse(text).map(Self)
            }
        }

        impl std::str::FromStr for $name {
            type Err = InvalidValue;

            fn from_str(text: &str) -> Result<Self, InvalidValue> {
                Self::try_from(text.to_owned())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

fn checked(text: String) -> Result<String, InvalidValue> {
    if is_id(&text) { Ok(text) } else { Err(ID_RULE) }
}

text_value!(
    /// Names a student.
    UserId,
    ("pattern" = "^[A-Za-z0-9._:@-]{1,128}$"),
    checked
);
text_value!(
    /// Names a course.
    CourseId,
    ("pattern" = "^[A-Za-z0-9._:@-]{1,128}$"),
    checked
);
text_value!(
    /// Names a command; with its [`Source`] the idempotency key.
    CommandId,
    ("pattern" = "^[A-Za-z0-9._:@-]{1,128}$"),
    checked
);
text_value!(
    /// Names a session of an enrolment: the ordinal, padded to four digits (`0001` to `0500`).
    ///
    /// A shorter ordinal is padded; an id that is no ordinal is kept and simply names no session.
    SessionId,
    ("pattern" = "^[A-Za-z0-9._:@-]{1,128}$"),
    |text| {
        let text = checked(text)?;
        let ordinal = text.len() < 4 && text.bytes().all(|b| b.is_ascii_digit());
        Ok(if ordinal { format!("{text:0>4}") } else { text })
    }
);
text_value!(
    /// Names the system that a command comes from: a CloudEvents URI-reference without a fragment.
    Source,
    ("pattern" = "^[!$-;=?-Z_a-z~]{1,256}$"),
    |text| {
        let allowed = |b: u8| b.is_ascii_graphic() && !b"#\"<>\\^`{|}[]".contains(&b);
        if (1..=256).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(text)
        } else {
            Err(InvalidValue("must be a URI reference of 1 to 256 plain characters without #"))
        }
    }
);

impl SessionId {
    /// Names the session with an ordinal, counted from 1.
    pub fn from_ordinal(ordinal: u16) -> Self {
        Self(format!("{ordinal:04}"))
    }

    /// Returns the ordinal, or nothing where the id is not the canonical form of one.
    pub fn ordinal(&self) -> Option<u16> {
        let ordinal = self.0.parse().ok().filter(|n| *n > 0)?;
        (Self::from_ordinal(ordinal) == *self).then_some(ordinal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_holds_no_separator_and_is_one_to_128_characters() {
        for good in ["u1", "a.b_c:d@e-f", &"x".repeat(128)] {
            assert_eq!(good.parse::<UserId>().expect(good).as_str(), good);
        }
        for bad in ["", "a#b", "a b", "ü", "a/b", "a\n", &"x".repeat(129)] {
            assert_eq!(bad.parse::<UserId>(), Err(ID_RULE), "{bad:?}");
        }
    }

    #[test]
    fn a_session_id_is_padded_to_four_digits() {
        for text in ["12", "012", "0012"] {
            assert_eq!(text.parse(), Ok(SessionId::from_ordinal(12)), "{text}");
        }
        let id: SessionId = "3".parse().expect("valid");
        assert_eq!(id.as_str(), "0003");
        assert_eq!(id.ordinal(), Some(3));
        assert_eq!(SessionId::from_ordinal(500).as_str(), "0500");
    }

    #[test]
    fn what_is_no_ordinal_names_no_session() {
        for text in ["0000", "00003", "first", "1.5", "99999", "-1"] {
            let id: SessionId = text.parse().expect(text);
            assert_eq!(id.ordinal(), None, "{text}");
        }
    }

    #[test]
    fn a_source_is_a_uri_reference_without_a_fragment() {
        for good in [
            "/website",
            "https://pay.example.com/hooks?a=b",
            "urn:school:admin",
            "/shop/a%20b",
        ] {
            assert!(good.parse::<Source>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "a b",
            "a#b",
            "a\"b",
            "a[0]",
            "caf\u{e9}",
            &"x".repeat(257),
        ] {
            assert!(bad.parse::<Source>().is_err(), "{bad:?}");
        }
    }
}
