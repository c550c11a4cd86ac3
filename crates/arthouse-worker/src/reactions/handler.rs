use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};

use arthouse_core::{Change, Notification, Reaction, react};
use arthouse_store::{
    Image, Store, StoreError, Table, TableNames, Unreadable, WriteResult, change,
};
use dynamo_streams::{Context, Disposition, Handler, Record};
use sqs_consumer::{BatchSender, OutgoingMessage, SendError};
use tracing::{info, warn};

use crate::{Clock, chain};

/// Carries out the reactions to stream records. Each can be repeated at any later time, by any process.
#[derive(Debug, Clone)]
pub struct ReactionHandler {
    store: Store,
    pub(super) tables: TableNames,
    notifications: BatchSender,
    clock: Clock,
    /// The tables with items of no known family that were named in the log.
    foreign: Arc<Mutex<BTreeSet<Table>>>,
}

/// Why a reaction failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReactionError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the notification was not sent")]
    Send(#[from] SendError),
}

impl ReactionHandler {
    /// Makes a handler that writes to a store and sends notifications.
    pub(crate) fn new(
        store: Store,
        tables: TableNames,
        notifications: BatchSender,
        clock: Clock,
    ) -> Self {
        Self {
            store,
            tables,
            notifications,
            clock,
            foreign: Arc::default(),
        }
    }

    /// Carries out one reaction, and returns whether it changed anything. A notification is always sent.
    pub(crate) async fn carry_out(&self, reaction: Reaction) -> Result<WriteResult, ReactionError> {
        match reaction {
            Reaction::InitialiseSessions(enrollment) => {
                let now = self.clock.now();
                let result = self.store.initialise_sessions(&enrollment, now).await?;
                if result == WriteResult::Made {
                    info!(user.id = %enrollment.user_id, course.id = %enrollment.course_id, "sessions initialised");
                }
                Ok(result)
            }
            Reaction::Charge {
                user_id,
                course_id,
                charge_id,
                charge,
            } => {
                let charged = self.store.charge(&user_id, &course_id, &charge_id, &charge);
                let result = charged.await?;
                if result == WriteResult::Made {
                    info!(user.id = %user_id, course.id = %course_id, charge.id = %charge_id, "session charged");
                }
                Ok(result)
            }
            Reaction::Notify(notification) => {
                self.notify(&notification).await?;
                Ok(WriteResult::Made)
            }
        }
    }

    async fn notify(&self, notification: &Notification) -> Result<(), SendError> {
        let message = OutgoingMessage {
            body: notification.event().to_body(),
            group_id: Some(notification.user_id().to_string()),
            deduplication_id: Some(notification.id().to_string()),
            attributes: BTreeMap::new(),
        };
        self.notifications.send(message).await
    }

    /// Names the first item of no known family of a table; the audit counts them.
    fn pass_over(&self, table: Table, defect: &Unreadable) {
        let mut named = self.foreign.lock().unwrap_or_else(PoisonError::into_inner);
        if named.insert(table) {
            warn!(
                table = table.base_name(),
                item = defect.raw_key,
                "changes of items of no known family are passed over"
            );
        }
    }

    /// Reads a record as a change with reactions, of which an item of no known family has none; an error says why it can't be read.
    fn read(&self, record: &Record) -> Result<Option<Change>, String> {
        let table = self.tables.table(&record.table_name);
        let table = table.ok_or("the record is of none of our tables")?;
        let image = Image {
            old: record.old_image.as_ref(),
            new: record.new_image.as_ref(),
        };
        match change(table, image) {
            Err(defect) if defect.is_foreign() => {
                self.pass_over(table, &defect);
                Ok(None)
            }
            read => read.map_err(|defect| mend_first(&*defect)),
        }
    }

    /// Returns why a record can't be read, if it can't.
    pub(super) fn defect(&self, record: &Record) -> Option<String> {
        record.defect.clone().or_else(|| self.read(record).err())
    }

    async fn react_to(&self, record: &Record) -> Disposition {
        let change = match self.read(record) {
            Ok(Some(change)) => change,
            Ok(None) => return Disposition::Done,
            Err(reason) => return Disposition::Park { reason },
        };
        let change = match change.initialised() {
            Some(enrollment) => match self.store.initialised_sessions(enrollment).await {
                Ok(sessions) => change.with_sessions(sessions),
                Err(error) => return not_done(&error.into()),
            },
            None => change,
        };
        for reaction in react(&change) {
            if let Err(error) = self.carry_out(reaction).await {
                return not_done(&error);
            }
        }
        Disposition::Done
    }
}

impl Handler for ReactionHandler {
    async fn handle(&self, record: &Record, _context: &Context) -> Disposition {
        self.react_to(record).await
    }
}

/// Parks a record whose reaction contradicts the tables; retries all other failures.
fn not_done(error: &ReactionError) -> Disposition {
    warn!(error = chain(error), "the reaction failed");
    if error.is_for_good() {
        let reason = mend_first(error);
        Disposition::Park { reason }
    } else {
        let reason = error.to_string();
        Disposition::Retry { reason }
    }
}

/// Parks a record, and says how it is resumed.
/// Says what keeps a record from being reacted to until somebody mends it.
fn mend_first(error: &(dyn Error + 'static)) -> String {
    format!("{}; then run `arthouse redrive`", chain(error))
}

impl ReactionError {
    /// Returns whether the failure remains until the tables are corrected: they contradict the reaction, or make a message that the queue
    /// refuses.
    pub(crate) fn is_for_good(&self) -> bool {
        match self {
            Self::Store(
                StoreError::Decode(_)
                | StoreError::Sweep { .. }
                | StoreError::Overdrawn { .. }
                | StoreError::EnrollmentMissing(_)
                | StoreError::ScheduleTooShort(_)
                | StoreError::TableDiffers { .. },
            ) => true,
            Self::Store(
                StoreError::Request { .. } | StoreError::Contended(_) | StoreError::Unprocessed(_),
            ) => false,
            Self::Send(error) => error.is_permanent(),
        }
    }
}

#[cfg(test)]
mod tests {
    use sqs_consumer::ErrorKind;

    use super::*;

    #[test]
    fn a_notification_that_is_refused_for_good_is_parked_and_not_retried_for_an_hour() {
        let refused = SendError::Refused {
            code: "InvalidMessageContents".to_owned(),
        };
        let disposition = not_done(&refused.into());
        assert!(
            matches!(disposition, Disposition::Park { .. }),
            "{disposition:?}"
        );
        let unavailable = SendError::Failed {
            attempts: 8,
            kind: ErrorKind::Unavailable,
        };
        let disposition = not_done(&unavailable.into());
        assert!(
            matches!(disposition, Disposition::Retry { .. }),
            "{disposition:?}"
        );
    }
}
