//! Failures classified by type and code, never by text.

use aws_sdk_sqs::error::{BuildError, ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::types::BatchResultErrorEntry;

use crate::queue::{EntryError, ErrorKind, QueueError};

/// The prefix that codes of the older query protocol carry.
const QUERY_PREFIX: &str = "AWS.SimpleQueueService.";

pub(super) fn queue_error<E>(operation: &'static str, error: SdkError<E>) -> QueueError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    QueueError {
        kind: kind(&error),
        operation,
        source: Some(Box::new(error)),
    }
}

pub(super) fn unbuilt(operation: &'static str, error: BuildError) -> QueueError {
    QueueError {
        kind: ErrorKind::Invalid,
        operation,
        source: Some(Box::new(error)),
    }
}

pub(super) fn entry_error(entry: BatchResultErrorEntry) -> EntryError {
    let transient = match of_code(&entry.code) {
        Some(kind) => kind.is_transient(),
        None => !entry.sender_fault,
    };
    EntryError {
        code: entry.code,
        transient,
    }
}

fn kind<E: ProvideErrorMetadata>(error: &SdkError<E>) -> ErrorKind {
    if let SdkError::ConstructionFailure(_) = error {
        return ErrorKind::Invalid;
    }
    let SdkError::ServiceError(refused) = error else {
        return ErrorKind::Unavailable; // timed out, not sent, or an unreadable response
    };
    let known = refused.err().code().and_then(of_code);
    known.unwrap_or_else(|| of_status(refused.raw().status().as_u16()))
}

fn of_status(status: u16) -> ErrorKind {
    match status {
        429 => ErrorKind::Throttled,
        401 | 403 => ErrorKind::Denied,
        400..=499 => ErrorKind::Invalid,
        _ => ErrorKind::Unavailable,
    }
}

/// The codes that SQS, KMS behind it, and the services' common errors use.
fn of_code(code: &str) -> Option<ErrorKind> {
    let kind = match code.strip_prefix(QUERY_PREFIX).unwrap_or(code) {
        "QueueDoesNotExist" | "NonExistentQueue" => ErrorKind::QueueNotFound,
        "RequestThrottled"
        | "RequestThrottledException"
        | "Throttling"
        | "ThrottlingException"
        | "ThrottledException"
        | "TooManyRequestsException"
        | "RequestLimitExceeded"
        | "SlowDown"
        | "OverLimit"
        | "KmsThrottled"
        | "KMS.ThrottlingException" => ErrorKind::Throttled,
        "InternalError"
        | "InternalFailure"
        | "InternalServerError"
        | "ServiceUnavailable"
        | "RequestTimeout"
        | "RequestTimeoutException" => ErrorKind::Unavailable,
        "AccessDenied"
        | "AccessDeniedException"
        | "InvalidClientTokenId"
        | "UnrecognizedClientException"
        | "ExpiredToken"
        | "ExpiredTokenException"
        | "SignatureDoesNotMatch"
        | "InvalidSecurity"
        | "KmsAccessDenied"
        | "KmsDisabled"
        | "KmsInvalidState"
        | "KmsNotFound"
        | "KmsOptInRequired"
        | "KMS.AccessDeniedException"
        | "KMS.DisabledException" => ErrorKind::Denied,
        _ => return None,
    };
    Some(kind)
}

#[cfg(test)]
mod tests {
    use aws_sdk_sqs::config::http::HttpResponse;
    use aws_sdk_sqs::error::ErrorMetadata;
    use aws_sdk_sqs::operation::receive_message::ReceiveMessageError;

    use super::*;

    fn refused(code: &str, message: &str, status: u16) -> SdkError<ReceiveMessageError> {
        let meta = ErrorMetadata::builder().code(code).message(message).build();
        let raw = HttpResponse::new(
            status.try_into().unwrap(),
            aws_smithy_types::body::SdkBody::empty(),
        );
        SdkError::service_error(ReceiveMessageError::generic(meta), raw)
    }

    #[test]
    fn errors_are_told_apart_by_code_and_never_by_text() {
        let cases = [
            (
                "AWS.SimpleQueueService.NonExistentQueue",
                400,
                ErrorKind::QueueNotFound,
            ),
            ("QueueDoesNotExist", 400, ErrorKind::QueueNotFound),
            ("RequestThrottled", 400, ErrorKind::Throttled),
            ("OverLimit", 400, ErrorKind::Throttled),
            ("AccessDeniedException", 400, ErrorKind::Denied),
            ("InternalError", 500, ErrorKind::Unavailable),
            ("NeverHeardOf", 503, ErrorKind::Unavailable),
            ("NeverHeardOf", 429, ErrorKind::Throttled),
            ("NeverHeardOf", 400, ErrorKind::Invalid),
        ];
        for (code, status, expected) in cases {
            // The text lies about the kind in every case; only the code counts.
            let error = refused(
                code,
                "QueueDoesNotExist: request throttled, access denied",
                status,
            );
            assert_eq!(kind(&error), expected, "{code}");
        }
    }

    #[test]
    fn a_timeout_may_be_tried_again() {
        let error: SdkError<ReceiveMessageError> = SdkError::timeout_error("too slow");
        assert!(kind(&error).is_transient());
    }

    #[test]
    fn a_failed_entry_is_permanent_when_the_sender_is_at_fault_unless_it_was_throttled() {
        let entry = |code: &str, sender_fault| {
            let entry = BatchResultErrorEntry::builder()
                .id("0")
                .code(code)
                .sender_fault(sender_fault)
                .build();
            entry_error(entry.unwrap())
        };
        assert!(!entry("ReceiptHandleIsInvalid", true).transient);
        assert!(!entry("AWS.SimpleQueueService.MessageNotInflight", true).transient);
        assert!(!entry("InvalidParameterValue", true).transient);
        assert!(entry("RequestThrottled", true).transient);
        assert!(entry("InternalError", false).transient);
    }
}
