use arthouse_core::{Command, Outcome, Receipt, Refusal, Timestamp, decide};
use arthouse_store::{Commit, Store, StoreError};

/// How often a command is decided anew when what it was decided on has moved. More than a few times means a fight that is
/// better settled later.
const MAX_DECISIONS: u32 = 5;

/// What has become of a command.
#[derive(Debug)]
pub(super) enum Settled {
    /// It has its outcome, now or from before.
    Decided(Receipt),
    /// It has come before the sessions that it is about.
    TooEarly,
    /// What it was decided on kept moving.
    Contended,
}

/// Loads, decides and commits a command, at most a few times over.
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
