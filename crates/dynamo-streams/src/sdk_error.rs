//! Errors of the AWS SDK, classified by code and never by text.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};

use crate::error::{BoxError, Error};

/// Converts an error of the SDK.
pub(crate) fn classify<E>(operation: &'static str, error: SdkError<E>) -> Error
where
    E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    let code = error.code().map(str::to_owned);
    let source: BoxError = match error.into_source() {
        Ok(source) => source,
        Err(error) => error.into(),
    };
    match code.as_deref() {
        Some("ConditionalCheckFailedException") => Error::Fenced,
        Some("ResourceNotFoundException") => Error::NotFound { operation },
        Some("ExpiredIteratorException") => Error::IteratorExpired,
        Some("TrimmedDataAccessException") => Error::Trimmed,
        Some(
            "LimitExceededException"
            | "ThrottlingException"
            | "Throttling"
            | "ProvisionedThroughputExceededException"
            | "RequestLimitExceeded"
            | "TransactionConflictException"
            | "TransactionInProgressException"
            | "ReplicatedWriteConflictException",
        ) => Error::Throttled { operation, source },
        Some(_) | None => Error::Unavailable { operation, source },
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodbstreams::operation::get_records::GetRecordsError;
    use aws_sdk_dynamodbstreams::types::error as streams;

    use super::*;

    fn check(error: GetRecordsError, expected: fn(&Error) -> bool) {
        let error = classify("GetRecords", SdkError::service_error(error, http()));
        assert!(expected(&error), "{error:?}");
    }

    fn http() -> aws_sdk_dynamodb::config::http::HttpResponse {
        let status = 400_u16.try_into().unwrap();
        aws_sdk_dynamodb::config::http::HttpResponse::new(status, "".into())
    }

    fn generic(code: &str) -> GetRecordsError {
        let meta = aws_sdk_dynamodb::error::ErrorMetadata::builder();
        GetRecordsError::generic(meta.code(code).message("ExpiredIteratorException").build())
    }

    #[test]
    fn an_error_is_known_by_its_code_and_not_by_its_text() {
        check(generic("ExpiredIteratorException"), |error| {
            matches!(error, Error::IteratorExpired)
        });
        check(generic("TrimmedDataAccessException"), |error| {
            matches!(error, Error::Trimmed)
        });
        check(generic("ResourceNotFoundException"), |error| {
            matches!(error, Error::NotFound { .. })
        });
        check(generic("ThrottlingException"), |error| {
            matches!(error, Error::Throttled { .. })
        });
        check(generic("InternalServerError"), |error| {
            matches!(error, Error::Unavailable { .. })
        });
    }

    #[test]
    fn a_typed_error_carries_its_code_too() {
        let expired = streams::ExpiredIteratorException::builder()
            .meta(
                aws_sdk_dynamodb::error::ErrorMetadata::builder()
                    .code("ExpiredIteratorException")
                    .build(),
            )
            .build();
        check(
            GetRecordsError::ExpiredIteratorException(expired),
            |error| matches!(error, Error::IteratorExpired),
        );
    }
}
