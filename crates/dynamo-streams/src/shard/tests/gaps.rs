//! What is trimmed before it is read.

use super::*;
use crate::observer::{GapCause, GapRecord};

fn hours(hours: u64) -> Duration {
    Duration::from_secs(hours * 3_600)
}

/// Opens the shard at a trimmed position.
fn gap_being_noted(shard: &mut Shard, now: Instant) -> GapRecord {
    shard.poll(now);
    shard.handle(Event::Opened(Err(Error::Trimmed)), now);
    let commands = shard.poll(now);
    let [Command::NoteGap { gap }] = &commands[..] else {
        panic!("{commands:?}")
    };
    gap.clone()
}

#[test]
fn a_trimmed_position_is_noted_before_anything_behind_it_is_read() {
    let (mut shard, now) = shard(Settings::default());
    assert_eq!(gap_being_noted(&mut shard, now).cause, GapCause::Trimmed);
    shard.handle(
        Event::GapNoted(Err(Error::unavailable("PutItem", "lost"))),
        now,
    );
    assert!(shard.poll(now).is_empty());
    let later = now + Duration::from_secs(1);
    let commands = shard.poll(later);
    let [Command::NoteGap { gap }] = &commands[..] else {
        panic!("{commands:?}")
    };
    shard.handle(Event::GapNoted(Ok(gap.clone())), later);
    assert!(matches!(&shard.poll(later)[..], [Command::Open { .. }]));
}

#[test]
fn a_drain_waits_until_a_gap_is_durable_and_told() {
    let (mut shard, now) = shard(Settings::default());
    let gap = gap_being_noted(&mut shard, now);
    shard.stop(None, now);
    assert!(shard.poll(now).is_empty(), "it is being noted");
    shard.handle(Event::GapNoted(Ok(gap)), now);
    let commands = shard.poll(now);
    assert!(
        matches!(&commands[..], [Command::Release { .. }]),
        "{commands:?}"
    );
}

#[test]
fn a_shard_that_was_never_read_for_half_a_day_may_have_lost_its_oldest_records() {
    let (settings, lease, now) = (Settings::default(), free_lease("s-1"), Instant::now());
    for (unread, noted) in [(0, false), (11, false), (12, true), (70, true)] {
        let mut shard = begun(settings.clone(), &lease, hours(unread), now);
        let commands = shard.poll(now);
        let [Command::NoteGap { gap }] = &commands[..] else {
            assert!(!noted, "{unread} h: {commands:?}");
            continue;
        };
        assert!(noted, "{unread} h: {gap:?}");
        assert_eq!((gap.cause, &gap.from), (GapCause::Trimmed, &None));
        shard.handle(Event::GapNoted(Ok(gap.clone())), now);
        assert!(matches!(&shard.poll(now)[..], [Command::Open { .. }]));
    }
}

#[test]
fn who_has_a_place_in_a_shard_is_told_of_what_was_trimmed_and_need_not_guess() {
    let mut lease = free_lease("s-1");
    lease.checkpoint = Checkpoint::After("7".to_owned());
    let now = Instant::now();
    let mut shard = begun(Settings::default(), &lease, hours(70), now);
    assert!(matches!(&shard.poll(now)[..], [Command::Open { .. }]));
}

#[test]
fn a_shard_that_could_not_be_read_for_half_a_day_may_have_lost_its_oldest_records() {
    let (mut shard, now) = shard(Settings::default());
    read(&mut shard, now, &[], false);
    let failed = now + Duration::from_secs(1);
    shard.poll(failed);
    let refusal = Event::Read {
        requested_at: failed,
        is_old: false,
        result: Err(Error::unavailable("GetRecords", "no connection")),
    };
    shard.handle(refusal, failed);
    let commands = shard.poll(now + hours(12));
    assert!(
        matches!(&commands[..], [Command::NoteGap { .. }]),
        "{commands:?}"
    );
}

/// Notes the gap that a shard asks for.
#[track_caller]
fn note(shard: &mut Shard, now: Instant) -> GapRecord {
    let commands = shard.poll(now);
    let [Command::NoteGap { gap }] = &commands[..] else {
        panic!("{commands:?}")
    };
    shard.handle(Event::GapNoted(Ok(gap.clone())), now);
    gap.clone()
}

