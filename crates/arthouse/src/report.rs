//! Errors for people: once, on stderr, with what to do about them.

use std::error::Error;
use std::io::{self, ErrorKind};

use arthouse_worker::{QueueError, chain};
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_dynamodb::types::error::ResourceNotFoundException;

use crate::exit::Failure;
use crate::{Exit, output};

/// Tells an error and returns how it ends the program.
pub(crate) fn report(error: &anyhow::Error) -> Exit {
    if output::is_reader_gone(error) {
        return Exit::of(error);
    }
    if let Some(interrupted @ Failure::Interrupted(_)) = error.downcast_ref() {
        output::note(interrupted);
        return Exit::of(error);
    }
    output::note(format!("error: {}", chain(error.as_ref())));
    if let Some(hint) = hint(error) {
        output::note(format!("hint: {hint}"));
    }
    Exit::of(error)
}

fn hint(error: &anyhow::Error) -> Option<&'static str> {
    error.chain().find_map(hint_for)
}

fn hint_for(cause: &(dyn Error + 'static)) -> Option<&'static str> {
    if cause
        .downcast_ref::<io::Error>()
        .is_some_and(|error| error.kind() == ErrorKind::ConnectionRefused)
    {
        return Some(
            "nothing listens there: is `arthouse local` running, and AWS_ENDPOINT_URL the endpoint that it printed?",
        );
    }
    if cause
        .downcast_ref::<io::Error>()
        .is_some_and(|error| error.kind() == ErrorKind::AddrInUse)
    {
        return Some("something listens there already: choose another address with --http");
    }
    if cause.is::<ResourceNotFoundException>() {
        return Some(
            "a table is missing: run `arthouse provision`, with the same --prefix, endpoint and region",
        );
    }
    if let Some(QueueError::Missing(_)) = cause.downcast_ref() {
        return Some("are --prefix, endpoint and region the ones that it was made with?");
    }
    if let Some(sqs_consumer::Error::QueueNotFound(_)) = cause.downcast_ref() {
        return Some("run `arthouse provision`, with the same --prefix, endpoint and region");
    }
    if let Some(dynamo_streams::Error::NotFound { .. } | dynamo_streams::Error::NoStream { .. }) =
        cause.downcast_ref()
    {
        return Some("run `arthouse provision`, with the same --prefix, endpoint and region");
    }
    match cause.downcast_ref() {
        Some(CredentialsError::CredentialsNotLoaded(_)) => Some(
            "no AWS credentials were found: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
        ),
        Some(CredentialsError::InvalidConfiguration(_)) if cfg!(not(feature = "sso")) => Some(
            "does the profile log in through IAM Identity Center, or name a credential process? Programs compiled with `--features sso` can \
             use it; `aws configure export-credentials --format env` makes credentials that every program takes",
        ),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[test]
    fn a_cause_is_told_once() {
        let refused = io::Error::new(ErrorKind::ConnectionRefused, "connection refused");
        let failed: anyhow::Result<()> = Err(refused.into());
        let failed = failed
            .context("GetItem failed: connection refused")
            .context("can't read the course");
        let error = failed.unwrap_err();
        assert_eq!(
            chain(error.as_ref()),
            "can't read the course: GetItem failed: connection refused"
        );
        assert!(hint(&error).is_some_and(|hint| hint.contains("arthouse local")));
    }

    #[test]
    fn a_missing_queue_is_met_with_what_to_look_at() {
        let error = anyhow::Error::from(QueueError::Missing("x-arthouse-commands.fifo".into()));
        assert!(hint(&error).is_some_and(|hint| hint.contains("--prefix")));
        assert_eq!(hint(&anyhow::anyhow!("another problem")), None);
    }
}
