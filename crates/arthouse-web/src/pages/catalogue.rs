//! The catalogue and its courses; for the office, where courses are created and changed.

use arthouse_core::{CommandType, Course, CourseId, State as Records};
use arthouse_store::{Segment, StudentRecords};
use axum::extract::{Path, State};
use maud::{Markup, html};
use serde_json::json;

use super::layout::{Frame, layout};
use super::words::words;
use super::{Page, html as answer, offers, show};
use crate::access::Me;
use crate::problem::Problem;
use crate::{Role, Viewer, Web};

/// The most dates of a course that are shown.
const DATES: usize = 5;
/// The most courses on a page.
const PAGE: u16 = 100;

/// Returns a page of the courses, by title.
pub(super) async fn courses(web: &Web) -> Result<Vec<Course>, Problem> {
    let page = web.store().scan_courses(Segment::WHOLE, PAGE, None).await?;
    let mut courses: Vec<_> = page.items.into_iter().flatten().collect();
    courses.sort_by(|a, b| a.title.as_str().cmp(b.title.as_str()));
    Ok(courses)
}

pub(super) async fn list(viewer: Viewer, State(web): State<Web>) -> Page {
    let courses = courses(&web).await?;
    let may_create = CommandType::CreateCourse
        .roles()
        .contains(&viewer.role.actor_type());
    let body = html! {
        @if may_create {
            p.actions {
                a.button.main href="/do/course.create?back=/courses" { (words(CommandType::CreateCourse).title) }
            }
        }
        @if courses.is_empty() { (show::nothing("There is no course yet.")) }
        ul.cards {
            @for course in &courses {
                li.card {
                    h2 { a href={ "/courses/" (course.course_id) } { (course.title) } }
                    p { (course.description) }
                    p.facts {
                        strong { (course.currency.format(course.cost)) }
                        " · " (course.duration.get()) " sessions"
                        @if !course.open { " · " span.state data-state="skipped" { "closed" } }
                    }
                }
            }
        }
    };
    let title = if may_create { "Courses" } else { "All courses" };
    Ok(answer(layout(
        &web,
        Some(&viewer),
        Frame::new(title, "/courses"),
        body,
    )))
}

pub(super) async fn course(
    viewer: Viewer,
    State(web): State<Web>,
    Path(course_id): Path<String>,
) -> Page {
    let unknown = || Problem::not_found("there is no such course");
    let course_id: CourseId = course_id.parse().map_err(|_| unknown())?;
    let course = web.store().course(&course_id).await?.ok_or_else(unknown)?;
    let actions = match viewer.role {
        Role::Student => {
            let me = Me {
                user_id: viewer.id.parse().map_err(|_| unknown())?,
            };
            let records = web.store().student(&me.user_id, &course_id).await?;
            for_student(&web, &viewer, &course, records)
        }
        Role::Instructor => html! { a.button href={ "/teaching/" (course_id) } { "Sessions" } },
        Role::Admin => for_office(&course),
    };
    let dates = course.schedule.first_after(web.now(), course.duration);
    let zone = course.schedule.zone();
    let body = html! {
        p { (course.description) }
        dl.facts {
            div { dt { "Price" } dd { (course.currency.format(course.cost)) } }
            div { dt { "Sessions" } dd { (course.duration.get()) " of " (course.session_minutes.get()) " minutes" } }
            div { dt { "Payment" } dd { (course.payment_method) } }
            div { dt { "Applications" } dd { @if course.open { "open" } @else { "closed" } } }
        }
        @if let Some(dates) = dates {
            h2 { "Next dates" }
            ul { @for date in dates.iter().take(DATES) { li { (show::time(date.at, zone)) } } }
        } @else {
            (show::nothing("The timetable has not enough dates left for anyone who begins now."))
        }
        div.actions { (actions) }
    };
    let title = course.title.as_str();
    Ok(answer(layout(
        &web,
        Some(&viewer),
        Frame::new(title, "/courses"),
        body,
    )))
}

fn for_student(web: &Web, viewer: &Viewer, course: &Course, records: StudentRecords) -> Markup {
    let has_records = records.application.is_some() || records.enrollment.is_some();
    let state = Records {
        course: Some(course.clone()),
        application: records.application,
        enrollment: records.enrollment,
        ..Records::default()
    };
    let data = json!({"user_id": viewer.id, "course_id": course.course_id});
    let offers = offers::of_enrollment(viewer, &state, &data, web.now());
    let id = course.course_id.as_str();
    let back = format!("/my/courses/{id}");
    let query = offers::query(&[("course_id", id), ("back", &back)]);
    html! {
        (offers::links(&offers, &query))
        @if has_records { a.button href=(back) { "My progress" } }
    }
}

fn for_office(course: &Course) -> Markup {
    let id = course.course_id.as_str();
    let back = format!("/courses/{id}");
    let change = offers::query(&[("course_id", id), ("back", &back)]);
    let open = if course.open { "false" } else { "true" };
    let toggle = offers::query(&[("course_id", id), ("open", open), ("back", &back)]);
    let name = CommandType::UpdateCourse.name();
    html! {
        a.button href={ "/do/" (name) "?" (change) } { (words(CommandType::UpdateCourse).button) }
        a.button href={ "/do/" (name) "?" (toggle) } {
            @if course.open { "Close for applications" } @else { "Open for applications" }
        }
        a.button href={ "/teaching/" (id) } { "Sessions" }
    }
}
