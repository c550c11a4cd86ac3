use anyhow::{Context, Result};
use arthouse_core::{Course, CourseDetails};
use arthouse_store::Segment;
use arthouse_worker::Limits;
use clap::Args;

use crate::Exit;
use crate::deployment::Deployment;
use crate::output::{self, Format, plain};

/// The most courses that one request reads.
const PAGE: u16 = 100;

/// How it is printed.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// List the courses that take applications, and no others
    #[arg(long)]
    open: bool,
    #[command(flatten)]
    format: Format,
}

pub(crate) async fn run(options: Options, deployment: &Deployment) -> Result<Exit> {
    let store = deployment.store(Limits::Operator).await?;
    let (mut courses, mut unreadable, mut start) = (Vec::new(), Vec::new(), None);
    loop {
        let page = store.scan_courses(Segment::WHOLE, PAGE, start).await;
        let page = page.context("can't read the courses")?;
        for scanned in page.items {
            match scanned {
                Ok(course) => courses.push(course),
                Err(defect) if defect.is_foreign() => {}
                Err(defect) => unreadable.push(defect),
            }
        }
        match page.next {
            Some(next) => start = Some(next),
            None => break,
        }
    }
    courses.retain(|course| course.open || !options.open);
    courses.sort_by(|a, b| a.course_id.cmp(&b.course_id));
    if options.format.json {
        let details = courses.iter().map(CourseDetails::from);
        output::print_json(&details.collect::<Vec<_>>())?;
    } else {
        output::print(table(&courses))?;
    }
    for defect in &unreadable {
        output::note(defect);
    }
    Ok(if unreadable.is_empty() {
        Exit::Success
    } else {
        Exit::Failure
    })
}

fn table(courses: &[Course]) -> String {
    if courses.is_empty() {
        return "there is no course".to_owned();
    }
    let mut table = output::table(&["Course", "Title", "Price", "Sessions", "Applications"]);
    for course in courses {
        let open = if course.open { "open" } else { "closed" };
        table.add_row([
            course.course_id.to_string(),
            plain(&course.title),
            course.currency.format(course.cost),
            course.duration.get().to_string(),
            open.to_owned(),
        ]);
    }
    table.to_string()
}
