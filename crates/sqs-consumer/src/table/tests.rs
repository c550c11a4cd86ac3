//! The heart under hand-made time: the interleavings that a whole consumer meets once in a million messages.

use std::time::{Duration, Instant};

use super::*;
use crate::retry::RetryPolicy;

/// A table with a clock of its own.
struct Rig {
    table: Table,
    now: Instant,
}

impl Rig {
    fn new(fifo: bool, settings: Settings) -> Self {
        let mut table = Table::new(
            settings,
            fifo,
            true,
            fastrand::Rng::with_seed(1),
            Memory::default(),
        );
        let now = Instant::now();
        table.step(Event::Tick, now);
        Self { table, now }
    }

    fn step(&mut self, event: Event) -> Vec<Command> {
        let commands = self.table.step(event, self.now);
        assert!(
            self.table.wake_at().is_none_or(|at| at > self.now),
            "the table wants to be woken in the past"
        );
        commands
    }

    /// Lets time pass in the steps that the table asks for.
    fn pass(&mut self, time: Duration) -> Vec<Command> {
        let end = self.now + time;
        let mut commands = Vec::new();
        while let Some(at) = self.table.wake_at().filter(|at| *at <= end) {
            self.now = at;
            commands.extend(self.step(Event::Tick));
        }
        self.now = end;
        commands.extend(self.step(Event::Tick));
        commands
    }

    /// Lets time pass; heartbeats are answered at once.
    fn live(&mut self, time: Duration) -> Vec<Command> {
        let end = self.now + time;
        let mut commands = Vec::new();
        while self.now < end {
            let next = self.table.wake_at().map_or(end, |at| at.min(end));
            let stepped = self.pass(next - self.now);
            for heartbeat in extends(&stepped) {
                commands.extend(self.step(Event::Extended(ok(heartbeat))));
            }
            commands.extend(stepped);
        }
        commands
    }

    /// Receives these messages (an id, or `group/id`) as the answer to the receive of ten that is under way.
    fn receive(&mut self, names: &[&str]) -> Vec<Command> {
        let result = Ok(names.iter().map(|name| received(name, "")).collect());
        self.step(Event::Received {
            reserved: 10,
            result,
        })
    }

    fn handled(&mut self, key: Key, disposition: Disposition) -> Vec<Command> {
        self.step(Event::Handled {
            key,
            ended: Ended::Returned(disposition),
        })
    }
}

fn received(name: &str, generation: &str) -> Received {
    let group = name.split_once('/').map(|(group, _)| group.to_owned());
    let receipt = format!("{name}{generation}").into();
    Received {
        message: Message::new(name, "body").with_group_id(group),
        receipt,
    }
}

fn retry() -> Disposition {
    Disposition::Retry {
        after: Some(Duration::from_secs(7)),
        reason: "r".to_owned(),
    }
}

fn ok(entries: Vec<Entry>) -> Answer {
    Answer {
        result: Ok(entries.iter().map(|_| Ok(())).collect()),
        entries,
    }
}

fn failed(entries: Vec<Entry>, transient: bool) -> Answer {
    let error = || {
        Err(EntryError {
            code: "Some".to_owned(),
            transient,
        })
    };
    Answer {
        result: Ok(entries.iter().map(|_| error()).collect()),
        entries,
    }
}

fn starts(commands: &[Command]) -> Vec<Key> {
    let start = |command: &Command| {
        if let Command::Start { key, .. } = command {
            Some(*key)
        } else {
            None
        }
    };
    commands.iter().filter_map(start).collect()
}

fn deletes(commands: &[Command]) -> Vec<Entry> {
    let entries = |command: &Command| {
        if let Command::Delete(entries) = command {
            entries.clone()
        } else {
            vec![]
        }
    };
    commands.iter().flat_map(entries).collect()
}

fn extends(commands: &[Command]) -> Vec<Vec<Entry>> {
    let entries = |command: &Command| {
        if let Command::Extend(entries) = command {
            Some(entries.clone())
        } else {
            None
        }
    };
    commands.iter().filter_map(entries).collect()
}

