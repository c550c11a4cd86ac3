//! What is logged while things go wrong: no contact detail, whatever the level.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use arthouse_worker::log_cap;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::{Layer as _, fmt};

use crate::school::CONTACT_MARKS;
use crate::{alone, swarm};

/// How many seeds are played.
const SEEDS: u64 = 8;

/// Everything that was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut log = self.0.lock().expect("nothing panics while it logs");
        log.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn no_contact_detail_is_logged_at_any_level_while_things_go_wrong() {
    alone::run("logs::look_for_contact_details_in_the_log", 1);
}

#[test]
#[ignore = "for the test above, which runs it in a process of its own"]
fn look_for_contact_details_in_the_log() {
    let log = Log::default();
    let writer = log.clone();
    let layer = fmt::layer()
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .with_filter(log_cap());
    let subscriber = tracing_subscriber::registry().with(layer);
    tracing::subscriber::with_default(subscriber, || {
        let first = swarm::first_seed();
        for seed in first..first + SEEDS {
            assert_eq!(swarm::play(seed, None, false).findings, [], "seed {seed}");
        }
    });
    let log = log.0.lock().expect("nothing panics while it logs");
    let text = String::from_utf8_lossy(&log);
    for level in ["DEBUG", "INFO", "WARN"] {
        assert!(text.contains(level), "nothing was logged at {level}");
    }
    for mark in CONTACT_MARKS {
        let leak = text.lines().find(|line| line.contains(mark));
        assert_eq!(leak, None);
    }
}
