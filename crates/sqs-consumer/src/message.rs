//! A message as it was received.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::attribute::Attribute;
use crate::trace::TraceContext;

/// One received message. Cloning is cheap: clones share the body.
///
/// `Debug` shows neither body nor attributes, so that a message may be logged.
#[derive(Clone, PartialEq, Eq)]
pub struct Message(Arc<Parts>);

#[derive(Clone, PartialEq, Eq)]
struct Parts {
    message_id: String,
    body: String,
    group_id: Option<String>,
    sent_at: SystemTime,
    receive_count: u32,
    time_since_first_receive: Option<Duration>,
    attributes: BTreeMap<String, Attribute>,
    trace_header: Option<String>,
    moved_from: Option<String>,
    sender_id: Option<String>,
}

impl Message {
    /// Makes a message, for the test of a handler or for an implementation of [`Queue`](crate::Queue).
    #[must_use]
    pub fn new(message_id: impl Into<String>, body: impl Into<String>) -> Self {
        Self(Arc::new(Parts {
            message_id: message_id.into(),
            body: body.into(),
            group_id: None,
            sent_at: SystemTime::UNIX_EPOCH,
            receive_count: 1,
            time_since_first_receive: None,
            attributes: BTreeMap::new(),
            trace_header: None,
            moved_from: None,
            sender_id: None,
        }))
    }

    /// Returns the same message with this message group.
    #[must_use]
    pub fn with_group_id(self, group_id: Option<String>) -> Self {
        self.edit(|parts| parts.group_id = group_id)
    }

    /// Returns the same message, sent at this time.
    #[must_use]
    pub fn with_sent_at(self, sent_at: SystemTime) -> Self {
        self.edit(|parts| parts.sent_at = sent_at)
    }

    /// Returns the same message, sent by this principal.
    #[must_use]
    pub fn with_sender_id(self, sender_id: Option<String>) -> Self {
        self.edit(|parts| parts.sender_id = sender_id)
    }

    /// Returns the same message with this receive count.
    #[must_use]
    pub fn with_receive_count(self, receive_count: u32) -> Self {
        self.edit(|parts| parts.receive_count = receive_count)
    }

    /// Returns the same message, first received this long before this delivery.
    #[must_use]
    pub fn with_time_since_first_receive(self, time: Option<Duration>) -> Self {
        self.edit(|parts| parts.time_since_first_receive = time)
    }

