//! Accounts and regions: a request's, by its signature, and the ARNs that name them.

use serde::{Deserialize, Serialize};

/// The account of credentials that name none.
pub(crate) const ACCOUNT: &str = "000000000000";
/// The region of requests without a signature.
const REGION: &str = "us-east-1";
const MAX_REGION: usize = 32;

/// An account and a region. What is made in one is not seen in another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Place {
    pub(crate) account: String,
    pub(crate) region: String,
}

impl Default for Place {
    fn default() -> Self {
        Self {
            account: ACCOUNT.to_owned(),
            region: REGION.to_owned(),
        }
    }
}

impl Place {
    /// The place of a request, by its `Authorization` header; `None` without a signature or with one that names no region.
    ///
    /// An access key of twelve digits is the account's number; others are all of one account.
    pub(crate) fn of_signature(authorization: &str) -> Option<Self> {
        let (_, credential) = authorization.split_once("Credential=")?;
        let credential = credential.split([',', ' ']).next()?;
        let mut parts = credential.split('/');
        let (key, _date, region) = (parts.next()?, parts.next()?, parts.next()?);
        let account = if is_account(key) { key } else { ACCOUNT };
        let place = Self {
            account: account.to_owned(),
            region: region.to_owned(),
        };
        place.is_plausible().then_some(place)
    }

    /// Whether this can be an account and a region. They name folders too.
    pub(crate) fn is_plausible(&self) -> bool {
        let mut region = self.region.bytes();
        is_account(&self.account)
            && (1..=MAX_REGION).contains(&self.region.len())
            && region.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    }

    /// What the ARNs of a service here begin with.
    pub(crate) fn arns_of(&self, service: &str) -> String {
        format!("arn:aws:{service}:{}:{}:", self.region, self.account)
    }
}

fn is_account(text: &str) -> bool {
    text.len() == ACCOUNT.len() && text.bytes().all(|b| b.is_ascii_digit())
}

/// Exchanges two texts for each other, wherever one of them stands. Doing it twice changes nothing.
pub(crate) fn exchange(body: &[u8], one: &str, other: &str) -> Option<Vec<u8>> {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let stands = |text: &[u8]| body.windows(text.len()).any(|window| window == text);
    if one == other || !(stands(one) || stands(other)) {
        return None;
    }
    let mut exchanged = Vec::with_capacity(body.len() + 64);
    let mut rest = body;
    while let Some(first) = rest.first() {
        if let Some(after) = rest.strip_prefix(one) {
            exchanged.extend_from_slice(other);
            rest = after;
        } else if let Some(after) = rest.strip_prefix(other) {
            exchanged.extend_from_slice(one);
            rest = after;
        } else {
            exchanged.push(*first);
            rest = &rest[1..];
        }
    }
    Some(exchanged)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(account: &str, region: &str) -> Option<Place> {
        Some(Place {
            account: account.to_owned(),
            region: region.to_owned(),
        })
    }

    #[test]
    fn a_signature_names_its_region_and_perhaps_its_account() {
        for (credential, expected) in [
            (
                "local/20260101/eu-west-1/sqs/aws4_request",
                place(ACCOUNT, "eu-west-1"),
            ),
            (
                "123456789012/20260101/us-east-2/dynamodb/aws4_request",
                place("123456789012", "us-east-2"),
            ),
            (
                "1234/20260101/local/dynamodb/aws4_request",
                place(ACCOUNT, "local"),
            ),
            ("key/20260101/../sqs/aws4_request", None),
            ("key/20260101//sqs/aws4_request", None),
            ("key", None),
        ] {
            let header = format!(
                "AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=x"
            );
            assert_eq!(Place::of_signature(&header), expected, "{credential}");
        }
        assert_eq!(Place::of_signature("Bearer x"), None);
    }

    #[test]
    fn exchanging_twice_gives_back_what_was_there() {
        let body = b"{\"a\":\"x:1\",\"b\":\"y:2\",\"c\":\"xy\"}";
        let once = exchange(body, "x:", "y:").expect("both stand there");
        assert_eq!(once, b"{\"a\":\"y:1\",\"b\":\"x:2\",\"c\":\"xy\"}");
        assert_eq!(exchange(&once, "x:", "y:").as_deref(), Some(&body[..]));
        assert_eq!(exchange(b"{}", "x:", "y:"), None);
        assert_eq!(exchange(body, "x:", "x:"), None);
    }
}
