//! How a holder checks its lease.

use super::Lease;

/// The state of a lease for its holder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LeaseCheck<'a> {
    /// It is held.
    Held,
    /// It is held, and a live worker requests it.
    HandoverRequested(&'a str),
    /// Another worker holds it, or it was taken under a later epoch.
    Lost,
}

/// Checks the lease that `me` holds under `epoch` against the table. A lease without an owner was released by its holder, which learns that
/// from the response to its write.
pub(crate) fn check_lease<'a>(
    lease: Option<&'a Lease>,
    me: &str,
    epoch: u64,
    is_live: impl Fn(&str) -> bool,
) -> LeaseCheck<'a> {
    let Some(lease) = lease else {
        return LeaseCheck::Lost;
    };
    if lease.epoch < epoch {
        // The table was read before the lease was taken.
        return LeaseCheck::Held;
    }
    let taken = lease
        .owner
        .as_deref()
        .is_some_and(|owner| owner != me || lease.epoch != epoch);
    if taken {
        return LeaseCheck::Lost;
    }
    match lease
        .handover_to
        .as_deref()
        .filter(|worker| is_live(worker))
    {
        Some(worker) => LeaseCheck::HandoverRequested(worker),
        None => LeaseCheck::Held,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::internal::samples::{free_lease, owned_lease};

    fn check(lease: Option<&Lease>, expected: LeaseCheck<'_>) {
        assert_eq!(check_lease(lease, "a", 3, |worker| worker == "b"), expected);
    }

    #[test]
    fn a_lease_is_lost_to_another_owner_a_later_epoch_or_with_its_item() {
        check(Some(&owned_lease("s-1", "a", 3)), LeaseCheck::Held);
        check(Some(&owned_lease("s-1", "b", 3)), LeaseCheck::Lost);
        check(Some(&owned_lease("s-1", "a", 4)), LeaseCheck::Lost);
        check(None, LeaseCheck::Lost);
    }

    #[test]
    fn a_lease_that_its_holder_released_is_not_lost() {
        check(Some(&free_lease("s-1")), LeaseCheck::Held);
    }

    #[test]
    fn a_view_that_is_older_than_the_take_of_a_lease_says_nothing_of_it() {
        check(Some(&owned_lease("s-1", "b", 2)), LeaseCheck::Held);
        let mut lease = owned_lease("s-1", "a", 2);
        lease.handover_to = Some("b".to_owned());
        check(Some(&lease), LeaseCheck::Held);
    }

    #[test]
    fn only_a_live_worker_is_heard_when_it_asks() {
        let mut lease = owned_lease("s-1", "a", 3);
        lease.handover_to = Some("b".to_owned());
        check(Some(&lease), LeaseCheck::HandoverRequested("b"));
        lease.handover_to = Some("dead".to_owned());
        check(Some(&lease), LeaseCheck::Held);
    }
}
