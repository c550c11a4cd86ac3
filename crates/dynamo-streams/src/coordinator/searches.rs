//! The searches for the children of finished shards: when the next one is due.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::source::ShardKey;

/// The first delay between two searches for the children of a shard; it doubles up to the longest.
const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// How long children are searched for; later ones are found by full listings.
const SEARCH_TIMEOUT: Duration = Duration::from_secs(300);

/// The most searches in flight: an account may make ten listings a second.
const MAX_IN_FLIGHT: usize = 4;

/// Finished shards whose children are not known yet.
#[derive(Debug, Default)]
#[cfg_attr(test, derive(Clone))]
pub(super) struct Searches(BTreeMap<ShardKey, Search>);

#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
struct Search {
    in_flight: bool,
    due: Instant,
    wait: Duration,
    until: Instant,
}

impl Searches {
    /// Starts the search for the children of a shard; it is due at once.
    pub(super) fn begin(&mut self, shard: ShardKey, now: Instant) {
        let search = Search {
            in_flight: false,
            due: now,
            wait: FIRST_WAIT,
            until: now + SEARCH_TIMEOUT,
        };
        self.0.insert(shard, search);
    }

    /// When the next search may start.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.waiting().map(|(_, search)| search.due).min()
    }

    /// Starts the search that has been due the longest.
    pub(super) fn start(&mut self, now: Instant) -> Option<ShardKey> {
        let due = self.waiting().filter(|(_, search)| search.due <= now);
        let (shard, _) = due.min_by_key(|(_, search)| search.due)?;
        let shard = shard.clone();
        self.0.get_mut(&shard)?.in_flight = true;
        Some(shard)
    }

    /// The searches that are not in flight; none while as many are in flight as may be.
    fn waiting(&self) -> impl Iterator<Item = (&ShardKey, &Search)> {
        let in_flight = self.0.values().filter(|search| search.in_flight).count();
        let waiting = self.0.iter().filter(|(_, search)| !search.in_flight);
        waiting.filter(move |_| in_flight < MAX_IN_FLIGHT)
    }

    /// Ends a search: the children are known, or there will be none.
    pub(super) fn end(&mut self, shard: &ShardKey) {
        self.0.remove(shard);
    }

    /// Repeats a search without result after a growing delay, up to [`SEARCH_TIMEOUT`].
    pub(super) fn put_off(&mut self, shard: &ShardKey, now: Instant) {
        if let Some(search) = self.0.get_mut(shard) {
            search.in_flight = false;
            search.due = now + search.wait;
            search.wait = (search.wait * 2).min(LONGEST_WAIT);
        }
        self.0
            .retain(|_, search| search.in_flight || search.due < search.until);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::internal::samples::shard;

    #[test]
    fn a_search_that_finds_nothing_is_repeated_ever_more_rarely_and_given_up_in_the_end() {
        let began = Instant::now();
        let mut searches = Searches::default();
        searches.begin(shard("s-1"), began);
        let mut waits = Vec::new();
        let mut now = began;
        while let Some(due) = searches.next_due() {
            waits.push((due - now).as_millis());
            now = due;
            assert_eq!(searches.start(now), Some(shard("s-1")));
            searches.put_off(&shard("s-1"), now);
        }
        assert_eq!(
            waits[..8],
            [0, 250, 500, 1_000, 2_000, 4_000, 8_000, 10_000]
        );
        let took = now - began;
        assert!(
            took < SEARCH_TIMEOUT && took + LONGEST_WAIT >= SEARCH_TIMEOUT,
            "{took:?}"
        );
    }

    #[test]
    fn the_search_that_has_been_due_the_longest_comes_first_and_one_that_ended_never() {
        let now = Instant::now();
        let later = now + Duration::from_secs(1);
        let mut searches = Searches::default();
        searches.begin(shard("a"), later);
        searches.begin(shard("b"), now);
        let mut before = searches.clone();
        assert_eq!(before.start(later), Some(shard("b")));
        searches.end(&shard("b"));
        assert_eq!(
            (searches.start(now), searches.start(later)),
            (None, Some(shard("a")))
        );
    }

    #[test]
    fn searches_run_side_by_side_up_to_their_limit() {
        let now = Instant::now();
        let mut searches = Searches::default();
        let ids: Vec<String> = (0..6).map(|n| format!("s-{n}")).collect();
        ids.iter().for_each(|id| searches.begin(shard(id), now));
        let mut start = || searches.start(now).map(|shard| shard.shard_id);
        let started: Vec<_> = (0..4).filter_map(|_| start()).collect();
        assert_eq!((started, start()), (ids[..4].to_vec(), None));
        assert_eq!(searches.next_due(), None, "and nothing is due meanwhile");
        searches.put_off(&shard("s-1"), now);
        let next = searches.start(now).map(|shard| shard.shard_id);
        assert_eq!(next.as_deref(), Some("s-4"));
    }
}
