//! What the scenarios share: a stack of their own, and the systems upstream and downstream of it.

mod contract;
mod depth;
mod events;
mod inbox;
mod world;

pub use contract::{check_command, check_event};
pub use depth::by_depth;
pub use events::{Event, SOURCE, Student, course, student};
pub use inbox::{Inbox, Letter};
pub use world::World;

use std::future::Future;
use std::time::{Duration, Instant};

/// How long a scenario waits for what must come: far beyond any retry.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Looks until a condition holds.
///
/// # Panics
/// If it does not hold within [`PATIENCE`]; `what` says what was waited for.
pub async fn eventually<T, F: Future<Output = Option<T>>>(
    what: &str,
    mut look: impl FnMut() -> F,
) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(started.elapsed() < PATIENCE, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