/// The visibility changes as (message key, seconds).
fn changes(commands: &[Command]) -> Vec<(Key, u64)> {
    let entries = |command: &Command| {
        if let Command::Change(entries) = command {
            entries.clone()
        } else {
            vec![]
        }
    };
    commands
        .iter()
        .flat_map(entries)
        .map(|entry| (entry.key, entry.visibility.as_secs()))
        .collect()
}

fn is_cancel(command: &Command) -> bool {
    matches!(
        command,
        Command::Cancel {
            reason: CancelReason::LeaseLost,
            ..
        }
    )
}

const SECOND: Duration = Duration::from_secs(1);
const NONE: [Key; 0] = [];

#[test]
fn a_receive_asks_for_ten_and_waits_twenty_seconds() {
    let mut table = Table::new(
        Settings::default(),
        false,
        true,
        fastrand::Rng::with_seed(1),
        Memory::default(),
    );
    let commands = table.step(Event::Tick, Instant::now());
    let expected = Receive {
        at_most: 10,
        wait: SECOND * 20,
        visibility: SECOND * 30,
    };
    assert_eq!(commands, [Command::Receive(expected)]);
}

#[test]
fn a_batch_is_started_and_the_next_receive_asked_for_in_one_step() {
    let mut rig = Rig::new(false, Settings::default());
    let commands = rig.receive(&["a", "b"]);
    assert_eq!(starts(&commands), [0, 1]);
    assert!(matches!(
        commands.last(),
        Some(Command::Receive(Receive { at_most: 10, .. }))
    ));
}

#[test]
fn failed_receives_are_backed_off_with_jitter() {
    let pauses = |seed| {
        let mut table = Table::new(
            Settings::default(),
            false,
            true,
            fastrand::Rng::with_seed(seed),
            Memory::default(),
        );
        let mut now = Instant::now();
        table.step(Event::Tick, now);
        let mut pause = || {
            let commands = table.step(
                Event::Received {
                    reserved: 10,
                    result: Err(ErrorKind::Throttled),
                },
                now,
            );
            assert_eq!(commands, [], "a receive right after a failed one");
            let at = table.wake_at().unwrap();
            let pause = at - now;
            now = at;
            assert!(matches!(
                table.step(Event::Tick, now)[..],
                [Command::Receive(_)]
            ));
            pause
        };
        (0..12).map(|_| pause()).collect::<Vec<_>>()
    };
    let (one, other) = (pauses(1), pauses(2));
    assert!(
        one[0] <= BACKOFF.0 && one[6] > one[0] * 8,
        "they don't grow: {one:?}"
    );
    assert!(one.iter().all(|pause| *pause <= BACKOFF.1));
    assert_ne!(one, other);
}

#[test]
fn a_visibility_change_waits_for_the_heartbeat_under_way_lest_that_undo_it() {
    let mut rig = Rig::new(false, Settings::default());
    rig.receive(&["a"]);
    let heartbeat = extends(&rig.pass(SECOND * 15)).remove(0);

    let commands = rig.handled(0, retry());
    assert_eq!(changes(&commands), []);
    assert_eq!(changes(&rig.pass(SECOND)), []);

    let commands = rig.step(Event::Extended(ok(heartbeat)));
    assert_eq!(
        changes(&commands),
        [(0, 6)],
        "seven seconds, of which one has passed"
    );
}

#[test]
fn a_message_delivered_again_while_its_deletion_is_under_way_is_deleted_by_its_new_receipt_too() {
    let mut rig = Rig::new(false, Settings::default());
    rig.receive(&["a"]);
    let first = deletes(&rig.handled(0, Disposition::Done));
    assert_eq!(&*first[0].receipt, "a");

    let commands = rig.step(Event::Received {
        reserved: 10,
        result: Ok(vec![received("a", "-again")]),
    });
    assert_eq!(
        (starts(&commands), rig.table.stats().duplicates),
        (vec![], 1)
    );

    let second = deletes(&rig.step(Event::Deleted(ok(first))));
    assert_eq!(&*second[0].receipt, "a-again");
    rig.step(Event::Deleted(ok(second)));
    assert_eq!(
        (rig.table.stats().in_flight, rig.table.stats().deleted),
        (0, 1)
    );
}

