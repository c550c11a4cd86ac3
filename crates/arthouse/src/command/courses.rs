use anyhow::{Context, Result};
use arthouse_core::{Stage, Timestamp, UserId, Zone};
use arthouse_store::Store;
use arthouse_web::{Listed, courses_of};
use arthouse_worker::{Clock, Limits};
use clap::Args;

use crate::Exit;
use crate::deployment::Deployment;
use crate::exit::Failure;
use crate::output::{self, Format, plain};

/// Whose courses.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The student
    #[arg(long)]
    user: UserId,
    #[command(flatten)]
    format: Format,
}

pub(crate) async fn run(options: Options, deployment: &Deployment) -> Result<Exit> {
    let store = deployment.store(Limits::Operator).await?;
    let courses = courses(&store, &options.user, Clock::system().now()).await?;
    if courses.is_empty() {
        let user = &options.user;
        return Err(Failure::NotFound(format!("{user} has not applied for any course")).into());
    }
    if options.format.json {
        let summaries: Vec<_> = courses.iter().map(|listed| &listed.summary).collect();
        output::print_json(&summaries)?;
    } else {
        output::print(table(&courses))?;
    }
    Ok(Exit::Success)
}

/// Reads all courses of a student.
async fn courses(store: &Store, user_id: &UserId, now: Timestamp) -> Result<Vec<Listed>> {
    let (mut courses, mut start) = (Vec::new(), None);
    loop {
        let page = courses_of(store, user_id, start, now).await;
        let page = page.context("can't read the student's courses")?;
        courses.extend(page.items);
        match page.next {
            Some(next) => start = Some(next),
            None => return Ok(courses),
        }
    }
}

fn table(courses: &[Listed]) -> String {
    let mut table = output::table(&[
        "Course",
        "Title",
        "Status",
        "Price",
        "Balance",
        "Remaining",
        "Next session",
    ]);
    for Listed {
        summary: course,
        zone,
    } in courses
    {
        let status = match course.status {
            Stage::Applied => "applied",
            Stage::Paid => "paid",
            Stage::Completed => "completed",
        };
        let balance = course
            .balance
            .map(|balance| course.currency.format(balance));
        let remaining = course
            .sessions_remaining
            .map(|remaining| format!("{remaining} of {}", course.duration));
        let zone = zone.unwrap_or_else(Zone::utc);
        let next = course
            .next_session
            .as_ref()
            .map(|next| output::time_with_zone(next.session_date, zone));
        table.add_row([
            course.course_id.to_string(),
            plain(&course.title),
            status.to_owned(),
            course.currency.format(course.cost),
            balance.unwrap_or_default(),
            remaining.unwrap_or_default(),
            next.unwrap_or_default(),
        ]);
    }
    table.to_string()
}
