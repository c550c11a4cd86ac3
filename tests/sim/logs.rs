//! What is logged while things go wrong: no contact detail, whatever the level.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::{Layer as _, fmt};

use crate::school::CONTACT_MARKS;
use crate::swarm;

const SEEDS: std::ops::RangeInclusive<u64> = 1..=8;

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
    let log = Log::default();
    let writer = log.clone();
    // As the binary has it: other people's code, which prints bodies, is not asked for more than its notices.
    let targets = [
        "arthouse",
        "arthouse_worker",
        "arthouse_store",
        "arthouse_core",
    ];
    let targets = targets
        .into_iter()
        .chain(["dynamo_streams", "sqs_consumer"]);
    let filter = Targets::new()
        .with_default(LevelFilter::INFO)
        .with_targets(targets.map(|target| (target, LevelFilter::TRACE)));
    let layer = fmt::layer()
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .with_filter(filter);
    let subscriber = tracing_subscriber::registry().with(layer);
    tracing::subscriber::with_default(subscriber, || {
        for seed in SEEDS {
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
