use anyhow::{Context, Result};
use arthouse_core::{
    Amount, CourseId, Currency, Session, SessionId, SessionStatus, Timestamp, UserId, Zone,
};
use arthouse_worker::Limits;
use clap::Args;
use serde::Serialize;

use crate::Exit;
use crate::deployment::Deployment;
use crate::exit::Failure;
use crate::output::{self, Format};

/// Which session of which course.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The course
    #[arg(long)]
    course: CourseId,
    /// The session, such as 3
    #[arg(long)]
    session: SessionId,
    #[command(flatten)]
    format: Format,
}

/// A student's session as programs read it.
#[derive(Debug, Serialize)]
pub(super) struct Line<'a> {
    user_id: &'a UserId,
    session_id: &'a SessionId,
    status: SessionStatus,
    session_date: Timestamp,
    cost: Amount,
    currency: Currency,
    #[serde(skip_serializing_if = "Option::is_none")]
    original_session_date: Option<Timestamp>,
}

pub(crate) async fn run(options: Options, deployment: &Deployment) -> Result<Exit> {
    let Options {
        course,
        session,
        format,
    } = options;
    let store = deployment.store(Limits::Operator).await?;
    let (mut sessions, mut start) = (Vec::new(), None);
    loop {
        let page = store
            .roster(&course, &session, start)
            .await
            .context("can't read the roster")?;
        sessions.extend(page.items);
        match page.next {
            Some(next) => start = Some(next),
            None => break,
        }
    }
    if sessions.is_empty() {
        return Err(
            Failure::NotFound(format!("nobody has a session {session} of {course}")).into(),
        );
    }
    if format.json {
        output::print_json(&sessions.iter().map(line).collect::<Vec<_>>())?;
    } else {
        let zone = output::zone_of(&store, &course).await?;
        output::print(table(&sessions, zone))?;
    }
    Ok(Exit::Success)
}

pub(super) fn line(session: &Session) -> Line<'_> {
    Line {
        user_id: &session.user_id,
        session_id: &session.session_id,
        status: session.status,
        session_date: session.session_date,
        cost: session.cost,
        currency: session.currency,
        original_session_date: session.rescheduled.map(|moved| moved.original_session_date),
    }
}

pub(super) fn table(sessions: &[Session], zone: Zone) -> String {
    let starts = format!("Starts ({zone})");
    let mut table = output::table(&["Student", "Status", &starts, "Cost", "Moved from"]);
    for session in sessions {
        table.add_row([
            session.user_id.to_string(),
            session.status.as_str().to_owned(),
            output::time(session.session_date, zone),
            session.currency.format(session.cost),
            session
                .rescheduled
                .map(|moved| output::time(moved.original_session_date, zone))
                .unwrap_or_default(),
        ]);
    }
    table.to_string()
}
