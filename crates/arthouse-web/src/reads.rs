//! What pages and the API read, in the form that both show.

use arthouse_core::{
    Application, CourseId, CourseSummary, Enrollment, Progress, Timestamp, UserId, Zone, project,
    summarise,
};
use arthouse_store::{Enrolling, Page, PageStart, Store, StoreError, StudentRecords};

use crate::calendar::{calendar, event};
use crate::problem::Problem;

/// The most pages of one student's courses that a calendar reads.
const MAX_PAGES: usize = 20;

/// One of a student's courses as a list shows it.
#[derive(Debug)]
pub struct Listed {
    /// The course, and where the student stands in it.
    pub summary: CourseSummary,
    /// The clock of its timetable, once it is paid.
    pub zone: Option<Zone>,
}

/// Reads a page of a student's courses: one Query, and a BatchGetItem for the next sessions if there are any to come.
///
/// # Errors
/// Returns the failed request, or the item that can't be read.
pub async fn courses_of(
    store: &Store,
    user_id: &UserId,
    start: Option<PageStart>,
    now: Timestamp,
) -> Result<Page<Listed>, StoreError> {
    let page = store.courses_of(user_id, start).await?;
    let uncharged = store.uncharged_sessions(paid(&page.items)).await?;
    let listed = |item: &Enrolling| match item {
        Enrolling::Application(application) => Listed {
            summary: CourseSummary::from(&**application),
            zone: None,
        },
        Enrolling::Enrollment(enrollment) => Listed {
            summary: summarise(enrollment, &uncharged, now),
            zone: Some(enrollment.schedule.zone()),
        },
    };
    Ok(Page {
        items: page.items.iter().map(listed).collect(),
        next: page.next,
    })
}

fn paid(items: &[Enrolling]) -> Vec<&Enrollment> {
    items
        .iter()
        .filter_map(|item| match item {
            Enrolling::Application(_) => None,
            Enrolling::Enrollment(enrollment) => Some(&**enrollment),
        })
        .collect()
}

/// A student's records in one course, with what they come to.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) records: StudentRecords,
    pub(crate) progress: Progress,
}

/// Reads a student's progress in a course.
pub(crate) async fn progress(
    store: &Store,
    user_id: &UserId,
    course_id: &CourseId,
    now: Timestamp,
) -> Result<Taken, Problem> {
    let records = store.student(user_id, course_id).await?;
    let (application, enrollment): (Option<&Application>, _) =
        (records.application.as_ref(), records.enrollment.as_ref());
    let progress = project(application, enrollment, &records.sessions, now);
    let nothing = || Problem::not_found(format!("{user_id} has not applied for {course_id}"));
    Ok(Taken {
        progress: progress.ok_or_else(nothing)?,
        records,
    })
}

/// Reads all sessions of a student, or those of one course, and writes them as a calendar (RFC 5545).
///
/// # Errors
/// Returns the failed request.
pub async fn student_calendar(
    store: &Store,
    user_id: &UserId,
    course_id: Option<&CourseId>,
) -> Result<String, StoreError> {
    let (mut events, mut start) = (Vec::new(), None);
    for _ in 0..MAX_PAGES {
        let page = store.courses_of(user_id, start).await?;
        for enrollment in paid(&page.items) {
            if course_id.is_none_or(|wanted| *wanted == enrollment.course_id) {
                let sessions = store.sessions(enrollment).await?;
                let readable = sessions.iter().flatten();
                events.extend(readable.map(|session| event(enrollment, session)));
            }
        }
        match page.next {
            Some(next) => start = Some(next),
            None => break,
        }
    }
    Ok(calendar(events))
}
