//! What a holder finds when it looks at its lease.

use super::Lease;

/// How a lease stands for the worker that holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing<'a> {
    /// It is held.
    Held,
    /// It is held, and a live worker asks for it.
    AskedFor(&'a str),
    /// Another worker has it, or it was taken under a later epoch.
    Lost,
}

/// Judges the lease of a hold of `me` under `epoch`, as it stands in the table now. A lease without an owner
/// was released by its holder, which hears of that from the answer to its write.
pub(crate) fn standing<'a>(
    lease: Option<&'a Lease>,
    me: &str,
    epoch: u64,
    is_live: impl Fn(&str) -> bool,
) -> Standing<'a> {
    let Some(lease) = lease else {
        return Standing::Lost;
    };
    let taken = lease
        .owner
        .as_deref()
        .is_some_and(|owner| owner != me || lease.epoch != epoch);
    if taken {
        return Standing::Lost;
    }
    match lease.handover_to.as_deref().filter(|asker| is_live(asker)) {
        Some(asker) => Standing::AskedFor(asker),
        None => Standing::Held,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{free_lease, owned_lease};

    fn check(lease: Option<&Lease>, expected: Standing<'_>) {
        assert_eq!(standing(lease, "a", 3, |worker| worker == "b"), expected);
    }

    #[test]
    fn a_lease_is_lost_to_another_owner_a_later_epoch_or_with_its_item() {
        check(Some(&owned_lease("s-1", "a", 3)), Standing::Held);
        check(Some(&owned_lease("s-1", "b", 3)), Standing::Lost);
        check(Some(&owned_lease("s-1", "a", 4)), Standing::Lost);
        check(None, Standing::Lost);
    }

    #[test]
    fn a_lease_that_its_holder_released_is_not_lost() {
        check(Some(&free_lease("s-1")), Standing::Held);
    }

    #[test]
    fn only_a_live_worker_is_heard_when_it_asks() {
        let mut lease = owned_lease("s-1", "a", 3);
        lease.handover_to = Some("b".to_owned());
        check(Some(&lease), Standing::AskedFor("b"));
        lease.handover_to = Some("dead".to_owned());
        check(Some(&lease), Standing::Held);
    }
}
