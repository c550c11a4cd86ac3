//! Deliberate bugs, one at a time.

use dynamo_streams::Record;
use sqs_consumer::Message;

use crate::aws::ApiCall;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Bug {}

impl Bug {
    pub(crate) fn spoil(self, _call: &mut ApiCall) {
        match self {}
    }

    pub(crate) fn instead_of_command(
        self,
        _message: &Message,
    ) -> Option<sqs_consumer::Disposition> {
        match self {}
    }

    pub(crate) fn after_command(
        self,
        _done: sqs_consumer::Disposition,
    ) -> sqs_consumer::Disposition {
        match self {}
    }

    pub(crate) fn instead_of_record(self, _record: &Record) -> Option<dynamo_streams::Disposition> {
        match self {}
    }

    pub(crate) fn after_record(
        self,
        _done: dynamo_streams::Disposition,
    ) -> dynamo_streams::Disposition {
        match self {}
    }
}
