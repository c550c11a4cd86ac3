//! A sweep over the table: started or resumed, saved after each page, finished or stopped.

use arthouse_core::Timestamp;
use arthouse_store::{Sweep, SweepCause, SweepCounts, SweepState};
use chrono::{DateTime, TimeDelta, Utc};
use dynamo_streams::GapRecord;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::options::{ReconcileError, ReconcileObserver};
use super::pages::{Wanted, keep_to, page_size};
use super::{Begin, ReconcileOptions, ReconcileReport, Reconciler, lost_since};
use crate::chain;

/// After how long without a write a sweep's owner counts as dead. Two sweeps at a time do no harm; this avoids the double work.
const SILENCE: TimeDelta = TimeDelta::seconds(60);

/// The maximum of gaps that a sweep can acknowledge, because its item holds their names. The next sweep acknowledges the others.
const GAPS_AT_A_TIME: usize = 500;

impl Reconciler {
    /// Reads the whole table and writes nothing.
    pub(super) async fn look(
        &self,
        since: Option<Timestamp>,
        options: &ReconcileOptions,
        observer: &impl ReconcileObserver,
        stop: &CancellationToken,
    ) -> Result<ReconcileReport, ReconcileError> {
        let wanted = Wanted::of(options, since);
        let (mut counts, mut cursor) = (SweepCounts::default(), None);
        let mut finished = false;
        while !finished && !stop.is_cancelled() {
            let (began, size) = (Instant::now(), page_size(options.students_per_second));
            let page = self.store.scan_enrolling(wanted.table(), size, cursor);
            let page = page.await?;
            let students = page.items.len();
            cursor = page.next.clone();
            finished = cursor.is_none();
            self.page(page, wanted, &mut counts, observer).await?;
            observer.progress(&counts);
            keep_to(options, began, students, stop).await;
        }
        Ok(ReconcileReport {
            counts,
            since,
            finished,
            gaps_repaired: 0,
        })
    }

    /// Sweeps over the table, and saves its place after each page.
    pub(super) async fn sweep(
        &self,
        cause: SweepCause,
        since: Option<Timestamp>,
        gaps: Vec<GapRecord>,
        options: &ReconcileOptions,
        observer: &impl ReconcileObserver,
        stop: &CancellationToken,
    ) -> Result<ReconcileReport, ReconcileError> {
        let mut sweep = self.begin(cause, since, &gaps, options.begin).await?;
        let swept = self.go_on(&mut sweep, options, observer, stop).await;
        if let Err(error) = swept {
            if !matches!(error, ReconcileError::TakenOver) {
                self.put_down(&mut sweep).await;
            }
            return Err(error);
        }
        let finished = sweep.state == SweepState::Finished;
        let mut gaps_repaired = 0;
        for gap in gaps.iter().filter(|_| finished) {
            if covers(&sweep, gap) {
                self.operations.acknowledge_gap(gap).await?;
                gaps_repaired += 1;
            }
        }
        let counts = sweep.counts;
        if finished && counts.failed > 0 && !gaps.is_empty() {
            error!(
                counts.failed,
                gaps = gaps.len(),
                "gaps of the streams stay unrepaired: some items failed"
            );
        }
        // A metric filter matches this line by its text and `failed`.
        info!(
            finished,
            counts.students,
            counts.initialised,
            counts.charged,
            counts.notified,
            counts.unchanged,
            counts.foreign,
            failed = counts.failed,
            gaps_repaired,
            "the reconciliation has ended"
        );
        Ok(ReconcileReport {
            counts: sweep.counts,
            since: sweep.since,
            finished,
            gaps_repaired,
        })
    }

    async fn begin(
        &self,
        cause: SweepCause,
        since: Option<Timestamp>,
        gaps: &[GapRecord],
        begin: Begin,
    ) -> Result<Sweep, ReconcileError> {
        let now = self.clock.now();
        let latest = self.store.sweep().await?;
        let revision = latest.as_ref().map_or(0, |latest| latest.revision);
        if let Some(latest) = &latest
            && latest.state == SweepState::Running
            && latest.owner != self.owner
            && now.since(latest.saved_at) < SILENCE
        {
            return Err(ReconcileError::Busy {
                owner: latest.owner.clone(),
                saved_at: latest.saved_at,
            });
        }
        let unfinished = latest.filter(|latest| latest.state != SweepState::Finished);
        let resumed = match (begin, unfinished) {
            (Begin::Resume, None) => return Err(ReconcileError::NothingToResume),
            (Begin::Resume, Some(sweep)) => Some(sweep),
            // A requested sweep may send fewer notifications again than a gap requires.
            (Begin::ResumeOrAnew, Some(sweep)) => Some(sweep).filter(|sweep| sweep.cause == cause),
            (Begin::Anew, _) | (Begin::ResumeOrAnew, None) => None,
        };
        let mut sweep = resumed.unwrap_or_else(|| Sweep {
            owner: self.owner.clone(),
            state: SweepState::Running,
            cause,
            since,
            gaps: gaps.iter().take(GAPS_AT_A_TIME).map(name).collect(),
            cursor: None,
            counts: SweepCounts::default(),
            started_at: now,
            saved_at: now,
            revision,
        });
        sweep.owner = self.owner.clone();
        self.save(&mut sweep, SweepState::Running).await?;
        Ok(sweep)
    }

