//! Order within a message group, and the limit of handlers for one group.

use std::collections::{BTreeMap, VecDeque};

use super::event::Key;
use crate::settings::Settings;

/// Decides which message may start, by group. Without a limit every message may start and nothing is stored.
#[derive(Debug)]
pub(super) struct Groups {
    limit: Option<usize>,
    /// The most messages of one group that may wait.
    max_waiting: usize,
    groups: BTreeMap<String, Group>,
}

#[derive(Debug, Default)]
struct Group {
    active: usize,
    waiting: VecDeque<Key>,
}

impl Groups {
    pub(super) fn new(limit: Option<usize>) -> Self {
        Self {
            limit,
            max_waiting: usize::MAX,
            groups: BTreeMap::new(),
        }
    }

    /// Bounds the messages of each group that wait, so that the groups that wait leave room for others: whenever a handler is free, fewer
    /// than `concurrency` / limit groups have reached their limit, so fewer than `max_in_flight` - `concurrency` messages wait.
    pub(super) fn with_room_for_others(mut self, settings: &Settings) -> Self {
        let room = settings.max_in_flight_messages - settings.concurrency;
        let share = room.saturating_mul(self.limit.unwrap_or(1));
        self.max_waiting = share / settings.concurrency;
        self
    }

    /// Returns whether as many messages of this group wait as may.
    pub(super) fn is_full(&self, group: Option<&str>) -> bool {
        let group = group.and_then(|name| self.groups.get(name));
        group.is_some_and(|group| {
            self.limit.is_some_and(|limit| group.active >= limit)
                && group.waiting.len() >= self.max_waiting
        })
    }

    /// Adds a message and returns whether it may start; otherwise it waits behind the others of its group.
    pub(super) fn enter(&mut self, group: Option<&str>, key: Key) -> bool {
        let (Some(limit), Some(name)) = (self.limit, group) else {
            return true;
        };
        let group = self.groups.entry(name.to_owned()).or_default();
        if group.active < limit && group.waiting.is_empty() {
            group.active += 1;
            return true;
        }
        group.waiting.push_back(key);
        false
    }

    /// Removes a started message of this group and returns the message that may start next.
    pub(super) fn leave(&mut self, group: Option<&str>) -> Option<Key> {
        let name = group.filter(|_| self.limit.is_some())?;
        let group = self.groups.get_mut(name)?;
        let next = group.waiting.pop_front();
        if next.is_none() {
            group.active = group.active.saturating_sub(1);
        }
        if group.active == 0 {
            self.groups.remove(name);
        }
        next
    }

    /// Removes all waiting messages of this group, in order.
    pub(super) fn stop(&mut self, group: Option<&str>) -> VecDeque<Key> {
        let waiting = group
            .and_then(|name| self.groups.get_mut(name))
            .map(|group| &mut group.waiting);
        waiting.map(std::mem::take).unwrap_or_default()
    }

    /// Removes a waiting message and those behind it; `None` if it does not wait here.
    pub(super) fn cut(&mut self, group: Option<&str>, key: Key) -> Option<VecDeque<Key>> {
        let waiting = &mut self.groups.get_mut(group?)?.waiting;
        let position = waiting.iter().position(|waiting| *waiting == key)?;
        Some(waiting.split_off(position))
    }

    /// Removes one waiting message.
    pub(super) fn remove(&mut self, group: Option<&str>, key: Key) {
        if let Some(group) = group.and_then(|name| self.groups.get_mut(name)) {
            group.waiting.retain(|waiting| *waiting != key);
        }
    }

    /// Removes all waiting messages of all groups.
    pub(super) fn stop_all(&mut self) -> Vec<Key> {
        self.groups
            .values_mut()
            .flat_map(|group| std::mem::take(&mut group.waiting))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fifo_group_lets_one_through_and_the_others_follow_in_order() {
        let mut groups = Groups::new(Some(1));
        assert!(groups.enter(Some("a"), 1));
        assert!(!groups.enter(Some("a"), 2));
        assert!(!groups.enter(Some("a"), 3));
        assert!(
            groups.enter(Some("b"), 4),
            "another group is not in the way"
        );

        assert_eq!(groups.leave(Some("a")), Some(2));
        assert_eq!(groups.leave(Some("a")), Some(3));
        assert_eq!(groups.leave(Some("a")), None);
        assert!(groups.enter(Some("a"), 5));
    }

    #[test]
    fn a_limit_of_two_lets_two_through() {
        let mut groups = Groups::new(Some(2));
        assert_eq!(
            [1, 2, 3].map(|key| groups.enter(Some("a"), key)),
            [true, true, false]
        );
        assert_eq!(groups.leave(Some("a")), Some(3));
        assert_eq!(
            (groups.leave(Some("a")), groups.leave(Some("a"))),
            (None, None)
        );
        assert!(groups.groups.is_empty());
    }

    #[test]
    fn cutting_takes_a_waiting_message_and_those_behind_it() {
        let mut groups = Groups::new(Some(1));
        for key in 1..=4 {
            groups.enter(Some("a"), key);
        }
        assert_eq!(groups.cut(Some("a"), 3), Some(VecDeque::from([3, 4])));
        assert_eq!(groups.cut(Some("a"), 1), None, "1 is active, not waiting");
        assert_eq!(groups.leave(Some("a")), Some(2));
    }

    #[test]
    fn messages_without_a_group_are_never_held_back() {
        let mut groups = Groups::new(Some(1));
        assert!(groups.enter(None, 1) && groups.enter(None, 2));
        assert_eq!(groups.leave(None), None);
    }
}
