//! Ids that are pure functions of what happened.

use std::fmt::{self, Write};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The id of an event: a digest of what happened, so that the same happening always has the same id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EventId(String);

impl EventId {
    /// Derives the id of a happening from its parts; parts that differ in any place give another id.
    pub fn derive(parts: &[&str]) -> Self {
        let mut framed = Vec::new();
        for part in parts {
            framed.extend_from_slice(&(part.len() as u64).to_be_bytes());
            framed.extend_from_slice(part.as_bytes());
        }
        let mut hex = sha256_hex(&framed);
        hex.truncate(32);
        Self(hex)
    }

    /// Returns the id: 32 hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .fold(String::with_capacity(64), |mut hex, byte| {
            write!(hex, "{byte:02x}").expect("writing to a string cannot fail");
            hex
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_parts_give_the_same_id_and_others_another() {
        let id = EventId::derive(&["a", "bc"]);
        assert_eq!(id, EventId::derive(&["a", "bc"]));
        assert_ne!(id, EventId::derive(&["ab", "c"]));
        assert_ne!(id, EventId::derive(&["a", "bc", ""]));
        assert_eq!(id.as_str().len(), 32);
    }
}
