use anyhow::{Context, Result};
use arthouse_core::{CourseId, UserId, project};
use arthouse_worker::{Clock, Limits};
use clap::Args;

use crate::Exit;
use crate::deployment::Deployment;
use crate::exit::Failure;
use crate::output::{self, Format};

/// Which student in which course.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The student
    #[arg(long)]
    user: UserId,
    /// The course
    #[arg(long)]
    course: CourseId,
    #[command(flatten)]
    format: Format,
}

pub(crate) async fn run(options: Options, deployment: &Deployment) -> Result<Exit> {
    let Options {
        user,
        course,
        format,
    } = options;
    let store = deployment.store(Limits::Operator).await?;
    let records = store.student(&user, &course).await;
    let records = records.context("can't read the student's records")?;
    let (application, enrollment) = (records.application.as_ref(), records.enrollment.as_ref());
    let Some(progress) = project(
        application,
        enrollment,
        &records.sessions,
        Clock::system().now(),
    ) else {
        return Err(Failure::NotFound(format!(
            "{user} has neither applied for {course} nor is enrolled in it"
        ))
        .into());
    };
    if format.json {
        output::print_json(&progress)?;
    } else {
        let zone = match enrollment {
            Some(enrollment) => enrollment.schedule.zone(),
            None => output::zone_of(&store, &course).await?,
        };
        output::print(output::progress(&progress, zone))?;
    }
    Ok(Exit::Success)
}
