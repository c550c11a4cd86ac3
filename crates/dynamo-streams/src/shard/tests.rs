mod gaps;

use super::*;
use crate::internal::samples::{epoch_time, free_lease, item_id, record};
use crate::lease::Checkpoint;
use crate::source::RecordsPage;

use std::time::Duration;

fn shard(settings: Settings) -> (Shard, Instant) {
    let now = Instant::now();
    (
        begun(settings, &free_lease("s-1"), Duration::ZERO, now),
        now,
    )
}

fn begun(settings: Settings, lease: &Lease, unread: Duration, now: Instant) -> Shard {
    Shard::new(settings, lease, BTreeSet::new(), unread, now)
}

fn page(items: &[(&str, u64)], ends: bool) -> RecordsPage {
    RecordsPage {
        records: items
            .iter()
            .map(|(item, number)| record(item, *number))
            .collect(),
        next: (!ends).then(|| "next".to_owned()),
    }
}

/// Opens the shard and reads one page; returns the ordinals that were started.
fn read(shard: &mut Shard, now: Instant, items: &[(&str, u64)], ends: bool) -> Vec<u64> {
    shard.poll(now);
    shard.handle(Event::Opened(Ok("first".to_owned())), now);
    shard.poll(now);
    shard.handle(
        Event::Read {
            requested_at: now,
            is_old: false,
            result: Ok(page(items, ends)),
        },
        now,
    );
    delivered(&shard.poll(now))
}

fn delivered(commands: &[Command]) -> Vec<u64> {
    let ordinals = commands.iter().filter_map(|command| {
        let Command::Deliver { ordinal, .. } = command else {
            return None;
        };
        Some(*ordinal)
    });
    ordinals.collect()
}

fn handled(shard: &mut Shard, item: &str, ordinal: u64, disposition: Disposition, now: Instant) {
    shard.handle(
        Event::Handled {
            item_id: item_id(item),
            ordinal,
            disposition: Some(disposition),
        },
        now,
    );
}

fn retry() -> Disposition {
    Disposition::Retry {
        reason: "later".to_owned(),
    }
}

#[test]
fn the_last_page_is_delivered_and_only_then_the_shard_is_finished() {
    let (mut shard, now) = shard(Settings::default());
    assert_eq!(read(&mut shard, now, &[("a", 1)], true), [0]);
    assert!(shard.poll(now).is_empty());
    handled(&mut shard, "a", 0, Disposition::Done, now);
    let commands = shard.poll(now);
    assert!(
        matches!(&commands[..], [Command::Finish { checkpoint: Some(number) }] if number == "1"),
        "{commands:?}"
    );
    shard.handle(
        Event::Ended {
            exit: Exit::Finished,
            result: Ok(()),
        },
        now,
    );
    assert_eq!(shard.exit(), Some(Exit::Finished));
}

#[test]
fn a_page_is_not_asked_for_before_the_last_one_is_answered() {
    let (mut shard, now) = shard(Settings::default());
    shard.poll(now);
    shard.handle(Event::Opened(Ok("first".to_owned())), now);
    let commands = shard.poll(now);
    assert!(matches!(&commands[..], [Command::Read { iterator }] if iterator == "first"));
    let later = now + Duration::from_secs(600);
    assert_eq!((shard.poll(later).len(), shard.wake_at()), (0, None));
    let (requested_at, result) = (now, Ok(page(&[("a", 1)], false)));
    shard.handle(
        Event::Read {
            requested_at,
            is_old: false,
            result,
        },
        later,
    );
    let commands = shard.poll(later);
    let reads =
        |command: &Command| matches!(command, Command::Read { iterator } if iterator == "next");
    assert!(commands.iter().any(reads), "{commands:?}");
}

