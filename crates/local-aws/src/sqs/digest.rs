use std::collections::BTreeMap;
use std::fmt::Write;

use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::attribute::{Attribute, Payload};

const TEXT_TRANSPORT: u8 = 1;
const BINARY_TRANSPORT: u8 = 2;

/// An MD5 digest, which SDKs compare with the messages that they send and receive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Checksum([u8; 16]);

impl Checksum {
    pub(crate) fn of_body(body: &str) -> Self {
        Self(Md5::digest(body.as_bytes()).into())
    }

    /// The digest of attributes in the order of their names: each name, type and value, preceded by its length as four
    /// big-endian bytes, and a byte for the kind of value. `None` if there are no attributes.
    ///
    /// See the Amazon SQS Developer Guide, "Calculating the MD5 message digest for message attributes".
    pub(crate) fn of_attributes<'a>(
        attributes: impl IntoIterator<Item = (&'a String, &'a Attribute)>,
    ) -> Option<Self> {
        let mut digest = Md5::new();
        let mut any = false;
        for (name, attribute) in attributes {
            any = true;
            update_sized(&mut digest, name.as_bytes());
            update_sized(&mut digest, attribute.data_type.as_bytes());
            match &attribute.payload {
                Payload::Text(text) => {
                    digest.update([TEXT_TRANSPORT]);
                    update_sized(&mut digest, text.as_bytes());
                }
                Payload::Binary(bytes) => {
                    digest.update([BINARY_TRANSPORT]);
                    update_sized(&mut digest, bytes);
                }
            }
        }
        any.then(|| Self(digest.finalize().into()))
    }

    /// The digest of the one system attribute that a message can be sent with.
    pub(crate) fn of_trace_header(value: &str) -> Self {
        let attribute = Attribute {
            data_type: "String".to_owned(),
            payload: Payload::Text(value.to_owned()),
        };
        let one = BTreeMap::from([("AWSTraceHeader".to_owned(), attribute)]);
        Self::of_attributes(&one).expect("there is one attribute")
    }

    pub(crate) fn hex(&self) -> String {
        hex(&self.0)
    }
}

/// The deduplication id of a message by its body, in hexadecimal.
pub(crate) fn content_deduplication_id(body: &str) -> String {
    hex(&Sha256::digest(body.as_bytes()))
}

fn update_sized(digest: &mut Md5, bytes: &[u8]) {
    let length = u32::try_from(bytes.len()).expect("parts of a message are shorter than 4 GiB");
    digest.update(length.to_be_bytes());
    digest.update(bytes);
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            write!(text, "{byte:02x}").expect("a string takes whatever is written");
            text
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(data_type: &str, value: &str) -> Attribute {
        Attribute {
            data_type: data_type.to_owned(),
            payload: Payload::Text(value.to_owned()),
        }
    }

    #[test]
    fn the_body_has_the_plain_md5_of_its_bytes() {
        assert_eq!(
            Checksum::of_body("msg").hex(),
            "6e2baaf3b97dbeef01c0043275f9a0e7"
        );
    }

    #[test]
    fn attributes_have_the_digest_that_the_service_was_seen_to_give() {
        let attributes = BTreeMap::from([
            ("Hello".to_owned(), text("String", "There")),
            ("General".to_owned(), text("String", "Kenobi")),
            ("Help.Me".to_owned(), text("String", "Me")),
        ]);
        let checksum = Checksum::of_attributes(&attributes).map(|checksum| checksum.hex());
        assert_eq!(
            checksum.as_deref(),
            Some("4c360f3fdafd970e05fae2f149d997f5")
        );
    }

    #[test]
    fn no_attributes_have_no_digest() {
        assert_eq!(Checksum::of_attributes(&BTreeMap::new()), None);
    }

    #[test]
    fn binary_and_text_of_the_same_bytes_differ() {
        let bytes = Attribute {
            data_type: "String".to_owned(),
            payload: Payload::Binary(b"There".to_vec()),
        };
        let binary = BTreeMap::from([("Hello".to_owned(), bytes)]);
        let plain = BTreeMap::from([("Hello".to_owned(), text("String", "There"))]);
        assert_ne!(
            Checksum::of_attributes(&binary),
            Checksum::of_attributes(&plain)
        );
    }
}
