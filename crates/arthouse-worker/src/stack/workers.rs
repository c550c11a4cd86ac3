//! The parts that run on a stack. A program can observe them before it runs them.

use dynamo_streams::Processor;
use sqs_consumer::Consumer;
use tokio_util::sync::CancellationToken;

use crate::commands::CommandHandler;
use crate::reactions::ReactionHandler;
use crate::reconcile::GapRepair;

/// The command worker.
#[derive(Debug)]
pub struct CommandWorker<H = CommandHandler> {
    /// Polls the commands queue.
    pub consumer: Consumer,
    /// Carries out commands.
    pub handler: H,
}

/// The stream processor and the repair of its gaps.
#[derive(Debug)]
pub struct StreamWorkers<H = ReactionHandler> {
    /// Reads the streams.
    pub processor: Processor,
    /// Reacts to the records.
    pub handler: H,
    /// Repairs gaps of the streams.
    pub repair: Option<GapRepair>,
}

/// The command worker and the stream processor of one process.
#[derive(Debug)]
pub struct Workers {
    /// The command worker.
    pub commands: CommandWorker,
    /// The stream processor.
    pub streams: StreamWorkers,
}

/// The final snapshots of a worker and a stream processor, once both have drained.
#[derive(Debug, Clone, Copy)]
pub struct RunSummary {
    /// The command worker's.
    pub commands: sqs_consumer::Snapshot,
    /// The stream processor's.
    pub streams: dynamo_streams::Snapshot,
}

/// Why a worker or a stream processor could not start or continue.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The command worker.
    #[error("the command worker has ended")]
    Commands(#[source] sqs_consumer::Error),
    /// The stream processor.
    #[error("the stream processor has not started")]
    Streams(#[source] dynamo_streams::Error),
}

impl<H: sqs_consumer::Handler> CommandWorker<H> {
    /// Runs until `shutdown` fires, then drains.
    ///
    /// # Errors
    /// Returns why it could not start or continue.
    pub async fn run(
        self,
        shutdown: CancellationToken,
    ) -> Result<sqs_consumer::Snapshot, RunError> {
        let ended = Box::pin(self.consumer.run(self.handler, shutdown)).await;
        ended.map_err(RunError::Commands)
    }
}

impl<H: dynamo_streams::Handler> StreamWorkers<H> {
    /// Runs until `shutdown` fires, then drains.
    ///
    /// # Errors
    /// Returns why it could not start.
    pub async fn run(
        self,
        shutdown: CancellationToken,
    ) -> Result<dynamo_streams::Snapshot, RunError> {
        let stop = shutdown.child_token();
        let processor = async {
            let ended = Box::pin(self.processor.run(self.handler, shutdown)).await;
            stop.cancel();
            ended
        };
        let repair = async {
            if let Some(repair) = &self.repair {
                repair.run(stop.clone()).await;
            }
        };
        let (ended, ()) = tokio::join!(processor, repair);
        ended.map_err(RunError::Streams)
    }
}

impl Workers {
    /// Runs both until `shutdown` fires, then drains both. If one fails, the other drains.
    ///
    /// # Errors
    /// Returns why one could not start or continue.
    pub async fn run(self, shutdown: CancellationToken) -> Result<RunSummary, RunError> {
        let stop = shutdown.child_token();
        let commands = async {
            let ended = self.commands.run(stop.clone()).await;
            stop.cancel();
            ended
        };
        let streams = async {
            let ended = self.streams.run(stop.clone()).await;
            stop.cancel();
            ended
        };
        let (commands, streams) = tokio::join!(commands, streams);
        Ok(RunSummary {
            commands: commands?,
            streams: streams?,
        })
    }
}