    async fn go_on(
        &self,
        sweep: &mut Sweep,
        options: &ReconcileOptions,
        observer: &impl ReconcileObserver,
        stop: &CancellationToken,
    ) -> Result<(), ReconcileError> {
        let wanted = Wanted::of(options, sweep.since);
        while sweep.state == SweepState::Running {
            if stop.is_cancelled() {
                return self.save(sweep, SweepState::Stopped).await;
            }
            let (began, size) = (Instant::now(), page_size(options.students_per_second));
            let cursor = sweep.cursor.clone();
            let page = self.store.scan_enrolling(wanted.table(), size, cursor);
            let page = page.await?;
            let (students, next) = (page.items.len(), page.next.clone());
            let mut counts = sweep.counts;
            self.page(page, wanted, &mut counts, observer).await?;
            sweep.counts = counts;
            observer.progress(&counts);
            let state = if next.is_some() {
                SweepState::Running
            } else {
                SweepState::Finished
            };
            sweep.cursor = next;
            self.save(sweep, state).await?;
            if state == SweepState::Running {
                keep_to(options, began, students, stop).await;
            }
        }
        Ok(())
    }

    async fn save(&self, sweep: &mut Sweep, state: SweepState) -> Result<(), ReconcileError> {
        sweep.state = state;
        sweep.saved_at = self.clock.now();
        if self.store.save_sweep(sweep).await? {
            Ok(())
        } else {
            Err(ReconcileError::TakenOver)
        }
    }

    /// Saves that the sweep is stopped, so it can be resumed at once. Otherwise it can be resumed a minute later.
    async fn put_down(&self, sweep: &mut Sweep) {
        if let Err(error) = self.save(sweep, SweepState::Stopped).await {
            warn!(
                error = chain(&error),
                "the reconciliation was not saved as stopped"
            );
        }
    }
}

/// Returns whether a finished sweep has repaired a gap: nothing failed, the gap was known at its start, and it sent again all notifications that may be lost.
/// A resumed sweep keeps the gaps of its start, because processes that find gaps have different clocks.
fn covers(sweep: &Sweep, gap: &GapRecord) -> bool {
    let is_known = sweep.gaps.contains(&name(gap));
    let is_told = sweep.since.is_some_and(|since| since <= lost_since(gap));
    sweep.counts.failed == 0 && is_known && is_told
}

/// Names a gap with the time of its detection: a gap that is found again has to be repaired again.
fn name(gap: &GapRecord) -> String {
    let GapRecord {
        stream_arn,
        shard_id,
        ..
    } = gap;
    let from = gap.from.as_deref().unwrap_or("-");
    let found = DateTime::<Utc>::from(gap.detected_at).to_rfc3339();
    format!("{stream_arn}/{shard_id}/{from}@{found}")
}

#[cfg(test)]
mod tests {
    use dynamo_streams::GapCause;

    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_764_000_000 + seconds, 0).expect("it is a time")
    }

    fn gap(from: &str, detected: i64) -> GapRecord {
        let stream_arn = "arn:aws:dynamodb:eu-west-1:000000000000:table/Users/stream/1";
        let found = at(detected).into();
        let mut gap = GapRecord::new(stream_arn, "shardId-1", GapCause::Trimmed, found);
        gap.from = Some(from.to_owned());
        gap.since = Some(at(-100).into());
        gap
    }

    fn sweep(gaps: &[GapRecord], since: i64) -> Sweep {
        Sweep {
            owner: "one".to_owned(),
            state: SweepState::Finished,
            cause: SweepCause::Gap,
            since: Some(at(since).into()),
            gaps: gaps.iter().map(name).collect(),
            cursor: None,
            counts: SweepCounts::default(),
            started_at: at(10).into(),
            saved_at: at(20).into(),
            revision: 1,
        }
    }

    #[test]
    fn a_sweep_covers_the_gaps_that_were_known_when_it_began_whatever_the_clocks_say() {
        for detected in [-1_000, 0, 10, 1_000] {
            let known = gap("7", detected);
            let sweep = sweep(std::slice::from_ref(&known), -100);
            assert!(covers(&sweep, &known));
            assert!(!covers(&sweep, &gap("8", detected)), "it was found later");
            assert!(
                !covers(&sweep, &gap("7", detected + 1)),
                "it was found anew"
            );
        }
    }

    #[test]
    fn a_sweep_in_which_an_item_failed_covers_no_gap() {
        let known = gap("7", 0);
        let mut sweep = sweep(std::slice::from_ref(&known), -100);
        assert!(covers(&sweep, &known));
        sweep.counts.failed = 1;
        assert!(!covers(&sweep, &known));
    }

    #[test]
    fn a_sweep_covers_no_gap_of_which_it_did_not_tell_all_that_may_be_lost() {
        let known = gap("7", 0);
        assert!(!covers(&sweep(std::slice::from_ref(&known), -99), &known));
    }
}
