//! Spans and logs: fields of the messaging conventions, the sender's trace, and nothing private.
//!
//! A process of its own, since what others log at the same time decides which spans `tracing` keeps up.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sqs_consumer::testing::FakeQueue;
use sqs_consumer::{Consumer, Disposition, Message, OutgoingMessage, Settings, handler_fn};
use tokio_util::sync::CancellationToken;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// Everything that was logged, as text, spans apart from events.
#[derive(Clone, Default)]
struct Transcript {
    spans: Arc<Mutex<Vec<String>>>,
    events: Arc<Mutex<Vec<String>>>,
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {}={value:?}", field.name()).unwrap();
    }
}

impl<S: Subscriber> Layer<S> for Transcript {
    fn on_new_span(&self, attributes: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
        let mut line = Line(attributes.metadata().name().to_owned());
        attributes.record(&mut line);
        self.spans.lock().unwrap().push(line.0);
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        self.events.lock().unwrap().push(line.0);
    }
}

fn message(body: &str) -> OutgoingMessage {
    OutgoingMessage {
        body: body.to_owned(),
        ..OutgoingMessage::default()
    }
}

/// Fails at first; then the message with a trace is done and the other one dead-lettered.
async fn act(message: Message, context: sqs_consumer::Context) -> Disposition {
    tokio::time::sleep(Duration::from_millis(10)).await;
    match (message.trace_context().is_some(), context.attempt()) {
        (true, 1) => Disposition::Retry {
            after: None,
            reason: "not yet".to_owned(),
        },
        (true, _) => Disposition::Done,
        (false, 1) => std::panic::resume_unwind(Box::new("private-panic")),
        (false, _) => Disposition::DeadLetter {
            reason: "hopeless".to_owned(),
            detail: "private-detail".to_owned(),
        },
    }
}

#[tokio::test(start_paused = true)]
async fn a_handler_runs_in_a_span_that_names_its_message_and_the_senders_trace_and_nothing_private_is_logged()
 {
    let transcript = Transcript::default();
    let _logging =
        tracing::subscriber::set_default(tracing_subscriber::registry().with(transcript.clone()));
    let queue = FakeQueue::new("commands");
    let private = || BTreeMap::from([("private-name".to_owned(), "private-value".into())]);
    let id = queue.put(OutgoingMessage {
        group_id: Some("private-group".to_owned()),
        attributes: private(),
        ..message(&format!(
            r#"{{"traceparent":"{TRACEPARENT}","private-body":1}}"#
        ))
    });
    queue.put(OutgoingMessage {
        attributes: private(),
        ..message("private-body")
    });
    let (links, linked) = std::sync::mpsc::channel();

    let dead_letters = FakeQueue::new("dead");
    let consumer = Consumer::over(queue.clone(), Some(dead_letters), Settings::default())
        .unwrap()
        .link_spans(move |span, trace| {
            links
                .send((span.metadata().unwrap().name(), trace.traceparent()))
                .unwrap()
        });
    let (mut monitor, shutdown) = (consumer.monitor(), CancellationToken::new());
    let handler = handler_fn(act);
    let run = tokio::spawn(consumer.run(handler, shutdown.clone()));
    monitor
        .wait_for(|snapshot| snapshot.counters.deleted == 2)
        .await;
    shutdown.cancel();
    run.await.unwrap().unwrap();

    let spans = transcript.spans.lock().unwrap().join("\n");
    let events = transcript.events.lock().unwrap().join("\n");
    for expected in [
        format!("messaging.message.id={:?}", id.unwrap()),
        "messaging.system=\"aws_sqs\"".to_owned(),
        "messaging.destination.name=\"commands\"".to_owned(),
        "messaging.operation.type=\"process\"".to_owned(),
        "attempt=2".to_owned(),
        "link.trace_id=\"4bf92f3577b34da6a3ce929d0e0e4736\"".to_owned(),
        "link.span_id=\"00f067aa0ba902b7\"".to_owned(),
    ] {
        assert!(spans.contains(&expected), "{expected} is not in\n{spans}");
    }
    for expected in ["not yet", "hopeless", "the handler panicked"] {
        assert!(events.contains(expected), "{expected} is not in\n{events}");
    }
    assert!(
        !spans.contains("private") && !events.contains("private"),
        "{spans}\n{events}"
    );
    assert_eq!(
        linked.iter().collect::<Vec<_>>(),
        vec![("process", TRACEPARENT.to_owned()); 2]
    );
}
