use anyhow::{Context, Result};
use arthouse_core::{Course, CourseDetails, CourseId};
use arthouse_worker::Limits;
use clap::Args;

use crate::Exit;
use crate::deployment::Deployment;
use crate::exit::Failure;
use crate::output::{self, Format, plain};

/// Which course.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The course
    #[arg(long)]
    course: CourseId,
    #[command(flatten)]
    format: Format,
}

pub(crate) async fn run(options: Options, deployment: &Deployment) -> Result<Exit> {
    let course_id = &options.course;
    let found = deployment
        .store(Limits::Operator)
        .await?
        .course(course_id)
        .await
        .context("can't read the course")?;
    let course =
        found.ok_or_else(|| Failure::NotFound(format!("there is no course {course_id}")))?;
    if options.format.json {
        output::print_json(&CourseDetails::from(&course))?;
    } else {
        output::print(describe(&course))?;
    }
    Ok(Exit::Success)
}

fn describe(course: &Course) -> String {
    let open = if course.open {
        "takes applications"
    } else {
        "closed"
    };
    let mut lines = vec![format!(
        "{} ({}): {open}",
        plain(&course.title),
        course.course_id
    )];
    let mut line = |name: &str, value: String| lines.push(format!("  {name:<12} {value}"));
    line("description", plain(&course.description));
    line("price", course.currency.format(course.cost));
    line("pay by", plain(&course.payment_method));
    if let Some(link) = &course.payment_link {
        line("pay at", plain(link));
    }
    line(
        "sessions",
        format!(
            "{} of {} minutes",
            course.duration.get(),
            course.session_minutes.get()
        ),
    );
    if let Some(dates) = course.schedule.first(course.duration)
        && let (Some(first), Some(last)) = (dates.first(), dates.last())
    {
        let zone = course.schedule.zone();
        let from = output::time(first.at, zone);
        let last = output::time_with_zone(last.at, zone);
        line("dates", format!("{from} to {last}"));
    }
    for (number, rule) in course.schedule.as_str().lines().enumerate() {
        line(if number == 0 { "schedule" } else { "" }, plain(rule));
    }
    // What is said of the text, not of the dates.
    let unused = course.schedule.unused();
    if !unused.is_empty() {
        line("not used", plain(unused.join(", ")));
    }
    if let Some(problem) = course.schedule.problem() {
        line("not valid", problem.to_string());
    }
    line("version", course.version.to_string());
    lines.join("\n")
}
