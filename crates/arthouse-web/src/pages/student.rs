//! A student's own pages. The user id comes from the viewer alone.

use arthouse_core::{Course, CourseId, Progress, Session, State as Records, Timestamp, Zone};
use axum::extract::{Path, State};
use maud::{Markup, html};
use serde_json::json;

use super::layout::{Frame, layout};
use super::{Page, html as answer, offers, show};
use crate::access::Me;
use crate::reads::{self, Listed, Taken};
use crate::{Viewer, Web, calendar};

pub(super) async fn courses(Me { user_id }: Me, viewer: Viewer, State(web): State<Web>) -> Page {
    let page = reads::courses_of(web.store(), &user_id, None, web.now()).await?;
    let feed = calendar::path_of(&web, &user_id);
    let body = html! {
        (list(&page.items, web.now(), "/my/courses"))
        section {
            h2 { "Calendar" }
            p { "Your phone's calendar can subscribe to your sessions. Whoever has the link can read them: keep it to yourself." }
            p { a.button href=(feed) data-webcal { "Subscribe" } }
            p.hint { label { "The link " input.link readonly value=(feed) data-address; } }
        }
    };
    Ok(answer(layout(
        &web,
        Some(&viewer),
        Frame::new("My courses", "/my"),
        body,
    )))
}

/// A student's courses as cards.
pub(super) fn list(courses: &[Listed], now: Timestamp, to: &str) -> Markup {
    html! {
        @if courses.is_empty() { (show::nothing("There is no course yet.")) }
        ul.cards {
            @for Listed { summary, zone } in courses {
                li.card {
                    h2 { a href={ (to) "/" (summary.course_id) } { (summary.title) } }
                    p { (show::stage(summary.status)) }
                    @if let (Some(next), Some(zone)) = (&summary.next_session, zone) {
                        p.next { "Next: " (show::time(next.session_date, *zone))
                            " – in " (show::length(next.session_date.since(now))) }
                    }
                    p.facts {
                        @if let Some(balance) = summary.balance {
                            strong { (summary.currency.format(balance)) } " left of " (summary.currency.format(summary.cost))
                        } @else { strong { (summary.currency.format(summary.cost)) } }
                        @if let Some(remaining) = summary.sessions_remaining {
                            " · " (remaining) " of " (summary.duration) " sessions remaining"
                        }
                    }
                }
            }
        }
    }
}

pub(super) async fn progress(
    Me { user_id }: Me,
    viewer: Viewer,
    State(web): State<Web>,
    Path(course_id): Path<String>,
) -> Page {
    let unknown = || crate::problem::Problem::not_found("there is no such course");
    let course_id: CourseId = course_id.parse().map_err(|_| unknown())?;
    let taken = reads::progress(web.store(), &user_id, &course_id, web.now()).await?;
    let back = format!("/my/courses/{course_id}");
    let body = in_course(&web, &viewer, &taken, None, &back);
    let title = taken.progress.title.as_str();
    Ok(answer(layout(
        &web,
        Some(&viewer),
        Frame::new(title, "/my"),
        body,
    )))
}

