use std::collections::{BTreeMap, HashMap};

use crate::sqs::message::{GroupId, Seq};

/// The message groups of a FIFO queue.
///
/// A group is ready while its first message is visible. Its visible messages up to the first hidden one can be received,
/// so a hidden message blocks the messages behind it. Ready groups take turns: a group that becomes ready again goes
/// to the end.
#[derive(Debug, Default)]
pub(super) struct Groups {
    groups: HashMap<GroupId, Group>,
    ready: BTreeMap<u64, GroupId>,
    last_turn: u64,
}

#[derive(Debug, Default)]
struct Group {
    /// All messages of the group in order, and whether each is visible.
    messages: BTreeMap<Seq, bool>,
    /// The position among the ready groups, while the group is ready.
    turn: Option<u64>,
}

impl Groups {
    /// Adds a message to its group, or shows or hides it.
    pub(super) fn set(&mut self, group: &GroupId, seq: Seq, visible: bool) {
        self.groups
            .entry(group.clone())
            .or_default()
            .messages
            .insert(seq, visible);
        self.refresh(group);
    }

    pub(super) fn remove(&mut self, group: &GroupId, seq: Seq) {
        if let Some(members) = self.groups.get_mut(group) {
            members.messages.remove(&seq);
            self.refresh(group);
        }
    }

    /// Returns at most `limit` receivable messages of the group whose turn it is, or of the group this many turns later.
    pub(super) fn front(&self, limit: usize, passed_over: usize) -> Vec<Seq> {
        let turn = passed_over.checked_rem(self.ready.len()).unwrap_or(0);
        let Some(group) = self
            .ready
            .values()
            .nth(turn)
            .and_then(|name| self.groups.get(name))
        else {
            return Vec::new();
        };
        let visible = group.messages.iter().take_while(|(_, visible)| **visible);
        visible.take(limit).map(|(seq, _)| *seq).collect()
    }

    fn refresh(&mut self, name: &GroupId) {
        let Some(group) = self.groups.get_mut(name) else {
            return;
        };
        let ready = group
            .messages
            .first_key_value()
            .is_some_and(|(_, visible)| *visible);
        match (ready, group.turn) {
            (true, None) => {
                self.last_turn += 1;
                group.turn = Some(self.last_turn);
                self.ready.insert(self.last_turn, name.clone());
            }
            (false, Some(turn)) => {
                group.turn = None;
                self.ready.remove(&turn);
            }
            (true, Some(_)) | (false, None) => {}
        }
        if group.messages.is_empty() {
            self.groups.remove(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> GroupId {
        GroupId::from(text.to_owned())
    }

    /// Groups with these messages, all visible.
    fn groups(messages: &[(&str, u64)]) -> Groups {
        let mut groups = Groups::default();
        for (group, seq) in messages {
            groups.set(&name(group), Seq(*seq), true);
        }
        groups
    }

    fn front(groups: &Groups, limit: usize) -> Vec<u64> {
        groups
            .front(limit, 0)
            .into_iter()
            .map(|seq| seq.0)
            .collect()
    }

    #[test]
    fn the_front_is_the_start_of_one_group_in_order() {
        let groups = groups(&[("a", 1), ("b", 2), ("a", 3), ("a", 4)]);
        assert_eq!(front(&groups, 10), [1, 3, 4]);
        assert_eq!(front(&groups, 2), [1, 3]);
        assert_eq!(front(&groups, 0), [0; 0]);
    }

    #[test]
    fn passing_over_a_turn_hands_out_of_the_next_group_and_comes_round() {
        let groups = groups(&[("a", 1), ("b", 2), ("a", 3)]);
        let fronts = [0, 1, 2, 3].map(|passed_over| groups.front(10, passed_over));
        let expected = [vec![Seq(1), Seq(3)], vec![Seq(2)]];
        assert_eq!(fronts[..2], expected);
        assert_eq!(fronts[2..], expected);
        assert!(Groups::default().front(10, 3).is_empty());
    }

    #[test]
    fn a_hidden_message_holds_back_what_came_after_it_in_its_group() {
        for (hidden, expected) in [(1, vec![]), (3, vec![1]), (4, vec![1, 3])] {
            let mut groups = groups(&[("a", 1), ("a", 3), ("a", 4)]);
            groups.set(&name("a"), Seq(hidden), false);
            assert_eq!(front(&groups, 10), expected, "{hidden} hidden");
        }
    }

    #[test]
    fn a_group_that_is_ready_again_goes_to_the_end_of_the_line() {
        let mut groups = groups(&[("a", 1), ("b", 2), ("c", 3)]);
        groups.set(&name("a"), Seq(1), false);
        groups.set(&name("a"), Seq(1), true);
        let mut order = Vec::new();
        for group in ["b", "c", "a"] {
            let seq = groups.front(1, 0)[0];
            order.push(seq.0);
            groups.remove(&name(group), seq);
        }
        assert_eq!(order, [2, 3, 1]);
    }

    #[test]
    fn removing_the_first_message_lets_the_next_one_forward() {
        let mut groups = groups(&[("a", 1), ("a", 2)]);
        groups.set(&name("a"), Seq(1), false);
        groups.remove(&name("a"), Seq(1));
        assert_eq!(front(&groups, 10), [2]);
    }

    #[test]
    fn an_empty_group_leaves_nothing_behind() {
        let mut groups = groups(&[("a", 1)]);
        groups.remove(&name("a"), Seq(1));
        assert!(groups.groups.is_empty() && groups.ready.is_empty());
    }
}
