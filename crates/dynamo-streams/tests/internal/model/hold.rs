//! A worker's hold of a shard: the product's own state machine, and what it has under way.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::stream::position;
use super::table::{Token, Write};
use crate::error::Error;
use crate::handler::Disposition;
use crate::item::ItemId;
use crate::lease::Lease;
use crate::settings::Settings;
use crate::shard::{Command, Event, Exit, Shard};
use crate::source::RecordsPage;

#[derive(Clone, Debug)]
pub(super) struct Hold {
    pub(super) token: Token,
    machine: Arc<Shard>,
    digest: u64,
    now: Instant,
    /// Behind which record a page is asked for.
    pub(super) reading: Option<u64>,
    /// The records that are handled now, by number.
    pub(super) running: BTreeMap<u64, (ItemId, u64)>,
    pub(super) write: Option<Write>,
}

impl PartialEq for Hold {
    fn eq(&self, other: &Self) -> bool {
        let whole = |hold: &Self| (hold.token, hold.state(), hold.write.clone());
        whole(self) == whole(other)
    }
}

impl Hold {
    pub(super) fn begin(token: Token, settings: &Settings, lease: &Lease, now: Instant) -> Self {
        let machine = Shard::new(
            settings.clone(),
            lease,
            Default::default(),
            Duration::ZERO,
            now,
        );
        let mut hold = Self {
            token,
            digest: 0,
            machine: Arc::new(machine),
            now,
            reading: None,
            running: BTreeMap::new(),
            write: None,
        };
        hold.settle();
        hold
    }

    /// Tells the states of holds apart, but for the epoch.
    pub(super) fn state(&self) -> (u64, Option<u64>, Vec<u64>) {
        let running = self.running.keys().copied().collect();
        (self.digest, self.reading, running)
    }

    /// How the hold has ended, if it has.
    pub(super) fn exit(&self) -> Option<Exit> {
        self.machine.exit()
    }

    pub(super) fn page_read(&mut self, page: RecordsPage) {
        self.reading = None;
        let (requested_at, result) = (self.now, Ok(page));
        self.tell(Event::Read {
            requested_at,
            result,
            is_old: false,
        });
    }

    pub(super) fn handled(&mut self, number: u64) {
        let (item_id, ordinal) = self.running.remove(&number).expect("it is handled");
        let disposition = Some(Disposition::Done);
        self.tell(Event::Handled {
            item_id,
            ordinal,
            disposition,
        });
    }

    /// Tells the answer to the write that is under way.
    pub(super) fn written(&mut self, write: &Write, result: Result<(), Error>) {
        self.write = None;
        let exit = match write {
            Write::Finish { .. } => Exit::Finished,
            Write::Release { .. } => Exit::Released,
            Write::Checkpoint { .. } | Write::Take { .. } | Write::Ask { .. } => {
                return self.tell(Event::Checkpointed(result));
            }
        };
        self.tell(Event::Ended { exit, result });
    }

    pub(super) fn stop(&mut self, for_whom: Option<&str>) {
        let now = self.now;
        Arc::make_mut(&mut self.machine).stop(for_whom.map(str::to_owned), now);
        self.settle();
    }

    fn tell(&mut self, event: Event) {
        let now = self.now;
        Arc::make_mut(&mut self.machine).handle(event, now);
        self.settle();
    }

    /// Asks the machine what to do until it has said everything, and notes it.
    fn settle(&mut self) {
        let machine = Arc::make_mut(&mut self.machine);
        loop {
            let commands = machine.poll(self.now);
            if commands.is_empty() {
                break;
            }
            for command in commands {
                match command {
                    Command::Open { at } => {
                        // Nothing can come between it and the first read that would make a difference.
                        let iterator = position(&at).to_string();
                        machine.handle(Event::Opened(Ok(iterator)), self.now);
                    }
                    Command::Read { iterator } => {
                        self.reading = Some(iterator.parse().expect("the model's own iterator"));
                    }
                    Command::Deliver {
                        item_id,
                        ordinal,
                        record,
                        ..
                    } => {
                        let number = record.sequence_number.parse().expect("it is small");
                        self.running.insert(number, (item_id, ordinal));
                    }
                    Command::Checkpoint { checkpoint, .. } => {
                        let (token, checkpoint) = (self.token, parsed(&checkpoint));
                        self.write = Some(Write::Checkpoint { token, checkpoint });
                    }
                    Command::Finish { checkpoint } => {
                        let (token, checkpoint) = (self.token, checkpoint.as_deref().map(parsed));
                        self.write = Some(Write::Finish { token, checkpoint });
                    }
                    Command::Release {
                        checkpoint,
                        handover_to,
                        read_at: _,
                    } => {
                        self.write = Some(Write::Release {
                            token: self.token,
                            checkpoint: checkpoint.as_deref().map(parsed),
                            to: handover_to,
                        });
                    }
                    Command::NoteGap { .. } | Command::CloseGap { .. } | Command::Park { .. } => {
                        unreachable!("nothing is trimmed and no record fails")
                    }
                }
            }
        }
        self.digest = machine.digest();
    }
}

fn parsed(number: &str) -> u64 {
    number.parse().expect("the model's numbers are small")
}