#[test]
fn a_finished_message_that_comes_again_is_deleted_and_not_handled() {
    let mut rig = Rig::new(false, Settings::default());
    rig.receive(&["a"]);
    let entries = deletes(&rig.handled(0, Disposition::Done));
    rig.step(Event::Deleted(ok(entries)));

    let commands = rig.step(Event::Received {
        reserved: 10,
        result: Ok(vec![received("a", "-late")]),
    });
    let again = deletes(&[commands, rig.pass(SECOND)].concat());
    assert_eq!(
        (&*again[0].receipt, rig.table.stats().started),
        ("a-late", 1)
    );
}

#[test]
fn a_message_delivered_again_while_it_runs_is_settled_by_its_latest_receipt() {
    let mut rig = Rig::new(false, Settings::default());
    rig.receive(&["a"]);
    let commands = rig.step(Event::Received {
        reserved: 10,
        result: Ok(vec![received("a", "-again")]),
    });
    assert_eq!(starts(&commands), NONE, "it runs already");
    let entries = deletes(&rig.handled(0, Disposition::Done));
    assert_eq!(&*entries[0].receipt, "a-again");
}

#[test]
fn a_redelivery_at_the_very_end_of_the_lease_does_not_hide_its_loss() {
    let mut rig = Rig::new(false, Settings::default());
    rig.receive(&["a"]);
    rig.pass(SECOND * 15); // a heartbeat that is never answered
    rig.now += SECOND * 15;
    let again = Event::Received {
        reserved: 10,
        result: Ok(vec![received("a", "-again")]),
    };
    let commands = rig.table.step(again, rig.now);
    assert!(commands.iter().any(is_cancel));
    assert_eq!(
        (rig.table.stats().lease_losses, starts(&commands)),
        (1, vec![])
    );
}

#[test]
fn the_answer_of_a_heartbeat_for_an_old_receipt_says_nothing_of_the_new_lease() {
    let mut rig = Rig::new(false, Settings::default());
    rig.receive(&["a"]);
    let heartbeat = extends(&rig.pass(SECOND * 15)).remove(0);
    rig.step(Event::Received {
        reserved: 10,
        result: Ok(vec![received("a", "-again")]),
    });
    let commands = rig.step(Event::Extended(failed(heartbeat, false)));
    assert!(!commands.iter().any(is_cancel));
    assert_eq!(rig.table.stats().lease_losses, 0);
}

#[test]
fn when_the_running_message_of_a_fifo_group_loses_its_lease_those_behind_it_go_back() {
    let mut rig = Rig::new(true, Settings::default());
    rig.receive(&["g/1", "g/2", "g/3"]);
    let heartbeat = extends(&rig.pass(SECOND * 15)).remove(0);
    assert_eq!(heartbeat.len(), 3, "the waiting ones are extended too");

    let (lost, kept): (Vec<_>, Vec<_>) = heartbeat.into_iter().partition(|entry| entry.key == 0);
    let mut commands = rig.step(Event::Extended(failed(lost, false)));
    assert!(commands.iter().any(is_cancel));
    commands.extend(rig.step(Event::Extended(ok(kept))));
    commands.extend(rig.pass(SECOND));
    assert_eq!(changes(&commands), [(1, 0), (2, 0)]);

    let commands = rig.handled(0, Disposition::Done);
    assert_eq!(
        starts(&commands),
        NONE,
        "2 must not overtake 1, which others may have by now"
    );
}

#[test]
fn when_a_waiting_message_of_a_fifo_group_loses_its_lease_those_behind_it_go_back() {
    let mut rig = Rig::new(true, Settings::default());
    rig.receive(&["g/1", "g/2", "g/3"]);
    let heartbeat = extends(&rig.pass(SECOND * 15)).remove(0);
    let (lost, kept): (Vec<_>, Vec<_>) = heartbeat.into_iter().partition(|entry| entry.key == 1);
    let mut commands = rig.step(Event::Extended(failed(lost, false)));
    commands.extend(rig.step(Event::Extended(ok(kept))));
    commands.extend(rig.pass(SECOND));
    assert_eq!(changes(&commands), [(2, 0)]);
    assert_eq!(starts(&rig.handled(0, Disposition::Done)), NONE);
    assert_eq!(rig.table.stats().lease_losses, 1);
}

