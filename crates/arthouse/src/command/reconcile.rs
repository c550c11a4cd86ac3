use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, bail};
use arthouse_core::{Reaction, Timestamp};
use arthouse_store::{Key, SweepCounts};
use arthouse_worker::{
    Begin, Limits, ReconcileError, ReconcileObserver, ReconcileOptions, ReconcileReport,
    ReconcileStep, Settings,
};
use clap::Args;
use serde_json::{Value, json};

use super::positive;
use crate::deployment::Deployment;
use crate::exit::Failure;
use crate::output::{self, Format, plain};
use crate::ticker::Ticker;
use crate::{Exit, signals};

/// What is repaired and resent, and how fast.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// List what is missing and write nothing
    #[arg(long, conflicts_with = "resume")]
    dry_run: bool,
    /// Resume the last run, which was stopped (Ctrl-C) or died, with its --since
    #[arg(long)]
    resume: bool,
    /// Resend the notifications of changes since this time, such as 2026-11-25T00:00:00Z
    ///
    /// The time of a change is when the queue took its command. Without --since, the notifications since the earliest gap that is not
    /// repaired are resent; without a gap, none are.
    #[arg(long, value_name = "TIME", conflicts_with = "resume")]
    since: Option<Timestamp>,
    /// The most applications and enrolments that are read in a second
    #[arg(long, value_name = "STUDENTS", default_value = "100", value_parser = positive::<NonZeroU32>)]
    rate: NonZeroU32,
    /// Read only sessions without a charge, eventually consistent: cheaper, for a run by the hour beside a full one by the day
    ///
    /// It makes no difference where notifications are resent: these need all sessions.
    #[arg(long)]
    incremental: bool,
    #[command(flatten)]
    format: Format,
}

pub(crate) async fn run(options: Options, deployment: &Deployment) -> Result<Exit> {
    let stack = deployment.stack(Limits::Daemon).await?;
    let stop = signals::shutdown()?;
    let reconcile = ReconcileOptions {
        begin: if options.resume {
            Begin::Resume
        } else {
            Begin::Anew
        },
        since: options.since,
        students_per_second: options.rate,
        dry_run: options.dry_run,
        incremental: options.incremental,
    };
    let listing = Listing::start(options.format.json);
    let reconciler = stack.reconciler(&Settings::default())?;
    let report = reconciler.run(&reconcile, &listing, &stop).await;
    let listed = listing.end();
    let report = match report {
        Ok(report) => report,
        Err(error @ ReconcileError::NothingToResume) => {
            bail!(Failure::NotFound(error.to_string()))
        }
        Err(error @ ReconcileError::Busy { .. }) => return Err(error).context("not started"),
        Err(error) => {
            return Err(error).context(
                "the reconciliation failed; resume it with `arthouse reconcile --resume`",
            );
        }
    };
    if options.format.json {
        output::print_json(&as_json(&report, options.dry_run, &listed))?;
    } else {
        output::print(describe(&report, options.dry_run))?;
    }
    if !report.finished {
        bail!(if options.dry_run {
            "stopped before the end of the table"
        } else {
            "stopped; resume it with `arthouse reconcile --resume`"
        });
    }
    Ok(if report.counts.failed == 0 {
        Exit::Success
    } else {
        Exit::Violations
    })
}

/// The most steps that are listed; all are counted.
const LISTED: usize = 1_000;

/// Prints each step as it comes, or gathers them for one JSON document.
struct Listing {
    ticker: Ticker,
    json: bool,
    steps: Mutex<Vec<Value>>,
}

impl Listing {
    fn start(json: bool) -> Self {
        Self {
            ticker: Ticker::start(),
            json,
            steps: Mutex::default(),
        }
    }

    fn end(self) -> Vec<Value> {
        self.steps
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl ReconcileObserver for Listing {
    fn step(&self, step: &ReconcileStep<'_>) {
        let mut steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        if steps.len() == LISTED {
            return;
        }
        let step = step_as_json(step);
        if !self.json {
            self.ticker.clear();
            // An output that can't be written does not end the work.
            let _closed = output::print(line(&step));
        }
        steps.push(step);
    }

    fn progress(&self, counts: &SweepCounts) {
        self.ticker.show(|| counts.to_string());
    }
}

fn step_as_json(step: &ReconcileStep<'_>) -> Value {
    let (state, reaction, problem) = match step {
        ReconcileStep::Due(reaction) => ("due", reaction, None),
        ReconcileStep::Done(reaction) => ("done", reaction, None),
        ReconcileStep::Unchanged(reaction) => ("unchanged", reaction, None),
        ReconcileStep::Failed(reaction, why) => ("failed", reaction, Some(why)),
        ReconcileStep::Foreign(defect) => {
            let table = defect.table.base_name();
            let message = format!(
                "{table} has items of no known family, such as {}: passed over",
                defect.raw_key
            );
            return json!({"state": "foreign", "table": table, "key": defect.raw_key, "message": message});
        }
        ReconcileStep::Unreadable(defect) => {
            return json!({"state": "unreadable", "table": defect.table.base_name(), "key": defect.raw_key, "problem": defect.error.to_string(), "message": defect.to_string()});
        }
    };
    let (what, user_id, course_id) = match reaction {
        Reaction::InitialiseSessions(enrollment) => {
            ("sessions", &enrollment.user_id, &enrollment.course_id)
        }
        Reaction::Charge {
            user_id, course_id, ..
        } => ("charge", user_id, course_id),
        Reaction::Notify(told) => ("notification", told.user_id(), told.course_id()),
    };
    let mut json = json!({"state": state, "what": what});
    json["key"] = Key::Enrollment(user_id.clone(), course_id.clone())
        .to_string()
        .into();
    match reaction {
        Reaction::InitialiseSessions(_) => {}
        Reaction::Charge { charge_id, .. } => json["charge_id"] = charge_id.to_string().into(),
        Reaction::Notify(told) => {
            json["name"] = told.name().into();
            json["id"] = told.id().as_str().into();
        }
    }
    if let Some(problem) = problem {
        json["problem"] = problem.as_str().into();
    }
    json
}

fn line(step: &Value) -> String {
    if let Some(message) = step["message"].as_str() {
        return plain(message);
    }
    let fields = ["state", "what", "charge_id", "name", "key", "problem"];
    let words: Vec<_> = fields
        .into_iter()
        .filter_map(|name| step[name].as_str())
        .collect();
    plain(words.join(" "))
}

fn as_json(report: &ReconcileReport, dry_run: bool, steps: &[Value]) -> Value {
    let mut value = json!({
        "dry_run": dry_run,
        "finished": report.finished,
        "since": report.since,
        "gaps_repaired": report.gaps_repaired,
        "steps": steps,
    });
    output::insert_counts(&mut value, report.counts);
    value
}

fn describe(report: &ReconcileReport, dry_run: bool) -> String {
    let done = if dry_run { "missing" } else { "repaired" };
    let since = report.since.map_or_else(
        || "no gap is known and --since was not given, so no notification is resent".to_owned(),
        |since| {
            let since = output::utc(since.to_utc());
            format!("notifications are those of changes since {since}")
        },
    );
    format!(
        "{done}: {} ({since}); {} gaps repaired",
        report.counts, report.gaps_repaired
    )
}
