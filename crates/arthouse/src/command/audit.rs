use std::num::NonZeroU16;

use anyhow::{Context, Result};
use arthouse_core::{AuditSubject, Violation};
use arthouse_store::{Key, Unreadable};
use arthouse_worker::{AuditCounts, AuditObserver, AuditOptions, AuditReport, audit_tables};
use clap::Args;
use serde_json::{Value, json};

use super::positive;
use crate::Exit;
use crate::deployment::Deployment;
use crate::output::{self, Format, plain};
use crate::ticker::Ticker;

/// How the tables are read and the findings printed.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How many parts of each table are read at once: more are faster and load the tables more
    #[arg(long, default_value = "4", value_parser = positive::<NonZeroU16>)]
    segments: NonZeroU16,
    /// The most violations to list; all are counted
    #[arg(long, default_value_t = 1_000)]
    limit: usize,
    #[command(flatten)]
    format: Format,
}

pub(crate) async fn run(options: Options, deployment: &Deployment) -> Result<Exit> {
    let store = deployment.store().await?;
    let audit = AuditOptions {
        segments: options.segments,
        listed: options.limit,
    };
    let progress = Progress(Ticker::start());
    let report = audit_tables(&store, &audit, &progress).await;
    drop(progress);
    let report = report.context("the audit failed")?;
    if options.format.json {
        output::print_json(&as_json(&report))?;
    } else {
        output::print(describe(&report))?;
    }
    Ok(exit(&report))
}

/// What a reaction under way will settle is no violation.
fn exit(report: &AuditReport) -> Exit {
    match (report.violated, report.undecided) {
        (0, 0) => Exit::Success,
        (0, _) => Exit::Failure,
        (_, _) => Exit::Violations,
    }
}

struct Progress(Ticker);

impl AuditObserver for Progress {
    fn progress(&self, counts: &AuditCounts) {
        self.0.show(|| {
            let AuditCounts {
                applications,
                enrollments,
                session_keys,
                receipts,
                ..
            } = counts;
            format!(
                "{applications} applications and {enrollments} enrolments checked, then {session_keys} sessions, then {receipts} receipts"
            )
        });
    }
}

/// Returns the key of the item that a violation is about.
fn key(subject: &AuditSubject) -> Key {
    match subject.clone() {
        AuditSubject::Enrollment { user_id, course_id } => Key::Enrollment(user_id, course_id),
        AuditSubject::Session {
            user_id,
            course_id,
            session_id,
        } => Key::Session(course_id, session_id, user_id),
        AuditSubject::Command { source, command_id } => Key::Receipt(source, command_id),
    }
}

fn as_json(report: &AuditReport) -> Value {
    let violation = |violation: &Violation| {
        let key = key(&violation.subject);
        json!({
            "invariant": violation.invariant.number(),
            "table": key.table().base_name(),
            "pk": key.pk(),
            "sk": key.sk(),
            "detail": violation.detail,
            "pending": violation.pending,
            "since": violation.since,
        })
    };
    let unreadable = |defect: &Unreadable| json!({"table": defect.table.base_name(), "key": defect.raw_key, "problem": defect.error.to_string()});
    json!({
        "checked": report.counts,
        "violated": report.violated,
        "pending": report.pending,
        "undecided": report.undecided,
        "violations": report.violations.iter().map(violation).collect::<Vec<_>>(),
        "unreadable": report.unreadable.iter().map(unreadable).collect::<Vec<_>>(),
    })
}

fn describe(report: &AuditReport) -> String {
    let line = |violation: &Violation| {
        let key = key(&violation.subject);
        let (number, table, detail) = (
            violation.invariant.number(),
            key.table().base_name(),
            &violation.detail,
        );
        let state = match (violation.pending, violation.since) {
            (false, _) => "violated".to_owned(),
            (true, None) => "not settled".to_owned(),
            (true, Some(since)) => {
                format!("not settled, due since {}", output::utc(since.to_utc()))
            }
        };
        plain(format!(
            "invariant {number} {state}: {table} {key}: {detail}"
        ))
    };
    let (pending, violated): (Vec<_>, Vec<_>) = report
        .violations
        .iter()
        .partition(|violation| violation.pending);
    let mut lines: Vec<_> = violated.into_iter().chain(pending).map(line).collect();
    let unreadable = |defect: &Unreadable| plain(format!("can't be read: {defect}"));
    lines.extend(report.unreadable.iter().map(unreadable));
    let AuditCounts {
        applications,
        enrollments,
        sessions,
        receipts,
        ..
    } = report.counts;
    lines.push(format!(
        "{applications} applications, {enrollments} enrolments, {sessions} sessions and {receipts} receipts checked: \
         {} violations, {} not settled yet, {} items that can't be read",
        report.violated, report.pending, report.undecided
    ));
    lines.join("\n")
}
