use std::io::{self, Write};

use anyhow::{Context, Result};
use arthouse_core::{CourseId, UserId};
use arthouse_web::student_calendar;
use arthouse_worker::Limits;
use clap::Args;

use crate::Exit;
use crate::deployment::Deployment;

/// Whose sessions.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The student
    #[arg(long)]
    user: UserId,
    /// Only the sessions of this course
    #[arg(long)]
    course: Option<CourseId>,
}

pub(crate) async fn run(options: Options, deployment: &Deployment) -> Result<Exit> {
    let store = deployment.store(Limits::Operator).await?;
    let calendar = student_calendar(&store, &options.user, options.course.as_ref()).await;
    let calendar = calendar.context("can't read the student's sessions")?;
    // As it is, with the line ends that RFC 5545 asks for.
    match io::stdout().lock().write_all(calendar.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        Ok(()) | Err(_) => Ok(Exit::Success),
    }
}
