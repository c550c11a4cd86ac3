//! Receives: how many messages, when, and what happens when they fail.

use super::*;

#[test]
fn a_receive_asks_for_ten_and_waits_twenty_seconds() {
    let mut table = Table::new(
        Settings::default(),
        false,
        true,
        fastrand::Rng::with_seed(1),
        History::new(&Settings::default()),
    );
    let commands = table.step(Event::Tick, Instant::now());
    let expected = Receive {
        max_messages: 10,
        wait_time: SECOND * 20,
        visibility_timeout: SECOND * 30,
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
        Some(Command::Receive(Receive {
            max_messages: 10,
            ..
        }))
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
            History::new(&Settings::default()),
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
fn max_in_flight_messages_bound_the_receives() {
    let settings = Settings {
        concurrency: 2,
        max_in_flight_messages: 4,
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
        max_messages: 1,
        wait_time: SECOND * 20,
        visibility_timeout: SECOND * 30
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
        result: Err(ErrorKind::QueueNotFound),
    });
    assert_eq!(commands, [Command::Stop]);
    assert!(rig.table.queue_not_found());
}
