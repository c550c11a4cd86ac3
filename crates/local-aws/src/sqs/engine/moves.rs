mod steps;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::{Effects, Engine, Write};
use crate::sqs::fault::{Code, Fault};
use crate::sqs::moment::Moment;
use crate::sqs::name::QueueName;
use crate::sqs::request::{MoveReport, Reply};

/// The maximum of listed tasks per source, including the running one.
const MAX_KEPT: usize = 10;

/// A task that moves the messages of a dead-letter queue back to their sources, or to another queue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct MoveRecord {
    pub(crate) id: Uuid,
    pub(crate) source: QueueName,
    pub(crate) source_arn: String,
    pub(crate) destination: Option<QueueName>,
    pub(crate) destination_arn: Option<String>,
    pub(crate) per_second: Option<u32>,
    pub(crate) state: MoveState,
    pub(crate) moved: u64,
    pub(crate) to_move: u64,
    pub(crate) started: Moment,
    pub(crate) next_step: Moment,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum MoveState {
    Running,
    Completed,
    Cancelled,
    Failed(String),
}

impl Engine {
    pub(super) fn start_move(
        &mut self,
        id: Uuid,
        source_arn: String,
        destination_arn: Option<String>,
        per_second: Option<u32>,
        now: Moment,
        effects: &mut Effects,
    ) -> Result<Reply, Fault> {
        let source = self.queue_of_arn(&source_arn, "SourceArn")?;
        let destination = match &destination_arn {
            Some(arn) => Some(self.queue_of_arn(arn, "DestinationArn")?),
            None => None,
        };
        if self.dead_letter_sources(&source).next().is_none() {
            return Err(Fault::invalid(
                "Source queue must be configured as a Dead Letter Queue.",
            ));
        }
        if destination
            .as_ref()
            .is_some_and(|to| to.is_fifo() != source.is_fifo())
        {
            return Err(Fault::invalid(
                "Source and destination queues must be of the same type.",
            ));
        }
        if destination.as_ref() == Some(&source) {
            return Err(Fault::invalid(
                "Source queue arn and destination queue arn can't be the same.",
            ));
        }
        if self
            .moves
            .values()
            .any(|task| task.source == source && task.state == MoveState::Running)
        {
            return Err(Fault::invalid(
                "There is already a task running. Only one active task is allowed for a source queue arn at a given time.",
            ));
        }
        let queue = self.queue_mut(&source)?;
        queue.advance(now, effects);
        let to_move = queue.counts().visible as u64;
        let task = MoveRecord {
            id,
            source,
            source_arn,
            destination,
            destination_arn,
            per_second,
            state: MoveState::Running,
            moved: 0,
            to_move,
            started: now,
            next_step: now,
        };
        self.drop_old_moves(&task.source, effects);
        let handle = task.handle();
        self.save_move(task, effects);
        Ok(Reply::MoveStarted { handle })
    }

    /// Returns the tasks of a source, the latest first.
    pub(super) fn list_moves(&self, source_arn: &str, limit: usize) -> Result<Reply, Fault> {
        let source = self.queue_of_arn(source_arn, "SourceArn")?;
        let tasks = self
            .moves_of(&source)
            .into_iter()
            .take(limit)
            .map(MoveRecord::report);
        Ok(Reply::Moves(tasks.collect()))
    }

    pub(super) fn cancel_move(
        &mut self,
        id: Uuid,
        source_arn: &str,
        effects: &mut Effects,
    ) -> Result<Reply, Fault> {
        let source = self.queue_of_arn(source_arn, "SourceArn")?;
        let task = self.moves.get(&id).filter(|task| task.source == source);
        let mut task = task
            .cloned()
            .ok_or_else(|| not_found("Task does not exist."))?;
        if task.state != MoveState::Running {
            return Err(Fault::new(
                Code::UnsupportedOperation,
                "Only active tasks can be cancelled.",
            ));
        }
        task.state = MoveState::Cancelled;
        let moved = task.moved;
        self.save_move(task, effects);
        Ok(Reply::MoveCancelled { moved })
    }

    fn save_move(&mut self, task: MoveRecord, effects: &mut Effects) {
        effects.write(Write::SaveMove(Box::new(task.clone())));
        self.moves.insert(task.id, task);
    }

    fn drop_old_moves(&mut self, source: &QueueName, effects: &mut Effects) {
        let old: Vec<Uuid> = self
            .moves_of(source)
            .iter()
            .skip(MAX_KEPT - 1)
            .map(|task| task.id)
            .collect();
        for id in old {
            self.moves.remove(&id);
            effects.write(Write::DropMove(id));
        }
    }

    fn moves_of(&self, source: &QueueName) -> Vec<&MoveRecord> {
        let mut tasks: Vec<&MoveRecord> = self
            .moves
            .values()
            .filter(|task| task.source == *source)
            .collect();
        tasks.sort_by_key(|task| std::cmp::Reverse(task.started));
        tasks
    }

    fn queue_of_arn(&self, arn: &str, parameter: &str) -> Result<QueueName, Fault> {
        QueueName::from_arn(arn)
            .filter(|name| self.names.contains_key(name))
            .ok_or_else(|| {
                not_found(&format!(
                    "The resource that you specified for the {parameter} parameter doesn't exist."
                ))
            })
    }
}

impl MoveRecord {
    /// Returns the handle that cancels the task.
    fn handle(&self) -> String {
        STANDARD.encode(json!({ "taskId": self.id, "sourceArn": self.source_arn }).to_string())
    }

    fn report(&self) -> MoveReport {
        let (status, failure) = match &self.state {
            MoveState::Running => ("RUNNING", None),
            MoveState::Completed => ("COMPLETED", None),
            MoveState::Cancelled => ("CANCELLED", None),
            MoveState::Failed(reason) => ("FAILED", Some(reason.clone())),
        };
        MoveReport {
            handle: (self.state == MoveState::Running).then(|| self.handle()),
            status,
            source_arn: self.source_arn.clone(),
            destination_arn: self.destination_arn.clone(),
            per_second: self.per_second,
            moved: self.moved,
            to_move: self.to_move,
            failure,
            started: self.started,
        }
    }
}

fn not_found(message: &str) -> Fault {
    Fault::new(Code::ResourceNotFound, message)
}
