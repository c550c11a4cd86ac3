//! The heart under hand-made time.

use std::time::{Duration, Instant};

use super::*;

fn received(ids: &[&str]) -> Vec<Received> {
    let one = |id: &&str| Received {
        message: Message::new(*id, "body"),
        receipt: format!("r-{id}").into(),
    };
    ids.iter().map(one).collect()
}

fn table(settings: Settings) -> Table {
    Table::new(settings, false, true, fastrand::Rng::with_seed(1))
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

#[test]
fn the_first_step_asks_for_ten_and_waits_twenty_seconds() {
    let commands = table(Settings::default()).step(Event::Tick, Instant::now());
    let expected = Receive {
        at_most: 10,
        wait: Duration::from_secs(20),
        visibility: Duration::from_secs(30),
    };
    assert_eq!(commands, [Command::Receive(expected)]);
}

#[test]
fn a_batch_is_started_and_the_next_receive_asked_for_in_one_step() {
    let now = Instant::now();
    let mut table = table(Settings {
        receives_in_flight: 1,
        ..Settings::default()
    });
    table.step(Event::Tick, now);
    let commands = table.step(
        Event::Received {
            reserved: 10,
            result: Ok(received(&["a", "b"])),
        },
        now,
    );
    assert_eq!(starts(&commands), [0, 1]);
    assert!(matches!(
        commands.last(),
        Some(Command::Receive(Receive { at_most: 10, .. }))
    ));
}
