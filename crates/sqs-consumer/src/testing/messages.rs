//! The messages of the fake queue: a pure model of one SQS queue.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use crate::attribute::Attribute;
use crate::message::Message;
use crate::queue::is_allowed;
use crate::queue::{EntryError, MAX_VISIBILITY_TIMEOUT, OutgoingMessage, Receipt, Received};

/// How long SQS remembers a deduplication id.
const DEDUPLICATION: Duration = Duration::from_secs(5 * 60);

#[derive(Debug)]
pub(super) struct Messages {
    fifo: bool,
    items: BTreeMap<u64, Item>,
    next: u64,
    deduplicated: BTreeMap<String, Instant>,
    deliveries: usize,
    pub(super) repeat_every: usize,
}

#[derive(Debug)]
struct Item {
    message: OutgoingMessage,
    sent_at: SystemTime,
    hidden_until: Option<Instant>,
    first_received_at: Option<Instant>,
    received_at: Option<Instant>,
    receives: u32,
}

impl Item {
    fn is_hidden(&self, now: Instant) -> bool {
        self.hidden_until.is_some_and(|until| until > now)
    }
}

impl Messages {
    pub(super) fn new(fifo: bool) -> Self {
        Self {
            fifo,
            items: BTreeMap::new(),
            next: 0,
            deduplicated: BTreeMap::new(),
            deliveries: 0,
            repeat_every: 0,
        }
    }

    pub(super) fn put(&mut self, message: OutgoingMessage, now: Instant) -> Option<String> {
        self.deduplicated
            .retain(|_, sent| now.duration_since(*sent) < DEDUPLICATION);
        if let (true, Some(id)) = (self.fifo, &message.deduplication_id)
            && self.deduplicated.insert(id.clone(), now).is_some()
        {
            return None;
        }
        let number = self.next;
        self.next += 1;
        let item = Item {
            message,
            sent_at: SystemTime::now(),
            hidden_until: None,
            first_received_at: None,
            received_at: None,
            receives: 0,
        };
        self.items.insert(number, item);
        Some(message_id(number))
    }

    /// Takes up to so many visible messages and hides them. A FIFO group with a hidden message is locked.
    pub(super) fn take(
        &mut self,
        max_messages: usize,
        visibility_timeout: Duration,
        now: Instant,
    ) -> Vec<Received> {
        let locked: BTreeSet<String> = if self.fifo {
            self.locked_groups(now)
        } else {
            BTreeSet::new()
        };
        let mut taken = Vec::new();
        for (&number, item) in &mut self.items {
            if taken.len() >= max_messages {
                break;
            }
            let group = item.message.group_id.as_deref().unwrap_or_default();
            if item.is_hidden(now) || (self.fifo && locked.contains(group)) {
                continue;
            }
            item.receives += 1;
            item.first_received_at.get_or_insert(now);
            item.received_at = Some(now);
            item.hidden_until = Some(now + visibility_timeout);
            taken.push(delivery(number, item));
            self.deliveries += 1;
            if self.repeat_every > 0
                && self.deliveries.is_multiple_of(self.repeat_every)
                && taken.len() < max_messages
            {
                item.receives += 1;
                taken.push(delivery(number, item));
            }
        }
        taken
    }

    fn locked_groups(&self, now: Instant) -> BTreeSet<String> {
        let hidden = self.items.values().filter(|item| item.is_hidden(now));
        hidden
            .map(|item| item.message.group_id.clone().unwrap_or_default())
            .collect()
    }

    /// Deletes by receipt. A stale receipt does nothing on a standard queue and is refused on a FIFO queue.
    pub(super) fn delete(
        &mut self,
        receipt: &Receipt,
        now: Instant,
    ) -> Result<Option<String>, EntryError> {
        let (number, receives) = parse(receipt)?;
        let Some(item) = self.items.get(&number) else {
            return Ok(None);
        };
        let stale = item.receives != receives || (self.fifo && !item.is_hidden(now));
        match (stale, self.fifo) {
            (true, true) => Err(refused("InvalidParameterValue")),
            (true, false) => Ok(None),
            (false, _) => {
                self.items.remove(&number);
                Ok(Some(message_id(number)))
            }
        }
    }

    pub(super) fn change_visibility(
        &mut self,
        receipt: &Receipt,
        visibility_timeout: Duration,
        now: Instant,
    ) -> Result<(), EntryError> {
        let (number, receives) = parse(receipt)?;
        let Some(item) = self.items.get_mut(&number) else {
            return Err(refused("InvalidParameterValue"));
        };
        if !item.is_hidden(now) {
            return Err(refused("MessageNotInflight"));
        }
        let until = now + visibility_timeout;
        let beyond_cap = item
            .received_at
            .is_some_and(|received| until > received + MAX_VISIBILITY_TIMEOUT);
        if item.receives != receives || beyond_cap {
            return Err(refused("InvalidParameterValue"));
        }
        item.hidden_until = Some(until);
        Ok(())
    }

    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    pub(super) fn visible(&self, now: Instant) -> Vec<(String, u32)> {
        let shown = self.items.values().filter(|item| !item.is_hidden(now));
        shown
            .map(|item| (item.message.body.clone(), item.receives))
            .collect()
    }

    pub(super) fn messages(&self) -> Vec<OutgoingMessage> {
        self.items
            .values()
            .map(|item| item.message.clone())
            .collect()
    }

    pub(super) fn hidden_until(&self, id: &str, now: Instant) -> Option<Instant> {
        let (_, item) = self
            .items
            .iter()
            .find(|(number, _)| message_id(**number) == id)?;
        item.hidden_until.filter(|until| *until > now)
    }

    /// Returns when the next hidden message becomes visible.
    pub(super) fn next_visible(&self, now: Instant) -> Option<Instant> {
        self.items
            .values()
            .filter_map(|item| item.hidden_until.filter(|until| *until > now))
            .min()
    }
}

fn delivery(number: u64, item: &Item) -> Received {
    let since_first = item.received_at.zip(item.first_received_at);
    let since_first = since_first.map(|(last, first)| last - first);
    let message = Message::new(message_id(number), item.message.body.clone())
        .with_group_id(item.message.group_id.clone())
        .with_attributes(item.message.attributes.clone())
        .with_sent_at(item.sent_at)
        .with_receive_count(item.receives)
        .with_time_since_first_receive(since_first);
    Received {
        message,
        receipt: format!("{number}:{}", item.receives).into(),
    }
}

/// Refuses characters that SQS refuses, with its error code.
pub(super) fn check_characters(message: &OutgoingMessage) -> Result<(), EntryError> {
    let texts = message.attributes.values().filter_map(Attribute::as_str);
    let mut texts = texts.chain([message.body.as_str()]);
    if texts.all(|text| text.chars().all(is_allowed)) {
        Ok(())
    } else {
        Err(refused("InvalidMessageContents"))
    }
}

fn message_id(number: u64) -> String {
    format!("message-{number}")
}

fn parse(receipt: &Receipt) -> Result<(u64, u32), EntryError> {
    let (number, receives) = receipt
        .split_once(':')
        .ok_or_else(|| refused("ReceiptHandleIsInvalid"))?;
    let parsed = number.parse().ok().zip(receives.parse().ok());
    parsed.ok_or_else(|| refused("ReceiptHandleIsInvalid"))
}

fn refused(code: &str) -> EntryError {
    EntryError {
        code: code.to_owned(),
        transient: false,
    }
}