#[test]
fn an_iterator_that_expires_leaves_the_choice_of_the_start_as_it_was() {
    let now = Instant::now();
    let mut lease = free_lease("s-1");
    lease.checkpoint = Checkpoint::Since(epoch_time(5));
    let mut shard = begun(Settings::default(), &lease, Duration::ZERO, now);
    shard.poll(now);
    shard.handle(Event::Opened(Ok("first".to_owned())), now);
    shard.poll(now);
    let (requested_at, result) = (now, Err(Error::IteratorExpired));
    shard.handle(
        Event::Read {
            requested_at,
            is_old: false,
            result,
        },
        now,
    );
    let commands = shard.poll(now);
    assert!(
        matches!(&commands[..], [Command::Open { at }] if *at == lease.checkpoint),
        "{commands:?}"
    );
    shard.handle(Event::Opened(Ok("second".to_owned())), now);
    shard.poll(now);
    let result = Ok(page(&[("old", 4), ("new", 5)], false));
    shard.handle(
        Event::Read {
            requested_at,
            is_old: false,
            result,
        },
        now,
    );
    let commands = shard.poll(now);
    let delivered: Vec<&str> = commands
        .iter()
        .filter_map(|command| {
            let Command::Deliver { record, .. } = command else {
                return None;
            };
            Some(record.sequence_number.as_str())
        })
        .collect();
    assert_eq!(delivered, ["5"]);
}

#[test]
fn a_page_that_arrives_during_a_drain_is_left_for_the_next_holder() {
    let (mut shard, now) = shard(Settings::default());
    shard.poll(now);
    shard.handle(Event::Opened(Ok("first".to_owned())), now);
    shard.poll(now);
    shard.stop(Some("b".to_owned()), now);
    shard.handle(
        Event::Read {
            requested_at: now,
            is_old: false,
            result: Ok(page(&[("a", 1)], true)),
        },
        now,
    );
    let commands = shard.poll(now);
    assert!(
        matches!(&commands[..], [Command::Release { checkpoint: None, handover_to: Some(to), read_at: None }] if to == "b"),
        "{commands:?}"
    );
}

#[test]
fn a_drain_waits_for_what_runs_and_saves_what_is_finished() {
    let (mut shard, now) = shard(Settings::default());
    assert_eq!(
        read(&mut shard, now, &[("a", 1), ("b", 2), ("b", 3)], false),
        [0, 1]
    );
    shard.stop(None, now);
    handled(&mut shard, "a", 0, Disposition::Done, now);
    assert!(shard.poll(now).is_empty(), "b still runs");
    assert_eq!(
        shard.wake_at().filter(|at| *at <= now),
        None,
        "and nothing spins meanwhile"
    );
    handled(&mut shard, "b", 1, Disposition::Done, now);
    let commands = shard.poll(now);
    assert!(
        matches!(&commands[..], [Command::Release { checkpoint: Some(number), .. }] if number == "2")
    );
}

#[test]
fn what_is_abandoned_at_the_end_of_the_shutdown_timeout_is_not_checkpointed() {
    let (mut shard, now) = shard(Settings::default());
    read(&mut shard, now, &[("a", 1), ("b", 2)], false);
    shard.stop(None, now);
    handled(&mut shard, "a", 0, Disposition::Done, now);
    shard.abandon();
    let commands = shard.poll(now);
    assert!(
        matches!(&commands[..], [Command::Release { checkpoint: Some(number), .. }] if number == "1")
    );
}

#[test]
fn a_checkpoint_that_is_abandoned_on_its_way_is_saved_by_the_release() {
    let (mut shard, now) = shard(Settings::default());
    read(&mut shard, now, &[("a", 1), ("b", 2)], false);
    handled(&mut shard, "a", 0, Disposition::Done, now);
    let due = now + Duration::from_secs(5);
    assert_eq!(saved(&shard.poll(due)), Some("1"));
    shard.stop(None, due);
    shard.abandon();
    let commands = shard.poll(due);
    assert!(
        matches!(&commands[..], [Command::Release { checkpoint: Some(number), .. }] if number == "1"),
        "{commands:?}"
    );
}

/// The checkpoint that is to be written.
fn saved(commands: &[Command]) -> Option<&str> {
    commands.iter().find_map(|command| {
        let Command::Checkpoint { checkpoint, .. } = command else {
            return None;
        };
        Some(checkpoint.as_str())
    })
}