/// A student's progress in a course, with what the viewer can do about it.
///
/// The course is needed for what can be done about an application.
pub(super) fn in_course(
    web: &Web,
    viewer: &Viewer,
    taken: &Taken,
    course: Option<Course>,
    back: &str,
) -> Markup {
    let Taken { records, progress } = taken;
    let now = web.now();
    let zone = records
        .enrollment
        .as_ref()
        .map_or_else(Zone::utc, |paid| paid.schedule.zone());
    let state = Records {
        course,
        application: records.application.clone(),
        enrollment: records.enrollment.clone(),
        ..Records::default()
    };
    let data = json!({"user_id": progress.user_id, "course_id": progress.course_id});
    // Whoever is here has applied: what is refused about the enrolment is not worth a line.
    let mut offered = offers::of_enrollment(viewer, &state, &data, now);
    offered.retain(|offer| offer.refused.is_none());
    let (user, course_id) = (progress.user_id.as_str(), progress.course_id.as_str());
    let query = offers::query(&[("user_id", user), ("course_id", course_id), ("back", back)]);
    html! {
        (summary(progress, zone, now))
        @if let Some(application) = &records.application {
            p { "Pay " (progress.currency.format(progress.cost)) " by " (application.quote.payment_method) "."
                @if let Some(link) = application.quote.payment_link.as_ref().filter(|link| link.as_str().starts_with("https://")) {
                    " " a href=(link) rel="noreferrer" { "Pay now" }
                }
            }
        }
        @if !offered.is_empty() { div.actions { (offers::links(&offered, &query)) } }
        @if records.enrollment.is_some() && records.sessions.is_empty() {
            (show::nothing("The sessions are being scheduled. Look again in a moment."))
        }
        @if !records.sessions.is_empty() {
            h2 { "Timetable" }
            p.hint { "Times are those of " (zone) "." }
            ol.sessions {
                @for session in &records.sessions {
                    (row(session, progress, zone, &offers::of_session(viewer, records, session, now), back))
                }
            }
        }
        @if !progress.statement.is_empty() { (statement(progress, zone)) }
    }
}

fn summary(progress: &Progress, zone: Zone, now: Timestamp) -> Markup {
    html! {
        p { (show::stage(progress.status)) }
        @if let Some(next) = &progress.next_session {
            p.next { "Next lesson: " strong { (show::time(next.session_date, zone)) }
                " – in " (show::length(next.session_date.since(now))) }
        }
        @if progress.paid_date.is_some() { p { (show::bar(progress.percent_complete)) } }
        dl.facts {
            div { dt { "Price" } dd { (progress.currency.format(progress.cost)) } }
            @if let Some(balance) = progress.balance {
                div { dt { "Balance" } dd { (progress.currency.format(balance)) } }
            }
            @if let Some(remaining) = progress.sessions_remaining {
                div { dt { "Sessions remaining" } dd { (remaining) " of " (progress.duration) } }
            }
            @if progress.paid_date.is_some() {
                div { dt { "So far" } dd { (progress.attended) " attended, " (progress.skipped) " skipped" } }
            }
        }
    }
}

fn row(
    session: &Session,
    progress: &Progress,
    zone: Zone,
    offered: &[offers::Offer],
    back: &str,
) -> Markup {
    let shown = progress
        .sessions
        .iter()
        .find(|shown| shown.session_id == session.session_id);
    let is_over = session.status.is_over();
    let (user, course) = (session.user_id.as_str(), session.course_id.as_str());
    let id = session.session_id.as_str();
    let query = offers::query(&[
        ("user_id", user),
        ("course_id", course),
        ("session_id", id),
        ("back", back),
    ]);
    html! {
        li data-state=(session.status.as_str()) {
            p.when { (show::time(session.session_date, zone)) " " (show::status(session.status)) }
            p.hint {
                (session.currency.format(session.cost))
                @if let Some(moved) = session.rescheduled {
                    " · moved from " (show::time(moved.original_session_date, zone))
                }
                @if let Some(until) = shown.and_then(|shown| shown.reschedule_until).filter(|_| !is_over) {
                    " · can be moved before " (show::time(until, zone))
                }
            }
            @if !is_over { p.actions { (offers::links(offered, &query)) } }
        }
    }
}

fn statement(progress: &Progress, zone: Zone) -> Markup {
    html! {
        h2 { "Statement" }
        div.scroll tabindex="0" role="region" aria-label="Statement" {
            table {
                thead { tr { th scope="col" { "Session" } th scope="col" { "For" } th scope="col" { "Charged at" } th.number scope="col" { "Amount" } } }
                tbody {
                    @for line in &progress.statement {
                        tr {
                            td { (line.session_id.ordinal().unwrap_or_default()) }
                            td { (line.kind.as_str()) }
                            td { (show::time(line.at, zone)) }
                            td.number { (progress.currency.format(line.amount)) }
                        }
                    }
                }
            }
        }
    }
}
