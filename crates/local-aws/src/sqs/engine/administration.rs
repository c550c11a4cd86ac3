use std::collections::BTreeMap;

use super::{Effects, Engine, Queue, QueueRecord, Write};
use crate::sqs::fault::{Code, Fault};
use crate::sqs::message::QueueId;
use crate::sqs::moment::Moment;
use crate::sqs::name::QueueName;
use crate::sqs::request::Reply;
use crate::sqs::settings::Settings;

const MAX_TAGS: usize = 50;
const PURGE_INTERVAL_SECONDS: u32 = 60;
/// How long the name of a deleted queue is not free.
pub(super) const DELETED_SECONDS: u32 = 60;

impl Engine {
    /// Creates a queue. An existing queue with the same name and the requested attributes is returned.
    pub(super) fn create_queue(
        &mut self,
        name: QueueName,
        attributes: &BTreeMap<String, String>,
        tags: BTreeMap<String, String>,
        now: Moment,
        effects: &mut Effects,
    ) -> Result<Reply, Fault> {
        if let Ok(existing) = self.queue(&name) {
            return match existing.settings.first_difference(attributes)? {
                None => Ok(Reply::Queue(name)),
                Some(attribute) => Err(Fault::new(
                    Code::QueueAlreadyExists,
                    format!(
                        "A queue already exists with the same name and a different value for attribute {attribute}"
                    ),
                )),
            };
        }
        if self.is_deleted_recently(&name, now) {
            return Err(Fault::new(
                Code::QueueDeletedRecently,
                format!(
                    "You must wait {DELETED_SECONDS} seconds after deleting a queue before you can create another with the same name."
                ),
            ));
        }
        let settings = Settings::for_new(&name, attributes)?;
        self.check_redrive(&name, &settings)?;
        check_tags(&tags)?;
        self.last_queue += 1;
        let id = QueueId(self.last_queue);
        let record = QueueRecord {
            name: name.clone(),
            settings,
            tags,
            created: now,
            modified: now,
        };
        self.restore_queue(id, record.clone());
        effects.write(Write::SaveQueue(id, Box::new(record)));
        Ok(Reply::Queue(name))
    }

    pub(super) fn delete_queue(
        &mut self,
        name: &QueueName,
        now: Moment,
        effects: &mut Effects,
    ) -> Result<Reply, Fault> {
        let id = self.queue(name)?.id;
        self.names.remove(name);
        self.deleted.insert(name.clone(), now);
        self.queues.remove(&id);
        effects.write(Write::DropQueue(id));
        effects.wake(id);
        Ok(Reply::Done)
    }

    fn is_deleted_recently(&self, name: &QueueName, now: Moment) -> bool {
        self.deleted
            .get(name)
            .is_some_and(|deleted| now < deleted.plus_seconds(DELETED_SECONDS))
    }

    /// Deletes all messages at once. It is allowed once a minute, as with the service, where a purge takes that long.
    pub(super) fn purge_queue(
        &mut self,
        name: &QueueName,
        now: Moment,
        effects: &mut Effects,
    ) -> Result<Reply, Fault> {
        let queue = self.queue_mut(name)?;
        if queue
            .purged
            .is_some_and(|purged| now < purged.plus_seconds(PURGE_INTERVAL_SECONDS))
        {
            return Err(Fault::new(
                Code::PurgeQueueInProgress,
                format!("Only one PurgeQueue operation on {name} is allowed every 60 seconds."),
            ));
        }
        queue.purged = Some(now);
        queue.clear();
        effects.write(Write::Purge(queue.id));
        Ok(Reply::Done)
    }

    pub(super) fn get_attributes(
        &mut self,
        name: &QueueName,
        names: &[String],
        now: Moment,
        effects: &mut Effects,
    ) -> Result<Reply, Fault> {
        let queue = self.queue_mut(name)?;
        queue.advance(now, effects);
        let times = (queue.created, queue.modified);
        queue
            .settings
            .render(names, name, times, queue.counts())
            .map(Reply::Attributes)
    }

    pub(super) fn set_attributes(
        &mut self,
        name: &QueueName,
        attributes: &BTreeMap<String, String>,
        now: Moment,
        effects: &mut Effects,
    ) -> Result<Reply, Fault> {
        let settings = self.queue(name)?.settings.with(attributes)?;
        if attributes.contains_key("RedrivePolicy") {
            self.check_redrive(name, &settings)?;
        }
        let queue = self.queue_mut(name)?;
        let delay_changed = settings.delay_seconds != queue.settings.delay_seconds;
        queue.settings = settings;
        queue.modified = now;
        if delay_changed && queue.is_fifo() {
            queue.delay_again(now, effects);
        }
        save(queue, effects);
        effects.wake(queue.id);
        Ok(Reply::Done)
    }

    pub(super) fn tag(
        &mut self,
        name: &QueueName,
        tags: BTreeMap<String, String>,
        effects: &mut Effects,
    ) -> Result<Reply, Fault> {
        let queue = self.queue_mut(name)?;
        let mut all = queue.tags.clone();
        all.extend(tags);
        check_tags(&all)?;
        queue.tags = all;
        save(queue, effects);
        Ok(Reply::Done)
    }

    pub(super) fn untag(
        &mut self,
        name: &QueueName,
        keys: &[String],
        effects: &mut Effects,
    ) -> Result<Reply, Fault> {
        let queue = self.queue_mut(name)?;
        queue.tags.retain(|key, _| !keys.contains(key));
        save(queue, effects);
        Ok(Reply::Done)
    }

    /// Checks that a dead-letter queue exists, has the same type, and permits the redrive.
    fn check_redrive(&self, source: &QueueName, settings: &Settings) -> Result<(), Fault> {
        let Some(redrive) = &settings.redrive else {
            return Ok(());
        };
        let invalid =
            |reason: &str| Fault::invalid_value(&redrive.target_arn, "RedrivePolicy", reason);
        if redrive.target.is_fifo() != source.is_fifo() {
            return Err(invalid(
                "Dead-letter queue must be same type of queue as the source.",
            ));
        }
        if redrive.target == *source {
            return Ok(());
        }
        let target = self
            .queue(&redrive.target)
            .map_err(|_| invalid("Dead letter target does not exist."))?;
        let permitted = target
            .settings
            .redrive_allow
            .as_ref()
            .is_none_or(|allow| allow.permits(source));
        if !permitted {
            return Err(invalid(
                "Queue is not permitted by the redrive allow policy of the dead-letter queue.",
            ));
        }
        Ok(())
    }
}

pub(super) fn save(queue: &Queue, effects: &mut Effects) {
    effects.write(Write::SaveQueue(queue.id, Box::new(queue.record())));
}

fn check_tags(tags: &BTreeMap<String, String>) -> Result<(), Fault> {
    if tags.len() > MAX_TAGS {
        return Err(Fault::invalid(format!(
            "Too many tags added: a queue can have {MAX_TAGS} at most."
        )));
    }
    Ok(())
}
