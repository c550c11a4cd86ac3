use serde_json::Error as JsonError;

/// What is wrong with a message that is no command; it goes to the dead-letter queue.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}: {detail}", reason = reason.code())]
pub struct Malformed {
    /// The kind of defect.
    pub reason: Reason,
    /// What to mend. It never quotes the message, which may hold contact details.
    pub detail: String,
}

/// The kinds of defect, as they stand in a dead letter's `reason` attribute (`RULES.md`, "Malformed messages").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The body is not JSON.
    InvalidJson,
    /// The body is not a CloudEvents 1.0 event.
    InvalidEnvelope,
    /// The type, or its version, is not known.
    UnknownType,
    /// `data` is not what the type asks for.
    InvalidData,
    /// The body is larger than a command may be.
    TooLarge,
    /// The source and id stand for another command already.
    CommandIdReused,
}

impl Reason {
    /// Returns the code.
    pub fn code(self) -> &'static str {
        match self {
            Self::InvalidJson => "INVALID_JSON",
            Self::InvalidEnvelope => "INVALID_ENVELOPE",
            Self::UnknownType => "UNKNOWN_TYPE",
            Self::InvalidData => "INVALID_DATA",
            Self::TooLarge => "TOO_LARGE",
            Self::CommandIdReused => "COMMAND_ID_REUSED",
        }
    }
}

impl Malformed {
    pub(crate) fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self {
            reason,
            detail: detail.into(),
        }
    }

    /// Says what another payload under a known source and id is: the producer's defect.
    pub fn command_id_reused() -> Self {
        let detail = "this source and id were used for a command with another type or data";
        Self::new(Reason::CommandIdReused, detail)
    }

    /// Names the field and what it should be.
    pub(crate) fn at(
        reason: Reason,
        root: &str,
        error: &serde_path_to_error::Error<JsonError>,
    ) -> Self {
        let path = error.path().to_string();
        let expected = without_values(&error.inner().to_string());
        let detail = match (root, path.as_str()) {
            ("", ".") => expected,
            (_, ".") => format!("{root}: {expected}"),
            ("", _) => format!("{path}: {expected}"),
            (_, _) => format!("{root}.{path}: {expected}"),
        };
        Self::new(reason, detail)
    }

    /// Says that a list or a plain value stands where an object should.
    pub(crate) fn no_object(field: &str) -> Self {
        Self::new(
            Reason::InvalidData,
            format!("{field}: {EXPECTED_AN_OBJECT}"),
        )
    }
}

const EXPECTED_AN_OBJECT: &str = "expected an object";

/// Takes from serde's message what was expected and leaves out what was found, which may be private.
///
/// Messages of our own types hold no values to begin with ([`crate::InvalidValue`]).
pub fn without_values(message: &str) -> String {
    match message.rsplit_once(", expected ") {
        Some((_, expected)) if expected.starts_with("struct ") => EXPECTED_AN_OBJECT.to_owned(),
        Some((_, "i64")) => "expected a whole number".to_owned(),
        Some((_, "u64" | "u32" | "u16")) => "expected a whole number, 0 or more".to_owned(),
        Some((_, expected)) => format!("expected {expected}"),
        None => message.to_owned(),
    }
}