#[test]
fn a_fifo_group_waits_until_its_dead_letter_is_accepted() {
    let mut rig = Rig::new(true, Settings::default());
    rig.receive(&["g/1", "g/2"]);
    let bury = Disposition::DeadLetter {
        reason: "bad".to_owned(),
        detail: String::new(),
    };
    let commands = rig.handled(0, bury);
    assert!(commands.iter().any(|command| matches!(
        command,
        Command::Copy {
            key: 0,
            attempt: 1,
            ..
        }
    )));
    assert_eq!((starts(&commands), deletes(&commands)), (vec![], vec![]));

    let commands = rig.step(Event::Copied {
        key: 0,
        accepted: true,
    });
    assert_eq!(starts(&commands), [1]);
    let deleted = deletes(&[commands, rig.pass(SECOND)].concat());
    assert_eq!(
        deleted.iter().map(|entry| entry.key).collect::<Vec<_>>(),
        [0]
    );
}

#[test]
fn a_dead_letter_that_is_not_accepted_goes_back_and_its_group_with_it() {
    let mut rig = Rig::new(true, Settings::default());
    rig.receive(&["g/1", "g/2"]);
    rig.handled(
        0,
        Disposition::DeadLetter {
            reason: "bad".to_owned(),
            detail: String::new(),
        },
    );
    let commands = [
        rig.step(Event::Copied {
            key: 0,
            accepted: false,
        }),
        rig.pass(SECOND),
    ]
    .concat();
    assert_eq!(changes(&commands), [(0, 900), (1, 0)]);
    assert_eq!((starts(&commands), deletes(&commands)), (vec![], vec![]));
}

#[test]
fn a_retry_after_the_token_fired_is_not_an_attempt_and_comes_back_at_once() {
    let mut rig = Rig::new(false, Settings::default());
    rig.receive(&["a"]);
    rig.step(Event::Drain);
    rig.live(SECOND * 21);
    let again = Disposition::Retry {
        after: None,
        reason: "told to stop".to_owned(),
    };
    let commands = rig.handled(0, again);
    assert_eq!(changes(&commands), [(0, 0)]);
    let stats = rig.table.stats();
    assert_eq!((stats.retried, stats.deferred), (0, 1));
    assert_eq!(rig.table.attempts.next("a"), 1);
}

#[test]
fn a_deferred_message_comes_back_later_with_each_receive_so_that_hours_of_outage_bury_none() {
    let policy = RetryPolicy::default();
    let mut shortest = Duration::ZERO;
    for receives in 1..=policy.receives_at_most {
        let mut rig = Rig::new(false, Settings::default());
        let mut delivery = received("a", "");
        delivery.message = delivery.message.with_receive_count(receives);
        rig.step(Event::Received {
            reserved: 10,
            result: Ok(vec![delivery]),
        });
        let defer = Disposition::Defer {
            after: None,
            reason: "throttled".to_owned(),
        };
        let changed = rig
            .handled(0, defer)
            .into_iter()
            .chain(rig.live(SECOND))
            .collect::<Vec<_>>();
        let [(0, seconds)] = changes(&changed)[..] else {
            panic!("{changed:?}")
        };
        let full = policy
            .first
            .saturating_mul(1 << (receives - 1).min(20))
            .min(policy.longest);
        assert!(
            (full.as_secs() / 2..=full.as_secs()).contains(&seconds),
            "receive {receives}: {seconds} s"
        );
        shortest += Duration::from_secs(seconds);
    }
    assert!(shortest > Duration::from_secs(10 * 60 * 60), "{shortest:?}");
}

