//! The secret of a deployment: whatever pages and links give out and must recognise later is signed with it.

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use uuid::Uuid;

/// The shortest secret, in characters.
const MIN_CHARS: usize = 32;
/// The length of a signature, in bytes: half of a SHA-256, which nobody guesses.
const SIGNATURE: usize = 16;

/// A secret that is too short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the secret must have at least {MIN_CHARS} characters; `openssl rand -base64 32` makes one"
)]
pub struct WeakSecret;

/// The secret of a deployment. Its processes share it; another one makes all calendar links and open forms invalid.
#[derive(Clone)]
pub struct Secret(Hmac<Sha256>);

impl Secret {
    /// Takes a secret from a setting.
    ///
    /// # Errors
    /// Refuses one that is too short.
    pub fn parse(text: &str) -> Result<Self, WeakSecret> {
        if text.trim().chars().count() < MIN_CHARS {
            return Err(WeakSecret);
        }
        Ok(Self::of(text.trim().as_bytes()))
    }

    /// Makes one that nobody knows, for a process by itself.
    pub fn random() -> Self {
        Self::of(format!("{}{}", Uuid::new_v4(), Uuid::new_v4()).as_bytes())
    }

    fn of(bytes: &[u8]) -> Self {
        Self(Hmac::new_from_slice(bytes).expect("HMAC takes keys of any length"))
    }

    /// Signs texts for a purpose.
    pub(crate) fn sign(&self, purpose: &str, parts: &[&str]) -> String {
        let signature = self.mac(purpose, parts).finalize().into_bytes();
        BASE64_URL_SAFE_NO_PAD.encode(&signature[..SIGNATURE])
    }

    /// Says, in a time that tells nothing, whether a signature is of these texts and this purpose.
    pub(crate) fn has_signed(&self, purpose: &str, parts: &[&str], signature: &str) -> bool {
        let given = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap_or_default();
        given.len() == SIGNATURE
            && self
                .mac(purpose, parts)
                .verify_truncated_left(&given)
                .is_ok()
    }

    fn mac(&self, purpose: &str, parts: &[&str]) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        // Each text with its length, so that no two lists are the same bytes.
        for text in [&[purpose][..], parts].concat() {
            mac.update(&(text.len() as u64).to_be_bytes());
            mac.update(text.as_bytes());
        }
        mac
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_of_one_secret_one_purpose_and_these_texts() {
        let secret = Secret::random();
        let signature = secret.sign("feed", &["ada", "1"]);
        assert!(secret.has_signed("feed", &["ada", "1"], &signature));
        assert!(!Secret::random().has_signed("feed", &["ada", "1"], &signature));
        assert!(!secret.has_signed("csrf", &["ada", "1"], &signature));
        for other in [&["ada", "2"][..], &["ada1", ""], &["ada"], &["ad", "a1"]] {
            assert!(!secret.has_signed("feed", other, &signature), "{other:?}");
        }
        for guess in ["", "AAAA", &signature[1..], "not base64!", &"A".repeat(22)] {
            assert!(!secret.has_signed("feed", &["ada", "1"], guess), "{guess}");
        }
    }

    #[test]
    fn a_short_secret_is_refused_and_none_is_shown() {
        assert_eq!(Secret::parse("too short").err(), Some(WeakSecret));
        let secret = Secret::parse(&"x".repeat(32)).expect("long enough");
        assert_eq!(format!("{secret:?}"), "Secret(redacted)");
    }
}
