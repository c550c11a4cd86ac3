//! The reactions to the records of one page of the table.

use std::num::NonZeroU32;
use std::sync::Mutex;
use std::time::Duration;

use arthouse_core::{CourseId, Owed, Reaction, Timestamp, UserId, owed};
use arthouse_store::{Enrolling, Page, Scanned, Segment, SweepCounts, WriteResult};
use chrono::{DateTime, TimeDelta, Utc};
use futures::{StreamExt, TryStreamExt};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::options::{ReconcileError, ReconcileObserver, ReconcileStep};
use super::{ReconcileOptions, Reconciler, UNKNOWN_GAP_DAYS};

/// Students whose reactions are carried out concurrently.
const STUDENTS_IN_FLIGHT: usize = 8;
/// The maximum of items per page. A page is repeated after a crash.
const LARGEST_PAGE: u32 = 100;
/// How long a page may take at the given rate, so that a stop and the progress don't wait long.
const PAGE_SECONDS: u32 = 5;

/// What to do with the reactions of a page.
#[derive(Clone, Copy)]
pub(super) struct Wanted {
    pub(super) since: Option<Timestamp>,
    pub(super) dry_run: bool,
    /// Whether all sessions are read, and consistently.
    pub(super) full: bool,
}

impl Wanted {
    pub(super) fn of(options: &ReconcileOptions, since: Option<Timestamp>) -> Self {
        Self {
            since,
            dry_run: options.dry_run,
            full: !options.incremental || since.is_some(),
        }
    }

    /// Returns the table as it is to be read.
    pub(super) fn table(self) -> Segment {
        if self.full {
            Segment::WHOLE
        } else {
            Segment::WHOLE.eventually()
        }
    }
}

/// Returns the number of students per page at a rate.
pub(super) fn page_size(students_per_second: NonZeroU32) -> u16 {
    let most = students_per_second.get().saturating_mul(PAGE_SECONDS);
    u16::try_from(most.min(LARGEST_PAGE)).unwrap_or(u16::MAX)
}

/// Waits until the rate allows so many students since the start of the page.
pub(super) async fn keep_to(
    options: &ReconcileOptions,
    began: Instant,
    students: usize,
    stop: &CancellationToken,
) {
    let per_second = f64::from(options.students_per_second.get());
    let students = u32::try_from(students).unwrap_or(u32::MAX);
    let due = began + Duration::from_secs_f64(f64::from(students) / per_second);
    stop.run_until_cancelled(tokio::time::sleep_until(due))
        .await;
}

