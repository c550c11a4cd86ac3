//! How to reach a student. Never logged, never sent on.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::is_carried;

const MAX_NAME_CHARS: usize = 200;
/// RFC 5321, section 4.5.3.1.3, less the angle brackets.
const MAX_EMAIL_CHARS: usize = 254;
const MAX_PHONE_CHARS: usize = 40;

/// A student's contact details, as given; [`ContactInfo::is_valid`] says whether they can be used.
///
/// `Debug` shows nothing of them, so that no log can.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ContactInfo {
    /// The student's name.
    pub name: String,
    /// Where to write to.
    pub email: String,
    /// Where to call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
}

impl ContactInfo {
    /// Says whether there is a name, an address with a local part and a domain, and, if given, a phone number.
    pub fn is_valid(&self) -> bool {
        let plain = |text: &str, most: usize| {
            !text.trim().is_empty()
                && text.chars().count() <= most
                && !text.chars().any(char::is_control)
                && is_carried(text)
        };
        let email_parts = self.email.rsplit_once('@').is_some_and(|(local, domain)| {
            !local.is_empty() && !domain.is_empty() && !self.email.contains(char::is_whitespace)
        });
        let phone_digits = |phone: &str| {
            plain(phone, MAX_PHONE_CHARS) && phone.chars().any(|c| c.is_ascii_digit())
        };
        plain(&self.name, MAX_NAME_CHARS)
            && plain(&self.email, MAX_EMAIL_CHARS)
            && email_parts
            && self.phone.as_deref().is_none_or(phone_digits)
    }
}

impl fmt::Debug for ContactInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ContactInfo(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contact(name: &str, email: &str, phone: Option<&str>) -> ContactInfo {
        ContactInfo {
            name: name.into(),
            email: email.into(),
            phone: phone.map(Into::into),
        }
    }

    #[test]
    fn a_contact_has_a_name_and_an_address_that_could_be_written_to() {
        for (given, valid) in [
            (contact("Ada", "ada@example.com", None), true),
            (
                contact("Ada", "ada@example.com", Some("+44 20 7946 0000")),
                true,
            ),
            (contact(" ", "ada@example.com", None), false),
            (contact("Ada", "ada", None), false),
            (contact("Ada", "@example.com", None), false),
            (contact("Ada", "ada@", None), false),
            (contact("Ada", "a da@example.com", None), false),
            (contact("Ada\u{7}", "ada@example.com", None), false),
            (contact("Ada", "ada@example.com", Some("call me")), false),
            (contact(&"x".repeat(201), "ada@example.com", None), false),
        ] {
            assert_eq!(given.is_valid(), valid, "{} {}", given.name, given.email);
        }
    }

    #[test]
    fn debug_shows_nothing_of_a_contact() {
        let shown = format!("{:?}", contact("Ada", "ada@example.com", Some("123")));
        assert_eq!(shown, "ContactInfo(redacted)");
    }
}
