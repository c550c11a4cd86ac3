use crate::aws::ApiReply;
use crate::aws::adversity::Adversary;

/// Why a call of the streams is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    NotFound(String),
    Validation(String),
    Serialization,
    ExpiredIterator,
    Trimmed,
    LimitExceeded,
    Throttling,
}

impl Fault {
    pub(super) fn not_found(what: &str) -> Self {
        Self::NotFound(format!("Requested resource not found: {what}"))
    }

    pub(super) fn invalid(message: &str) -> Self {
        Self::Validation(message.to_owned())
    }

    pub(super) fn throttled(adversary: &mut Adversary) -> Self {
        if adversary.coin() {
            Self::LimitExceeded
        } else {
            Self::Throttling
        }
    }
}

impl From<Fault> for ApiReply {
    fn from(fault: Fault) -> Self {
        let (kind, message) = match &fault {
            Fault::NotFound(message) => ("ResourceNotFoundException", message.as_str()),
            Fault::Validation(message) => ("ValidationException", message.as_str()),
            Fault::Serialization => ("SerializationException", "The body is not JSON."),
            Fault::ExpiredIterator => ("ExpiredIteratorException", "Iterator expired"),
            Fault::Trimmed => (
                "TrimmedDataAccessException",
                "The operation attempted to read past the oldest stream record in a shard",
            ),
            Fault::LimitExceeded => (
                "LimitExceededException",
                "There were too many calls on the shard or the stream",
            ),
            Fault::Throttling => (
                "ThrottlingException",
                "Rate of requests exceeds the allowed throughput.",
            ),
        };
        Self::fault(400, kind, message)
    }
}