    /// Returns the same message with these message attributes instead of its own.
    #[must_use]
    pub fn with_attributes<N, A>(self, attributes: impl IntoIterator<Item = (N, A)>) -> Self
    where
        N: Into<String>,
        A: Into<Attribute>,
    {
        let attributes = attributes
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()));
        self.edit(|parts| parts.attributes = attributes.collect())
    }

    /// Returns the same message with this `AWSTraceHeader`.
    #[must_use]
    pub fn with_trace_header(self, trace_header: Option<String>) -> Self {
        self.edit(|parts| parts.trace_header = trace_header)
    }

    /// Returns the same message, moved to a dead-letter queue by the redrive policy of the queue with this ARN.
    #[must_use]
    pub fn with_moved_from(self, arn: Option<String>) -> Self {
        self.edit(|parts| parts.moved_from = arn)
    }

    fn edit(self, change: impl FnOnce(&mut Parts)) -> Self {
        let mut parts = Arc::unwrap_or_clone(self.0);
        change(&mut parts);
        Self(Arc::new(parts))
    }

    /// Returns the id that the queue gave to the message; the same at every delivery.
    #[must_use]
    pub fn message_id(&self) -> &str {
        &self.0.message_id
    }

    /// Returns the body as it was sent.
    #[must_use]
    pub fn body(&self) -> &str {
        &self.0.body
    }

    /// Returns the message group: always there on a FIFO queue, optional on a (fair) standard queue.
    #[must_use]
    pub fn group_id(&self) -> Option<&str> {
        self.0.group_id.as_deref()
    }

    /// Returns when the queue accepted the message (`SentTimestamp`, to the millisecond).
    #[must_use]
    pub fn sent_at(&self) -> SystemTime {
        self.0.sent_at
    }

    /// Returns how often the message has been received, this time included (`ApproximateReceiveCount`).
    ///
    /// Unlike [`Context::attempt`](crate::Context::attempt) it includes releases, deferrals and lost leases.
    #[must_use]
    pub fn receive_count(&self) -> u32 {
        self.0.receive_count
    }

    /// Returns how long before this delivery the message was first received (`ApproximateFirstReceiveTimestamp`), if the queue tells.
    #[must_use]
    pub fn time_since_first_receive(&self) -> Option<Duration> {
        self.0.time_since_first_receive
    }

    /// Returns the text of a message attribute of type String or Number.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.0.attributes.get(name).and_then(Attribute::as_str)
    }

    /// Returns all message attributes by name.
    #[must_use]
    pub fn attributes(&self) -> &BTreeMap<String, Attribute> {
        &self.0.attributes
    }

    /// Returns the X-Ray tracing header of the message (`AWSTraceHeader`).
    #[must_use]
    pub fn trace_header(&self) -> Option<&str> {
        self.0.trace_header.as_deref()
    }

    /// Returns who sent it, as SQS writes it (`SenderId`): the id of a user, or of a role and its session, `ROLE:SESSION`.
    #[must_use]
    pub fn sender_id(&self) -> Option<&str> {
        self.0.sender_id.as_deref()
    }

    /// Returns the ARN of the queue whose redrive policy moved the message to this dead-letter queue (`DeadLetterQueueSourceArn`). Its
    /// attributes are those of its sender, also those with the names in [`dead_letter`](crate::dead_letter).
    #[must_use]
    pub fn moved_from(&self) -> Option<&str> {
        self.0.moved_from.as_deref()
    }

    /// Returns the trace context of the sender: from `traceparent` in a JSON body, else from the attribute `traceparent`, else from
    /// `AWSTraceHeader`.
    #[must_use]
    pub fn trace_context(&self) -> Option<TraceContext> {
        TraceContext::find(
            self.body(),
            self.attribute("traceparent"),
            self.trace_header(),
        )
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("message_id", &self.0.message_id)
            .field("receive_count", &self.0.receive_count)
            .field("body_bytes", &self.0.body.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    const OTHER: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
    const XRAY: &str = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";

    #[test]
    fn debug_shows_neither_body_nor_attributes_nor_group() {
        let message = Message::new("m-1", "the secret body")
            .with_group_id(Some("private group".to_owned()))
            .with_attributes(BTreeMap::from([("k".to_owned(), "hidden".to_owned())]));

        let shown = format!("{message:?}");

        assert!(shown.contains("m-1"));
        for private in ["secret", "hidden", "private group"] {
            assert!(!shown.contains(private), "{shown}");
        }
    }

    #[test]
    fn the_body_comes_before_the_attribute_and_the_attribute_before_the_xray_header() {
        let bare = Message::new("m", "no json").with_trace_header(Some(XRAY.to_owned()));
        let attributed = bare.clone().with_attributes(BTreeMap::from([(
            "traceparent".to_owned(),
            OTHER.to_owned(),
        )]));
        let full = Message::new("m", format!(r#"{{"a":[1],"traceparent":"{TRACEPARENT}"}}"#))
            .with_attributes(attributed.attributes().clone())
            .with_trace_header(Some(XRAY.to_owned()));

        assert_eq!(bare.trace_context().unwrap().span_id(), "53995c3f42cd8ad8");
        assert_eq!(attributed.trace_context().unwrap().traceparent(), OTHER);
        assert_eq!(full.trace_context().unwrap().traceparent(), TRACEPARENT);
    }

    #[test]
    fn a_body_that_is_not_json_does_not_hide_the_attribute() {
        let message = Message::new("m", r#"{"traceparent" broken"#).with_attributes(
            BTreeMap::from([("traceparent".to_owned(), OTHER.to_owned())]),
        );
        assert_eq!(message.trace_context().unwrap().traceparent(), OTHER);
    }
}
