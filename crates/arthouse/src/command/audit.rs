use anyhow::{Context, Result};
use arthouse_core::Violation;
use arthouse_worker::{AuditReport, audit_tables};
use clap::Args;
use serde_json::{Value, json};

use super::{Format, store};
use crate::Exit;
use crate::cli::Deployment;
use crate::output::{self, plain};

/// How the findings are printed.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    format: Format,
}

pub(super) async fn run(options: Options, deployment: &Deployment) -> Result<Exit> {
    let store = store(deployment).await?;
    let report = audit_tables(&store).await.context("the audit can't tell")?;
    if options.format.json {
        output::print_json(&as_json(&report))?;
    } else {
        output::print(describe(&report))?;
    }
    // What a reaction under way will settle is no violation.
    let violated = report.violations.iter().any(|violation| !violation.pending);
    Ok(if violated {
        Exit::Violations
    } else {
        Exit::Success
    })
}

fn as_json(report: &AuditReport) -> Value {
    let violation = |violation: &Violation| {
        json!({
            "invariant": violation.invariant.number(),
            "user_id": violation.user_id,
            "course_id": violation.course_id,
            "detail": violation.detail,
            "pending": violation.pending,
        })
    };
    let violations: Vec<_> = report.violations.iter().map(violation).collect();
    json!({ "enrollments": report.enrollments, "sessions": report.sessions, "violations": violations })
}

fn describe(report: &AuditReport) -> String {
    let (pending, violated): (Vec<_>, Vec<_>) = report
        .violations
        .iter()
        .partition(|violation| violation.pending);
    let mut lines: Vec<_> = violated.iter().chain(&pending).map(plain).collect();
    lines.push(format!(
        "{} students' records and {} sessions looked at: {} violations, {} not settled yet",
        report.enrollments,
        report.sessions,
        violated.len(),
        pending.len()
    ));
    lines.join("\n")
}
