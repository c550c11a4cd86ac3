//! The office's pages: the only ones that show contact details.

use arthouse_core::{Application, CommandType, CourseId, UserId};
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};

use super::layout::{Frame, layout};
use super::values::Values;
use super::words::words;
use super::{Page, html as answer, offers, show, student};
use crate::access::Office;
use crate::api::Paging;
use crate::problem::Problem;
use crate::{Viewer, Web, reads};

pub(super) async fn waiting(
    _: Office,
    viewer: Viewer,
    State(web): State<Web>,
    paging: Paging,
) -> Page {
    let (limit, start) = paging.start(&web, "applications")?;
    let page = web.store().pending(limit.into(), start).await?;
    let next = crate::api::next_page(&web, "applications", page.next.as_ref());
    let body = html! {
        @if page.items.is_empty() { (show::nothing("No application waits for its payment.")) }
        ul.cards.wide {
            @for application in &page.items { li.card { (entry(&web, application)) } }
        }
        @if let Some(next) = next { p.actions { a.button href={ "/office?page=" (next) } { "Later applications" } } }
    };
    let frame = Frame::new("Waiting for payment", "/office");
    Ok(answer(layout(&web, Some(&viewer), frame, body)))
}

fn entry(web: &Web, application: &Application) -> Markup {
    let (quote, contact) = (&application.quote, &application.contact_info);
    let (user, course) = (application.user_id.as_str(), application.course_id.as_str());
    let query = offers::query(&[
        ("user_id", user),
        ("course_id", course),
        ("back", "/office"),
    ]);
    let confirm = CommandType::ConfirmPayment;
    html! {
        h2 { (contact.name) }
        p { (quote.title) ", " strong { (quote.currency.format(quote.cost)) } " by " (quote.payment_method) }
        p.hint {
            "Applied " (show::length(web.now().since(application.applied_date))) " ago · "
            a href={ "/office/students/" (user) } { (user) }
            " · " a href={ "mailto:" (contact.email) } { (contact.email) }
            @if let Some(phone) = &contact.phone { " · " (phone) }
        }
        p.actions { a.button.main href={ "/do/" (confirm.name()) "?" (query) } { (words(confirm).button) } }
    }
}

pub(super) async fn find(
    _: Office,
    viewer: Viewer,
    State(web): State<Web>,
    query: Query<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    let values = Values::of_query(query);
    let typed = values.get("user");
    let found: Result<UserId, _> = typed.parse();
    let error = match found {
        Ok(user_id) => {
            return Ok(Redirect::to(&format!("/office/students/{user_id}")).into_response());
        }
        Err(error) => (!typed.is_empty()).then(|| error.to_string()),
    };
    let body = html! {
        form.command method="get" action="/office/students" role="search" {
            div.field data-wrong[error.is_some()] {
                label for="user" { "Student's id" }
                @if let Some(error) = &error { p.error id="user-error" { "Student's id: " (error) "." } }
                input id="user" name="user" value=(typed) autocomplete="off" aria-describedby="user-error";
            }
            p.actions { button.main { "Find" } }
        }
    };
    let frame = Frame::new("Find a student", "/office/students");
    Ok(answer(layout(&web, Some(&viewer), frame, body)).into_response())
}

pub(super) async fn student(
    _: Office,
    viewer: Viewer,
    State(web): State<Web>,
    Path(user_id): Path<String>,
) -> Page {
    let unknown = || Problem::not_found("there is no such student");
    let user_id: UserId = user_id.parse().map_err(|_| unknown())?;
    let page = reads::courses_of(web.store(), &user_id, None, web.now()).await?;
    let body = student::list(
        &page.items,
        web.now(),
        &format!("/office/students/{user_id}/courses"),
    );
    let title = format!("Student {user_id}");
    let frame = Frame::new(&title, "/office/students");
    Ok(answer(layout(&web, Some(&viewer), frame, body)))
}

pub(super) async fn progress(
    _: Office,
    viewer: Viewer,
    State(web): State<Web>,
    Path((user_id, course_id)): Path<(String, String)>,
) -> Page {
    let unknown = || Problem::not_found("there is no such student or course");
    let user_id: UserId = user_id.parse().map_err(|_| unknown())?;
    let course_id: CourseId = course_id.parse().map_err(|_| unknown())?;
    let taken = reads::progress(web.store(), &user_id, &course_id, web.now()).await?;
    let back = format!("/office/students/{user_id}/courses/{course_id}");
    let records = &taken.records;
    let course = match &records.application {
        Some(_) => web.store().course(&course_id).await?,
        None => None,
    };
    let contact = match (&records.enrollment, &records.application) {
        (Some(enrollment), _) => Some(&enrollment.contact_info),
        (None, application) => application
            .as_ref()
            .map(|application| &application.contact_info),
    };
    let body = html! {
        @if let Some(contact) = contact {
            p.about {
                strong { (contact.name) } " · " a href={ "mailto:" (contact.email) } { (contact.email) }
                @if let Some(phone) = &contact.phone { " · " (phone) }
            }
        }
        (student::in_course(&web, &viewer, &taken, course, &back))
    };
    let title = format!("{user_id}: {}", taken.progress.title);
    let frame = Frame::new(&title, "/office/students");
    Ok(answer(layout(&web, Some(&viewer), frame, body)))
}
