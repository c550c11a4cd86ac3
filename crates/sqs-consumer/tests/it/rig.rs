//! What the tests share: a consumer over a queue in memory, and a handler that does as its messages say.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use sqs_consumer::testing::FakeQueue;
use sqs_consumer::{
    Consumer, Context, Disposition, Error, Handler, Message, Monitor, OutgoingMessage, Settings,
    Snapshot,
};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// One run of the scripted handler.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) body: String,
    pub(crate) attempt: u32,
    pub(crate) receive_count: u32,
    pub(crate) began: Instant,
    pub(crate) ended: Option<Instant>,
}

type Script = Box<dyn Fn(&Message, &Context) -> (Duration, Act) + Send + Sync>;

/// What the scripted handler does after its time.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    Say(Disposition),
    Panic,
    /// Waits for the token and then says this.
    UntilCancelled(Disposition),
    /// Never ends, whatever the token says.
    Hang,
}

impl Act {
    pub(crate) fn done() -> Self {
        Self::Say(Disposition::Done)
    }

    pub(crate) fn retry() -> Self {
        Self::Say(retry())
    }

    pub(crate) fn dead_letter(reason: &str) -> Self {
        Self::Say(Disposition::DeadLetter {
            reason: reason.to_owned(),
            detail: "why".to_owned(),
        })
    }
}

pub(crate) fn retry() -> Disposition {
    Disposition::Retry {
        after: None,
        reason: "not yet".to_owned(),
    }
}

/// Acts by its script and remembers its runs.
pub(crate) struct Scripted {
    script: Script,
    runs: Arc<Mutex<Vec<Run>>>,
}

impl Handler for Scripted {
    async fn handle(&self, message: &Message, context: &Context) -> Disposition {
        let index = {
            let mut runs = self.runs.lock().unwrap();
            runs.push(Run {
                body: message.body().to_owned(),
                attempt: context.attempt(),
                receive_count: message.receive_count(),
                began: Instant::now(),
                ended: None,
            });
            runs.len() - 1
        };
        let (time, act) = (self.script)(message, context);
        tokio::time::sleep(time).await;
        let disposition = match act {
            Act::Say(disposition) => disposition,
            Act::Panic => panic!("as scripted"),
            Act::UntilCancelled(disposition) => {
                context.cancellation_token().cancelled().await;
                disposition
            }
            Act::Hang => std::future::pending().await,
        };
        self.runs.lock().unwrap()[index].ended = Some(Instant::now());
        disposition
    }
}

/// A consumer that runs in a task, over queues in memory.
pub(crate) struct Rig {
    pub(crate) dead_letters: FakeQueue,
    pub(crate) monitor: Monitor,
    pub(crate) shutdown: CancellationToken,
    runs: Arc<Mutex<Vec<Run>>>,
    task: JoinHandle<Result<Snapshot, Error>>,
}

impl Rig {
    /// Starts a consumer of this queue, with a dead-letter queue of the same kind.
    pub(crate) fn start(
        queue: &FakeQueue,
        settings: Settings,
        script: impl Fn(&Message, &Context) -> (Duration, Act) + Send + Sync + 'static,
    ) -> Self {
        let fifo = sqs_consumer::Queue::is_fifo(queue);
        let dead_letters = FakeQueue::new(if fifo { "dead.fifo" } else { "dead" });
        let runs = Arc::default();
        let handler = Scripted {
            script: Box::new(script),
            runs: Arc::clone(&runs),
        };
        let consumer = Consumer::over(queue.clone(), Some(dead_letters.clone()), settings).unwrap();
        let (monitor, shutdown) = (consumer.monitor(), CancellationToken::new());
        let task = tokio::spawn(consumer.run(handler, shutdown.clone()));
        Self {
            dead_letters,
            monitor,
            shutdown,
            runs,
            task,
        }
    }

    pub(crate) fn runs(&self) -> Vec<Run> {
        self.runs.lock().unwrap().clone()
    }

    /// Returns the bodies in the order in which their handlers began.
    pub(crate) fn began(&self) -> Vec<String> {
        self.runs().into_iter().map(|run| run.body).collect()
    }

    /// Waits until the counts satisfy the condition, for two days at most: paused time never hangs.
    pub(crate) async fn until(&mut self, condition: impl FnMut(&Snapshot) -> bool) -> Snapshot {
        let satisfied =
            tokio::time::timeout(secs(2 * 24 * 3_600), self.monitor.wait_for(condition));
        let satisfied = satisfied.await.ok();
        satisfied.unwrap_or_else(|| panic!("it never came to it: {:?}", self.monitor.snapshot()))
    }

    /// Waits for the end of the run, which the shutdown must have brought about.
    pub(crate) async fn ended(self) -> Result<Snapshot, Error> {
        self.task.await.unwrap()
    }

    /// Drops the consumer as a crash would and waits until it is gone.
    pub(crate) async fn crash(self) {
        self.task.abort();
        assert!(self.task.await.unwrap_err().is_cancelled());
    }

    pub(crate) async fn stop(self) -> Snapshot {
        self.shutdown.cancel();
        self.ended().await.unwrap()
    }
}

pub(crate) fn message(body: &str) -> OutgoingMessage {
    OutgoingMessage {
        body: body.to_owned(),
        ..OutgoingMessage::default()
    }
}

pub(crate) fn grouped(group: &str, body: &str) -> OutgoingMessage {
    OutgoingMessage {
        group_id: Some(group.to_owned()),
        ..message(body)
    }
}

pub(crate) fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub(crate) fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}
