use std::num::NonZeroU16;

use anyhow::{Context, Result};
use arthouse_core::{AuditSubject, Occurrence, OffTimetable, Violation};
use arthouse_store::{Key, Table, Unreadable};
use arthouse_worker::{
    AuditCounts, AuditObserver, AuditOptions, AuditReport, ForeignItems, Limits, RefusedSchedule,
    audit_tables,
};
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
    /// Check applications and enrolments only, and no sessions of complete ones: cheaper, for a check by the hour beside a full one by the day
    #[arg(long)]
    incremental: bool,
    #[command(flatten)]
    format: Format,
}

pub(crate) async fn run(options: Options, deployment: &Deployment) -> Result<Exit> {
    let store = deployment.store(Limits::Daemon).await?;
    let audit = AuditOptions {
        segments: options.segments,
        listed: options.limit,
        incremental: options.incremental,
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
    let off_timetable = |session: &OffTimetable| {
        let key = key(&session.subject);
        json!({
            "table": key.table().base_name(),
            "pk": key.pk(),
            "sk": key.sk(),
            "local_start": session.date.local.to_rfc3339(),
            "timetable": session.timetable.map(|date| date.local.to_rfc3339()),
        })
    };
    let refused = |schedule: &RefusedSchedule| {
        let RefusedSchedule { key, problem } = schedule;
        json!({"table": key.table().base_name(), "pk": key.pk(), "sk": key.sk(), "problem": problem})
    };
    let foreign = |(table, found): (&Table, &ForeignItems)| json!({"table": table.base_name(), "key": found.key, "items": found.items});
    json!({
        "checked": report.counts,
        "violated": report.violated,
        "pending": report.pending,
        "undecided": report.undecided,
        "violations": report.violations.iter().map(violation).collect::<Vec<_>>(),
        "unreadable": report.unreadable.iter().map(unreadable).collect::<Vec<_>>(),
        "off_timetable": report.off_timetable,
        "refused": report.refused,
        "refused_schedules": report.refused_schedules.iter().map(refused).collect::<Vec<_>>(),
        "foreign": report.foreign.iter().map(foreign).collect::<Vec<_>>(),
        "sessions_off_timetable": report.sessions_off_timetable.iter().map(off_timetable).collect::<Vec<_>>(),
    })
}

/// Says where a session is and where its timetable has it by the time zone data in use.
fn off_timetable(session: &OffTimetable) -> String {
    let local = |date: &Occurrence| date.local.format("%Y-%m-%d %H:%M %:z").to_string();
    let now = session
        .timetable
        .as_ref()
        .map_or("no date".to_owned(), local);
    let (key, date) = (key(&session.subject), local(&session.date));
    plain(format!(
        "off its timetable: {} {key}: it is at {date}, the timetable has {now}",
        key.table().base_name()
    ))
}

/// Says whose schedule has no dates any more, and what to do.
fn refused(RefusedSchedule { key, problem }: &RefusedSchedule) -> String {
    let table = key.table();
    let remedy = match table {
        Table::Courses => "give the course another with `course.update`",
        Table::UsersCourses | Table::Sessions | Table::Commands => "correct it in the table",
    };
    plain(format!(
        "schedule without dates: {} {key}: {problem}; {remedy}",
        table.base_name()
    ))
}

fn foreign((table, ForeignItems { key, items }): (&Table, &ForeignItems)) -> String {
    plain(format!(
        "not ours: {items} items of {}, such as {key}, are of no known family and were passed over",
        table.base_name()
    ))
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
    let unreadable = |defect: &Unreadable| plain(defect);
    lines.extend(report.unreadable.iter().map(unreadable));
    lines.extend(report.sessions_off_timetable.iter().map(off_timetable));
    lines.extend(report.refused_schedules.iter().map(refused));
    lines.extend(report.foreign.iter().map(foreign));
    let AuditCounts {
        courses,
        applications,
        enrollments,
        sessions,
        receipts,
        ..
    } = report.counts;
    if report.off_timetable > 0 {
        lines.push(format!(
            "{} sessions are not at a time of their timetable, which is no violation: see the rules of their time zones",
            report.off_timetable
        ));
    }
    lines.push(format!(
        "{courses} courses, {applications} applications, {enrollments} enrolments, {sessions} sessions and {receipts} receipts \
         checked: \
         {} violations, {} not settled yet, {} items that can't be read",
        report.violated, report.pending, report.undecided
    ));
    lines.join("\n")
}