impl Reconciler {
    /// Carries out the reactions to the records of a page, and adds them to the counts.
    pub(super) async fn page(
        &self,
        page: Page<Scanned<Enrolling>>,
        wanted: Wanted,
        counts: &mut SweepCounts,
        observer: &impl ReconcileObserver,
    ) -> Result<(), ReconcileError> {
        let added = Mutex::new(SweepCounts::default());
        let add = |step: &ReconcileStep<'_>| {
            observer.step(step);
            count(&mut added.lock().expect("nothing panics with it"), step);
        };
        let is_foreign = |item: &Scanned<Enrolling>| item.as_ref().is_err_and(|it| it.is_foreign());
        let (foreign, items): (Vec<_>, Vec<_>) = page.items.into_iter().partition(is_foreign);
        if let Some(Err(first)) = foreign.first()
            && counts.foreign == 0
        {
            log_failed(&ReconcileStep::Foreign(first));
            add(&ReconcileStep::Foreign(first));
        }
        counts.foreign += foreign.len() as u64;
        counts.students += items.len() as u64;
        futures::stream::iter(items)
            .map(Ok)
            .try_for_each_concurrent(STUDENTS_IN_FLIGHT, |item| self.student(item, wanted, &add))
            .await?;
        let added = added.into_inner().expect("nothing panics with it");
        counts.initialised += added.initialised;
        counts.charged += added.charged;
        counts.notified += added.notified;
        counts.unchanged += added.unchanged;
        counts.failed += added.failed;
        Ok(())
    }

    async fn student(
        &self,
        item: Scanned<Enrolling>,
        wanted: Wanted,
        add: &(impl Fn(&ReconcileStep<'_>) + Sync),
    ) -> Result<(), ReconcileError> {
        let owed = match item {
            Ok(Enrolling::Application(application)) => owed(Some(&application), None, &[]),
            Ok(Enrolling::Enrollment(enrollment)) => {
                let mut sessions = Vec::new();
                let read = if wanted.full {
                    self.store.sessions(&enrollment).await?
                } else {
                    self.store
                        .uncharged_sessions_eventually(&enrollment)
                        .await?
                };
                for session in read {
                    match session {
                        Ok(session) => sessions.push(session),
                        Err(defect) => {
                            log_failed(&ReconcileStep::Unreadable(&defect));
                            add(&ReconcileStep::Unreadable(&defect));
                        }
                    }
                }
                owed(None, Some(&enrollment), &sessions)
            }
            Err(defect) => {
                log_failed(&ReconcileStep::Unreadable(&defect));
                add(&ReconcileStep::Unreadable(&defect));
                Owed::default()
            }
        };
        self.react(owed, wanted, add).await
    }

    /// Carries out the reactions that the records of one student in one course call for, and sends the notifications again that a change may
    /// have led to: those of commands that the queue had kept for up to its maximum retention by then, and later ones.
    ///
    /// # Errors
    /// Returns what failed: it can be repeated, once the tables are corrected if they contradict a reaction or can't be read.
    pub async fn repair_student(
        &self,
        user_id: &UserId,
        course_id: &CourseId,
        changed_at: DateTime<Utc>,
    ) -> Result<(), ReconcileError> {
        let records = self.store.student(user_id, course_id).await?;
        let (application, enrollment) = (records.application, records.enrollment);
        let owed = owed(application.as_ref(), enrollment.as_ref(), &records.sessions);
        let since = changed_at - TimeDelta::days(UNKNOWN_GAP_DAYS);
        let wanted = Wanted {
            since: Some(since.into()),
            dry_run: false,
            full: true,
        };
        let failed = Mutex::new(None);
        let add = |step: &ReconcileStep<'_>| {
            if let ReconcileStep::Failed(_, why) = step {
                *failed.lock().expect("nothing panics with it") = Some(why.clone());
            }
        };
        self.react(owed, wanted, &add).await?;
        match failed.into_inner().expect("nothing panics with it") {
            Some(why) => Err(ReconcileError::Reaction(why)),
            None => Ok(()),
        }
    }

    async fn react(
        &self,
        owed: Owed,
        wanted: Wanted,
        add: &(impl Fn(&ReconcileStep<'_>) + Sync),
    ) -> Result<(), ReconcileError> {
        let repeated = owed
            .notifications
            .into_iter()
            .filter(|sent| wanted.since.is_some_and(|since| sent.time() >= since))
            .map(Reaction::Notify);
        for reaction in owed.repairs.into_iter().chain(repeated) {
            if wanted.dry_run {
                add(&ReconcileStep::Due(&reaction));
                continue;
            }
            match self.handler.carry_out(reaction.clone()).await {
                Ok(WriteResult::Made) => add(&ReconcileStep::Done(&reaction)),
                Ok(WriteResult::MadeBefore) => add(&ReconcileStep::Unchanged(&reaction)),
                Err(error) if error.is_for_good() => {
                    let failed = ReconcileStep::Failed(&reaction, crate::chain(&error));
                    log_failed(&failed);
                    add(&failed);
                }
                Err(error) => return Err(ReconcileError::Reaction(crate::chain(&error))),
            }
        }
        Ok(())
    }
}

/// Names what a sweep could not repair by its key.
fn log_failed(step: &ReconcileStep<'_>) {
    match step {
        ReconcileStep::Failed(Reaction::InitialiseSessions(enrollment), error) => {
            warn!(user.id = %enrollment.user_id, course.id = %enrollment.course_id, error, "sessions were not initialised");
        }
        ReconcileStep::Failed(
            Reaction::Charge {
                user_id,
                course_id,
                charge_id,
                ..
            },
            error,
        ) => {
            warn!(user.id = %user_id, course.id = %course_id, charge.id = %charge_id, error, "a session was not charged");
        }
        ReconcileStep::Failed(Reaction::Notify(sent), error) => {
            warn!(user.id = %sent.user_id(), event.id = %sent.id(), error, "a notification was not resent");
        }
        ReconcileStep::Unreadable(defect) => {
            let table = defect.table.base_name();
            warn!(table, item = defect.raw_key, error = %defect.error, "an item was skipped: it can't be read");
        }
        ReconcileStep::Foreign(defect) => {
            warn!(
                table = defect.table.base_name(),
                item = defect.raw_key,
                "items of no known family are passed over"
            );
        }
        ReconcileStep::Due(_) | ReconcileStep::Done(_) | ReconcileStep::Unchanged(_) => {}
    }
}

fn count(counts: &mut SweepCounts, step: &ReconcileStep<'_>) {
    match step {
        ReconcileStep::Due(reaction) | ReconcileStep::Done(reaction) => match reaction {
            Reaction::InitialiseSessions(_) => counts.initialised += 1,
            Reaction::Charge { .. } => counts.charged += 1,
            Reaction::Notify(_) => counts.notified += 1,
        },
        ReconcileStep::Unchanged(_) => counts.unchanged += 1,
        // The page counts them.
        ReconcileStep::Foreign(_) => {}
        ReconcileStep::Failed(..) | ReconcileStep::Unreadable(_) => counts.failed += 1,
    }
}

#[cfg(test)]
mod tests {
    use arthouse_core::{Charge, ChargeId, ChargeKind, SessionId};

    use super::*;

    #[test]
    fn a_repair_that_changed_nothing_is_not_counted_as_made() {
        let charge = Reaction::Charge {
            user_id: "ada".parse().unwrap(),
            course_id: "oils".parse().unwrap(),
            charge_id: ChargeId::of_session(SessionId::from_ordinal(1)),
            charge: Charge {
                amount: 1_i64.try_into().unwrap(),
                kind: ChargeKind::Attended,
                at: "2026-10-01T18:30:00Z".parse().unwrap(),
            },
        };
        let mut counts = SweepCounts::default();
        count(&mut counts, &ReconcileStep::Unchanged(&charge));
        let unchanged = SweepCounts {
            unchanged: 1,
            ..SweepCounts::default()
        };
        assert_eq!(counts, unchanged);
        assert!(counts.to_string().contains("0 charges"), "{counts}");
    }

    #[test]
    fn a_page_takes_five_seconds_at_most_and_holds_a_hundred() {
        for (rate, size) in [
            (1, 5),
            (19, 95),
            (20, 100),
            (1_000_000, 100),
            (u32::MAX, 100),
        ] {
            assert_eq!(page_size(NonZeroU32::new(rate).unwrap()), size);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_rate_is_kept_to_and_a_stop_does_not_wait() {
        let options = ReconcileOptions {
            students_per_second: NonZeroU32::new(50).unwrap(),
            ..ReconcileOptions::default()
        };
        let (began, stop) = (Instant::now(), CancellationToken::new());
        keep_to(&options, began, 100, &stop).await;
        assert_eq!(began.elapsed(), Duration::from_secs(2));
        keep_to(&options, began, 50, &stop).await;
        assert_eq!(began.elapsed(), Duration::from_secs(2));
        stop.cancel();
        keep_to(&options, began, 100_000, &stop).await;
        assert_eq!(began.elapsed(), Duration::from_secs(2));
    }
}