/// Opens the shard and reads an empty page.
fn read_nothing(shard: &mut Shard, now: Instant) {
    assert!(read(shard, now, &[], false).is_empty());
}

/// Reads a page whose iterator is behind the horizon by then.
#[track_caller]
fn read_what_is_trimmed(shard: &mut Shard, now: Instant) {
    let commands = shard.poll(now);
    assert!(
        matches!(&commands[..], [Command::Read { .. }]),
        "{commands:?}"
    );
    let (requested_at, result) = (now, Err(Error::Trimmed));
    shard.handle(
        Event::Read {
            requested_at,
            is_old: false,
            result,
        },
        now,
    );
}

/// A shard that is about to be read behind a gap after record 7.
fn behind_a_gap() -> (Shard, GapRecord, Instant) {
    let mut lease = free_lease("s-1");
    lease.checkpoint = Checkpoint::After("7".to_owned());
    let now = Instant::now();
    let mut shard = begun(Settings::default(), &lease, hours(70), now);
    shard.poll(now);
    shard.handle(Event::Opened(Err(Error::Trimmed)), now);
    let gap = note(&mut shard, now);
    assert_eq!(gap.from.as_deref(), Some("7"));
    (shard, gap, now)
}

#[test]
fn what_is_trimmed_soon_behind_a_gap_belongs_to_it() {
    let (mut shard, _, now) = behind_a_gap();
    read_nothing(&mut shard, now);
    let later = now + hours(11);
    read_what_is_trimmed(&mut shard, later);
    let commands = shard.poll(later);
    assert!(
        matches!(&commands[..], [Command::Open { .. }]),
        "{commands:?}"
    );
}

#[test]
fn what_is_trimmed_long_behind_a_gap_is_noted_again_with_its_beginning() {
    let (mut shard, first, now) = behind_a_gap();
    read_nothing(&mut shard, now);
    let later = now + hours(12);
    read_what_is_trimmed(&mut shard, later);
    assert_eq!(note(&mut shard, later), first);
    read_what_follows(&mut shard, later);
}

#[test]
fn a_shard_that_could_not_be_read_for_half_a_day_behind_a_gap_is_noted_again_with_its_beginning() {
    let (mut shard, first, now) = behind_a_gap();
    shard.poll(now);
    let refusal = Error::unavailable("GetShardIterator", "no connection");
    shard.handle(Event::Opened(Err(refusal)), now);
    let later = now + hours(12);
    assert_eq!(note(&mut shard, later), first);
    read_what_follows(&mut shard, later);
}

/// Reads a record behind the gap that begins behind record 7, which gives the gap its end.
#[track_caller]
fn read_what_follows(shard: &mut Shard, now: Instant) {
    shard.poll(now);
    shard.handle(Event::Opened(Ok("next".to_owned())), now);
    shard.poll(now);
    let (requested_at, result) = (now, Ok(page(&[("a", 9)], false)));
    shard.handle(
        Event::Read {
            requested_at,
            is_old: false,
            result,
        },
        now,
    );
    let commands = shard.poll(now);
    let ends = commands.iter().find_map(|command| {
        let Command::CloseGap { gap } = command else {
            return None;
        };
        Some((gap.from.as_deref()?, gap.to.as_deref()?))
    });
    assert_eq!(ends, Some(("7", "9")));
}

/// When a shard that is given away says that it was read.
#[track_caller]
fn said_to_be_read_at(shard: &mut Shard, now: Instant) -> Option<Instant> {
    shard.stop(None, now);
    let commands = shard.poll(now);
    let [Command::Release { read_at, .. }] = &commands[..] else {
        panic!("{commands:?}")
    };
    *read_at
}

#[test]
fn a_shard_that_is_given_away_unread_is_not_said_to_have_been_read() {
    let (mut never, now) = shard(Settings::default());
    assert_eq!(said_to_be_read_at(&mut never, now), None);

    let (mut opened, now) = shard(Settings::default());
    opened.poll(now);
    opened.handle(Event::Opened(Ok("first".to_owned())), now);
    assert_eq!(said_to_be_read_at(&mut opened, now), None);

    let (mut quiet, now) = shard(Settings::default());
    read_nothing(&mut quiet, now);
    let later = now + hours(30);
    assert_eq!(said_to_be_read_at(&mut quiet, later), Some(now));
}
