//! A consumer from start to drain: `cargo run -p sqs-consumer --features testing --example greetings`.
//!
//! It sends thirty greetings, of which one fails at first and one always, handles them, stops as it would on SIGTERM, and prints what
//! happened. The queues are fakes in memory. With a client of the AWS SDK, [`Consumer::builder`] and [`BatchSender::new`] take its place.

use std::error::Error;
use std::time::Duration;

use sqs_consumer::testing::FakeQueue;
use sqs_consumer::{
    BatchSender, CancellationToken, Consumer, Context, Disposition, Handler, Message,
    OutgoingMessage, RetryPolicy, SenderSettings, Settings, dead_letter,
};

/// Greets whoever the body names.
struct Greeter;

impl Handler for Greeter {
    async fn handle(&self, message: &Message, context: &Context) -> Disposition {
        match (message.body(), context.attempt()) {
            ("guest 7", 1) => Disposition::retry("not at the door yet"),
            ("guest 13", _) => Disposition::dead_letter("unlucky", "no such guest"),
            (guest, attempt) => {
                println!("hello, {guest} (attempt {attempt})");
                Disposition::Done
            }
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (guests, dead) = (FakeQueue::new("guests"), FakeQueue::new("guests-dead"));

    let sender = BatchSender::over(guests.clone(), SenderSettings::default())?;
    let mut sending = tokio::task::JoinSet::new();
    for n in 0..30 {
        let sender = sender.clone();
        sending.spawn(async move {
            sender
                .send(OutgoingMessage::new(format!("guest {n}")))
                .await
        });
    }
    while let Some(sent) = sending.join_next().await {
        sent??;
    }
    println!("{:?}", sender.counters());

    let retry = RetryPolicy::default().with_first_delay(Duration::from_secs(1));
    let settings = Settings::default()
        .with_wait_time(Duration::from_secs(1)) // so that the drain has no long poll to wait for
        .with_retry(retry);
    let consumer = Consumer::over(guests, Some(dead.clone()), settings)?;
    let (mut monitor, shutdown) = (consumer.monitor(), CancellationToken::new());
    let run = tokio::spawn(consumer.run(Greeter, shutdown.clone()));
    monitor
        .wait_for(|snapshot| snapshot.counters.deleted == 30)
        .await;
    shutdown.cancel();
    println!("{:#?}", run.await??);

    for message in dead.messages() {
        let reason = message.attributes[dead_letter::REASON].as_str();
        println!("dead: {:?} {:?}", message.body, reason);
    }
    Ok(())
}