#[test]
fn a_refused_write_ends_the_hold_at_once() {
    let (mut shard, now) = shard(Settings::default());
    read(&mut shard, now, &[("a", 1), ("a", 2)], false);
    handled(&mut shard, "a", 0, Disposition::Done, now);
    let later = now + Duration::from_secs(5);
    assert!(
        shard
            .poll(later)
            .iter()
            .any(|command| matches!(command, Command::Checkpoint { .. }))
    );
    shard.handle(Event::Checkpointed(Err(Error::Fenced)), later);
    assert_eq!(shard.exit(), Some(Exit::Lost));
    assert!(shard.poll(later).is_empty());
}

#[test]
fn a_checkpoint_carries_the_load_since_the_last_one_in_bytes_a_second() {
    let (mut shard, now) = shard(Settings::default());
    let interval = Duration::from_secs(5);
    read(&mut shard, now, &[("a", 1), ("b", 2)], false);
    handled(&mut shard, "a", 0, Disposition::Done, now);
    assert_eq!(load(&shard.poll(now + interval)), Some(200 / 5));
    shard.handle(Event::Checkpointed(Ok(())), now + interval);
    handled(&mut shard, "b", 1, Disposition::Done, now + interval);
    assert_eq!(load(&shard.poll(now + 2 * interval)), Some(0));
}

fn load(commands: &[Command]) -> Option<u64> {
    commands.iter().find_map(|command| {
        let Command::Checkpoint { load, .. } = command else {
            return None;
        };
        Some(*load)
    })
}

#[test]
fn a_failed_checkpoint_is_written_again_with_whatever_was_finished_since() {
    for (finished_since, expected) in [(false, "1"), (true, "2")] {
        let (mut shard, now) = shard(Settings::default());
        read(&mut shard, now, &[("a", 1), ("b", 2)], false);
        handled(&mut shard, "a", 0, Disposition::Done, now);
        let due = now + Duration::from_secs(5);
        assert_eq!(saved(&shard.poll(due)), Some("1"));
        if finished_since {
            handled(&mut shard, "b", 1, Disposition::Done, due);
        }
        let lost = Error::unavailable("UpdateItem", "lost");
        shard.handle(Event::Checkpointed(Err(lost)), due);
        let again = due + WRITE_RETRY;
        assert_eq!(saved(&shard.poll(again)), Some(expected));
    }
}

#[test]
fn a_retried_record_keeps_its_attempts_and_is_parked_after_the_last() {
    let settings = Settings {
        retry: crate::settings::RetryPolicy {
            max_attempts: 2,
            ..Default::default()
        },
        ..Settings::default()
    };
    let (mut shard, now) = shard(settings);
    read(&mut shard, now, &[("a", 1)], false);
    handled(&mut shard, "a", 0, retry(), now);
    assert!(delivered(&shard.poll(now)).is_empty(), "it waits");
    let later = now + Duration::from_secs(1);
    assert_eq!(delivered(&shard.poll(later)), [0]);
    handled(&mut shard, "a", 0, retry(), later);
    let commands = shard.poll(later);
    let park = commands.iter().find_map(|command| {
        let Command::Park {
            attempts,
            behind,
            reason,
            ..
        } = command
        else {
            return None;
        };
        Some((*attempts, *behind, reason.as_str()))
    });
    assert_eq!(park, Some((2, false, "later")));
}

#[test]
fn a_record_behind_an_item_that_was_redriven_meanwhile_is_handled() {
    let now = Instant::now();
    let parked = BTreeSet::from([item_id("a")]);
    let mut shard = Shard::new(
        Settings::default(),
        &free_lease("s-1"),
        parked,
        Duration::ZERO,
        now,
    );
    assert!(
        read(&mut shard, now, &[("a", 1)], false).is_empty(),
        "it is to be parked"
    );
    let (item_id, result) = (item_id("a"), Ok(ParkOutcome::ItemNotParked));
    shard.handle(
        Event::Parked {
            item_id,
            ordinal: 0,
            result,
        },
        now,
    );
    assert_eq!(delivered(&shard.poll(now)), [0]);
}
