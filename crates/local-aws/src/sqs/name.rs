use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::place::{Place, exchange};

/// What the ARNs of an engine begin with.
const ARNS: &str = "arn:aws:sqs:us-east-1:000000000000:";
const FIFO_SUFFIX: &str = ".fifo";
const MAX_LENGTH: usize = 80;

/// A queue's name: 1 to 80 letters, digits, hyphens and underscores, `.fifo` at the end included.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct QueueName(String);

impl QueueName {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let stem = text.strip_suffix(FIFO_SUFFIX).unwrap_or(text);
        let fits = !stem.is_empty() && text.len() <= MAX_LENGTH;
        let plain = stem
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        (fits && plain).then(|| Self(text.to_owned()))
    }

    /// Parses the last segment of a URL. The rest is ignored, because queues outlive the port on which they were created.
    pub(crate) fn from_url(url: &str) -> Option<Self> {
        Self::parse(url.rsplit('/').next().unwrap_or(url))
    }

    /// Parses the queue of an ARN. The queues of an engine are all of one account and region, whatever it is outside (see [`Address`]).
    pub(crate) fn from_arn(arn: &str) -> Option<Self> {
        Self::parse(arn.strip_prefix(ARNS)?)
    }

    pub(crate) fn is_fifo(&self) -> bool {
        self.0.ends_with(FIFO_SUFFIX)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn arn(&self) -> String {
        format!("{ARNS}{self}")
    }
}

/// Where queues are for their clients: the start of URLs, and the account and region.
///
/// An engine has ARNs of one account and region. Those of a request are exchanged for them, and those of a response back. Messages are left as they
/// are.
#[derive(Clone, Debug)]
pub(crate) struct Address {
    base_url: Arc<str>,
    account: String,
    arns: String,
}

impl Address {
    pub(crate) fn new(base_url: &str, place: &Place) -> Self {
        Self {
            base_url: base_url.trim_end_matches('/').into(),
            account: place.account.clone(),
            arns: place.arns_of("sqs"),
        }
    }

    pub(crate) fn url(&self, queue: &QueueName) -> String {
        format!("{}/{}/{queue}", self.base_url, self.account)
    }

    pub(crate) fn arn(&self, queue: &QueueName) -> String {
        format!("{}{queue}", self.arns)
    }

    pub(crate) fn account(&self) -> &str {
        &self.account
    }

    /// Exchanges the ARNs in the body of an operation on queues; `None` if it stays as it is.
    pub(crate) fn exchange(&self, operation: &str, body: &[u8]) -> Option<Vec<u8>> {
        let of_messages = operation.starts_with("Send") || operation == "ReceiveMessage";
        if of_messages {
            return None;
        }
        exchange(body, &self.arns, ARNS)
    }
}

impl fmt::Display for QueueName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl TryFrom<String> for QueueName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text).ok_or_else(|| format!("{text:?} is no queue name"))
    }
}

impl From<QueueName> for String {
    fn from(name: QueueName) -> Self {
        name.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_1_to_80_letters_digits_hyphens_and_underscores() {
        let longest = "q".repeat(80);
        let longest_fifo = format!("{}.fifo", "q".repeat(75));
        for good in ["a", "Commands-2_x", "a.fifo", &longest, &longest_fifo] {
            assert!(QueueName::parse(good).is_some(), "{good}");
        }
        let too_long = "q".repeat(81);
        let too_long_fifo = format!("{}.fifo", "q".repeat(76));
        for bad in [
            "",
            ".fifo",
            "a.b",
            "a b",
            "a.fifo.fifo",
            "é",
            &too_long,
            &too_long_fifo,
        ] {
            assert!(QueueName::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_url_of_another_port_names_the_same_queue() {
        let name = QueueName::parse("commands.fifo");
        assert_eq!(
            QueueName::from_url("http://127.0.0.1:4566/000000000000/commands.fifo"),
            name
        );
        assert_eq!(
            QueueName::from_url("http://localhost:1/000000000000/commands.fifo"),
            name
        );
        assert_eq!(QueueName::from_url(""), None);
    }

    #[test]
    fn an_arn_names_its_queue_and_nothing_else_does() {
        let name = QueueName::parse("dlq").expect("a good name");
        assert_eq!(QueueName::from_arn(&name.arn()), Some(name));
        for bad in [
            "dlq",
            "arn:aws:sns:us-east-1:000000000000:dlq",
            "arn:aws:sqs:us-east-1:dlq",
            "arn:aws:sqs:eu-west-1:000000000000:dlq",
        ] {
            assert_eq!(QueueName::from_arn(bad), None, "{bad}");
        }
    }
}
