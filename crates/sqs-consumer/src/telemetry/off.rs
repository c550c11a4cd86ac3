//! In place of the metrics, without the feature `metrics`: records nothing.

use std::time::Duration;

use crate::monitor::Snapshot;
use crate::queue::{ErrorKind, QueueError};

/// The value of `messaging.system` (OpenTelemetry, messaging attributes).
pub(crate) const SYSTEM: &str = "aws_sqs";

pub(crate) struct Meter;

impl Meter {
    pub(crate) fn new(_queue: &str) -> Self {
        Self
    }

    pub(crate) fn publish(&mut self, _snapshot: &Snapshot) {}

    pub(crate) fn processed(&self, _took: Duration, _error_type: Option<&'static str>) {}

    pub(crate) fn requested(
        &self,
        _operation: &'static str,
        _took: Duration,
        _error: Option<ErrorKind>,
    ) {
    }
}

#[derive(Clone)]
pub(crate) struct SendMeter;

impl SendMeter {
    pub(crate) fn new(_queue: &str) -> Self {
        Self
    }

    pub(crate) fn request<T>(
        &self,
        _messages: usize,
        _took: Duration,
        _result: &Result<T, QueueError>,
    ) {
    }
}
