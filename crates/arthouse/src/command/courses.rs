use anyhow::{Context, Result};
use arthouse_core::{CourseSummary, Enrollment, Stage, Timestamp, UserId, Zone, summarise};
use arthouse_store::{Enrolling, Store};
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
        let summaries: Vec<_> = courses.iter().map(|(summary, _)| summary).collect();
        output::print_json(&summaries)?;
    } else {
        output::print(table(&courses))?;
    }
    Ok(Exit::Success)
}

/// Reads a student's courses, each with the zone of its timetable once it is paid.
async fn courses(
    store: &Store,
    user_id: &UserId,
    now: Timestamp,
) -> Result<Vec<(CourseSummary, Option<Zone>)>> {
    let (mut items, mut start) = (Vec::new(), None);
    loop {
        let page = store.courses_of(user_id, start).await;
        let page = page.context("can't read the student's courses")?;
        items.extend(page.items);
        match page.next {
            Some(next) => start = Some(next),
            None => break,
        }
    }
    let paid = |item: &'_ Enrolling| -> Option<Enrollment> {
        match item {
            Enrolling::Application(_) => None,
            Enrolling::Enrollment(enrollment) => Some((**enrollment).clone()),
        }
    };
    let enrollments: Vec<_> = items.iter().filter_map(paid).collect();
    let uncharged = store.uncharged_sessions(&enrollments).await;
    let uncharged = uncharged.context("can't read the student's sessions")?;
    let summary = |item: &Enrolling| match item {
        Enrolling::Application(application) => (CourseSummary::from(&**application), None),
        Enrolling::Enrollment(enrollment) => (
            summarise(enrollment, &uncharged, now),
            Some(enrollment.schedule.zone()),
        ),
    };
    Ok(items.iter().map(summary).collect())
}

fn table(courses: &[(CourseSummary, Option<Zone>)]) -> String {
    let mut table = output::table(&[
        "Course",
        "Title",
        "Status",
        "Price",
        "Balance",
        "Remaining",
        "Next session",
    ]);
    for (course, zone) in courses {
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
