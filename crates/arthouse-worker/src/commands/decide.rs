use arthouse_core::{Command, Outcome, Receipt, Refusal, Timestamp, decide};
use arthouse_store::{Commit, Store, StoreError};

/// The maximum of decisions of a command whose records change between load and commit. After more conflicts, a later retry is
/// better.
const MAX_DECISIONS: u32 = 5;

/// The result of a command.
#[derive(Debug)]
pub(super) enum Settled {
    /// It has its outcome, new or stored before.
    Decided(Receipt),
    /// Its sessions are not initialised yet.
    TooEarly,
    /// Its records changed during each decision.
    Contended,
}

/// Loads, decides and commits a command, with up to [`MAX_DECISIONS`] decisions.
pub(super) async fn settle(
    store: &Store,
    command: &Command,
    now: Timestamp,
) -> Result<Settled, StoreError> {
    for _ in 0..MAX_DECISIONS {
        let loaded = store.load(&command.action).await?;
        let (receipt, commit) = match decide(&loaded.state, command, now) {
            Ok(transition) => {
                let receipt = Receipt::new(command, Outcome::Applied, now);
                let commit = store.commit(&loaded, &transition, &receipt).await?;
                (receipt, commit)
            }
            Err(Refusal::Rejected(rejection)) => {
                let receipt = Receipt::new(command, Outcome::from(&rejection), now);
                let commit = store.put_receipt(&receipt).await?;
                (receipt, commit)
            }
            Err(Refusal::SessionsNotInitialized) => return Ok(Settled::TooEarly),
        };
        match commit {
            Commit::Committed => return Ok(Settled::Decided(receipt)),
            Commit::Duplicate(first) => return Ok(Settled::Decided(*first)),
            Commit::Moved => {}
        }
    }
    Ok(Settled::Contended)
}