#[test]
fn the_drain_tells_then_aborts_then_ends() {
    let mut rig = Rig::new(false, Settings::default());
    rig.receive(&["a"]);
    rig.step(Event::Drain);
    let told = Command::Cancel {
        key: 0,
        reason: CancelReason::GraceEnding,
    };
    let not_heartbeat = |command: &Command| !matches!(command, Command::Extend(_));
    let mut after = |seconds| -> Vec<Command> {
        rig.live(SECOND * seconds)
            .into_iter()
            .filter(not_heartbeat)
            .collect()
    };
    assert_eq!(after(20), []);
    assert_eq!(after(1), [told]);
    assert_eq!(after(2), [Command::Abort { key: 0 }]);
    assert_eq!(after(1), []);
    assert_eq!(after(1), [Command::Stop]);
    assert_eq!(after(60), []);
}

#[test]
fn a_failed_deletion_is_tried_again_and_the_lease_extended_meanwhile() {
    let mut rig = Rig::new(false, Settings::default());
    rig.receive(&["a"]);
    let mut entries = deletes(&rig.handled(0, Disposition::Done));
    let (mut tries, mut heartbeats) = (1, 0);
    let began = rig.now;
    while rig.now < began + SECOND * 90 {
        rig.step(Event::Deleted(Answer {
            entries,
            result: Err(ErrorKind::Throttled),
        }));
        let mut commands = Vec::new();
        while deletes(&commands).is_empty() {
            commands = rig.pass(SECOND / 10);
            for batch in extends(&commands) {
                heartbeats += 1;
                rig.step(Event::Extended(ok(batch)));
            }
        }
        tries += 1;
        entries = deletes(&commands);
    }
    assert!(
        tries > 8 && heartbeats >= 5,
        "{tries} tries, {heartbeats} heartbeats"
    );
    rig.step(Event::Deleted(ok(entries)));
    let stats = rig.table.stats();
    assert_eq!(
        (stats.deleted, stats.lease_losses, stats.in_flight),
        (1, 0, 0)
    );
}

#[test]
fn a_stale_receipt_ends_the_deletion() {
    let mut rig = Rig::new(false, Settings::default());
    rig.receive(&["a"]);
    let entries = deletes(&rig.handled(0, Disposition::Done));
    rig.step(Event::Deleted(failed(entries, false)));
    let stats = rig.table.stats();
    assert_eq!(
        (stats.deleted, stats.lease_losses, stats.in_flight),
        (0, 1, 0)
    );
}

#[test]
fn one_heartbeat_takes_along_those_that_are_due_soon() {
    let mut rig = Rig::new(false, Settings::default());
    for i in 0..4 {
        rig.receive(&[&format!("m{i}")]);
        rig.now += SECOND;
    }
    let sizes: Vec<_> = extends(&rig.pass(SECOND * 13))
        .iter()
        .map(Vec::len)
        .collect();
    assert_eq!(
        sizes,
        [4],
        "one request for four messages received a second apart"
    );
}

#[test]
fn held_messages_bound_what_is_received() {
    let settings = Settings {
        concurrency: 2,
        held_messages: 4,
        ..Settings::default()
    };
    let mut rig = Rig::new(true, settings);
    let mut stepped = rig.step(Event::Received {
        reserved: 2,
        result: Ok(["g/1", "g/2"]
            .iter()
            .map(|name| received(name, ""))
            .collect()),
    });
    stepped.extend(rig.pass(SECOND));
    assert!(stepped.contains(&Command::Receive(Receive {
        at_most: 1,
        wait: SECOND * 20,
        visibility: SECOND * 30
    })));
    rig.step(Event::Received {
        reserved: 1,
        result: Ok(vec![received("g/3", "")]),
    });
    rig.pass(SECOND);
    let commands = rig.step(Event::Received {
        reserved: 1,
        result: Ok(vec![received("g/4", "")]),
    });
    let more = [commands, rig.pass(SECOND)].concat();
    assert!(
        !more
            .iter()
            .any(|command| matches!(command, Command::Receive(_))),
        "four are held, one runs"
    );
}

#[test]
fn a_missing_queue_ends_the_run() {
    let mut rig = Rig::new(false, Settings::default());
    let commands = rig.step(Event::Received {
        reserved: 10,
        result: Err(ErrorKind::QueueMissing),
    });
    assert_eq!(commands, [Command::Stop]);
    assert!(rig.table.queue_missing());
}
