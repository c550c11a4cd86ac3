use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::attempts::Attempts;
use super::deduplication::Deduplication;
use super::order::Order;
use super::{Effects, Write};
use crate::sqs::message::{Delivery, Message, QueueId, Seq};
use crate::sqs::moment::Moment;
use crate::sqs::name::QueueName;
use crate::sqs::request::Presence;
use crate::sqs::settings::{Counts, Settings};

/// A queue and its messages, with indexes for all lookups.
#[derive(Debug)]
pub(crate) struct Queue {
    pub(super) id: QueueId,
    pub(super) name: QueueName,
    pub(super) settings: Settings,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) created: Moment,
    pub(super) modified: Moment,
    pub(super) purged: Option<Moment>,
    pub(super) deduplication: Deduplication,
    pub(super) attempts: Attempts,
    messages: BTreeMap<Seq, (Presence, Message)>,
    order: Order,
    /// Hidden messages by the time when they become visible.
    hidden: BTreeSet<(Moment, Seq)>,
    /// All messages by the start of their retention.
    ages: BTreeSet<(Moment, Seq)>,
    in_flight: usize,
    seed: Option<u64>,
}

/// The stored record of a queue, without its messages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct QueueRecord {
    pub(crate) name: QueueName,
    pub(crate) settings: Settings,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) created: Moment,
    pub(crate) modified: Moment,
}

impl Queue {
    pub(super) fn restore(id: QueueId, record: QueueRecord, seed: Option<u64>) -> Self {
        let QueueRecord {
            name,
            settings,
            tags,
            created,
            modified,
        } = record;
        let order = Order::new(settings.fifo.is_some(), seed);
        Self {
            id,
            name,
            settings,
            tags,
            created,
            modified,
            purged: None,
            deduplication: Deduplication::default(),
            attempts: Attempts::default(),
            messages: BTreeMap::new(),
            order,
            hidden: BTreeSet::new(),
            ages: BTreeSet::new(),
            in_flight: 0,
            seed,
        }
    }

    pub(super) fn record(&self) -> QueueRecord {
        QueueRecord {
            name: self.name.clone(),
            settings: self.settings.clone(),
            tags: self.tags.clone(),
            created: self.created,
            modified: self.modified,
        }
    }

    pub(super) fn is_fifo(&self) -> bool {
        self.settings.fifo.is_some()
    }

    pub(super) fn counts(&self) -> Counts {
        let delayed = self.hidden.len() - self.in_flight;
        Counts {
            visible: self.messages.len() - self.hidden.len(),
            in_flight: self.in_flight,
            delayed,
        }
    }

    pub(super) fn get(&self, seq: Seq) -> Option<(Presence, &Message)> {
        self.messages
            .get(&seq)
            .map(|(state, message)| (*state, message))
    }

    /// All messages in the order in which they were sent, without receiving them.
    pub(super) fn all(&self) -> impl Iterator<Item = (Seq, Presence, &Message)> {
        self.messages
            .iter()
            .map(|(seq, (state, message))| (*seq, *state, message))
    }

    pub(super) fn front(&self, limit: usize, passed_over: usize) -> Vec<Seq> {
        self.order.front(limit, passed_over)
    }

    pub(super) fn next_visible(&self) -> Option<Moment> {
        self.hidden.first().map(|(due, _)| *due)
    }

    /// Adds a message: visible, delayed or in flight, according to its delivery.
    pub(super) fn insert(&mut self, seq: Seq, message: Message, now: Moment) {
        let state = state_of(&message.delivery, now);
        if state != Presence::Visible {
            self.order.hide(seq, &message);
        }
        self.ages.insert((message.enqueued, seq));
        self.messages.insert(seq, (state, message));
        self.index(seq);
    }

    /// Sets the delivery of a message, and with it its state and position.
    pub(super) fn set_delivery(&mut self, seq: Seq, delivery: Delivery, now: Moment) {
        self.unindex(seq);
        if let Some((state, message)) = self.messages.get_mut(&seq) {
            message.delivery = delivery;
            *state = state_of(&delivery, now);
        }
        self.index(seq);
    }

    /// Hides a message that is being received, at least until the next call.
    pub(super) fn receive(&mut self, seq: Seq, delivery: Delivery) {
        self.unindex(seq);
        if let Some((state, message)) = self.messages.get_mut(&seq) {
            message.delivery = delivery;
            *state = Presence::InFlight;
        }
        self.index(seq);
    }

    pub(super) fn remove(&mut self, seq: Seq) -> Option<Message> {
        self.unindex(seq);
        let (_, message) = self.messages.remove(&seq)?;
        self.order.remove(seq, &message);
        self.ages.remove(&(message.enqueued, seq));
        Some(message)
    }

    pub(super) fn clear(&mut self) {
        self.messages.clear();
        self.hidden.clear();
        self.ages.clear();
        self.order = Order::new(self.is_fifo(), self.seed);
        self.in_flight = 0;
    }

    /// Advances the queue to this time: shows messages that are due, and removes messages whose retention has ended.
    pub(super) fn advance(&mut self, now: Moment, effects: &mut Effects) {
        while let Some((due, seq)) = self.hidden.first().copied()
            && due <= now
        {
            self.unindex(seq);
            if let Some((state, _)) = self.messages.get_mut(&seq) {
                *state = Presence::Visible;
            }
            self.index(seq);
        }
        while let Some((enqueued, seq)) = self.ages.first().copied()
            && enqueued.plus_seconds(self.settings.retention_seconds) <= now
        {
            self.remove(seq);
            effects.write(Write::Remove(seq));
        }
    }

    /// Applies a changed delay to messages that were never received; only FIFO queues do this.
    pub(super) fn delay_again(&mut self, now: Moment, effects: &mut Effects) {
        let waiting: Vec<(Seq, Delivery)> = self
            .messages
            .iter()
            .filter(|(_, (_, message))| message.delivery.receives == 0)
            .map(|(seq, (_, message))| {
                let visible_at = message.enqueued.plus_seconds(self.settings.delay_seconds);
                (
                    *seq,
                    Delivery {
                        visible_at,
                        ..message.delivery
                    },
                )
            })
            .collect();
        for (seq, delivery) in waiting {
            self.set_delivery(seq, delivery, now);
            effects.write(Write::Deliver(seq, delivery));
        }
    }

    fn index(&mut self, seq: Seq) {
        let Some((state, message)) = self.messages.get(&seq) else {
            return;
        };
        match state {
            Presence::Visible => self.order.show(seq, message),
            Presence::Delayed | Presence::InFlight => {
                self.hidden.insert((message.delivery.visible_at, seq));
            }
        }
        self.in_flight += usize::from(*state == Presence::InFlight);
    }

    fn unindex(&mut self, seq: Seq) {
        let Some((state, message)) = self.messages.get(&seq) else {
            return;
        };
        match state {
            Presence::Visible => self.order.hide(seq, message),
            Presence::Delayed | Presence::InFlight => {
                self.hidden.remove(&(message.delivery.visible_at, seq));
            }
        }
        self.in_flight -= usize::from(*state == Presence::InFlight);
    }
}

fn state_of(delivery: &Delivery, now: Moment) -> Presence {
    if delivery.visible_at <= now {
        Presence::Visible
    } else if delivery.receipt == 0 {
        Presence::Delayed
    } else {
        Presence::InFlight
    }
}
