//! A teacher's pages: today, the week, and the roll call.

use std::collections::BTreeMap;

use arthouse_core::{CommandType, Course, CourseId, Session, SessionStatus, Timestamp, Zone};
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use chrono::{Datelike, NaiveDate, TimeDelta};
use maud::{Markup, html};
use serde_json::json;

use super::layout::{Frame, layout};
use super::values::{Values, csrf};
use super::words::mark;
use super::{Page, catalogue, html as answer, outcomes, show};
use crate::access::Staff;
use crate::problem::Problem;
use crate::send::{Draft, new_key};
use crate::{Viewer, Web};

/// The most requests that a week's sessions are read with: some 20,000 sessions of the course.
const MAX_REQUESTS: usize = 20;

pub(super) async fn courses(_: Staff, viewer: Viewer, State(web): State<Web>) -> Page {
    let courses = catalogue::courses(&web).await?;
    let today = |course: &Course| {
        let zone = course.schedule.zone();
        let date = web.now().to_utc().with_timezone(&zone).date_naive();
        let (from, until) = zone.day(date);
        let one = arthouse_core::Duration::try_from(1_i64).ok()?;
        let next = course
            .schedule
            .first_after(from.minus(TimeDelta::seconds(1)), one)?;
        next.first()
            .filter(|next| next.at < until)
            .map(|next| next.at)
    };
    let body = html! {
        @if courses.is_empty() { (show::nothing("There is no course yet.")) }
        ul.cards {
            @for course in &courses {
                li.card {
                    h2 { a href={ "/teaching/" (course.course_id) } { (course.title) } }
                    p { @if let Some(at) = today(course) {
                        span.state data-state="scheduled" { "today" } " " (show::time(at, course.schedule.zone()))
                    } @else { "Not today by its timetable" } }
                }
            }
        }
    };
    Ok(answer(layout(
        &web,
        Some(&viewer),
        Frame::new("Teaching", "/teaching"),
        body,
    )))
}

async fn course_of(web: &Web, course_id: &str) -> Result<Course, Problem> {
    let unknown = || Problem::not_found("there is no such course");
    let course_id: CourseId = course_id.parse().map_err(|_| unknown())?;
    web.store().course(&course_id).await?.ok_or_else(unknown)
}

/// Returns the Monday of the week that is asked for, or of this one.
fn monday(values: &Values, now: Timestamp, zone: Zone) -> NaiveDate {
    let today = now.to_utc().with_timezone(&zone).date_naive();
    let given: Option<NaiveDate> = values.get("week").parse().ok();
    let given = given
        .filter(|date| (1970..=9998).contains(&date.year()))
        .unwrap_or(today);
    let after = i64::from(given.weekday().num_days_from_monday());
    given
        .checked_sub_signed(TimeDelta::days(after))
        .unwrap_or(given)
}

pub(super) async fn week(
    _: Staff,
    viewer: Viewer,
    State(web): State<Web>,
    Path(course_id): Path<String>,
    query: Query<Vec<(String, String)>>,
) -> Page {
    let course = course_of(&web, &course_id).await?;
    let zone = course.schedule.zone();
    let monday = monday(&Values::of_query(query), web.now(), zone);
    let next = monday + TimeDelta::days(7);
    let between = (zone.day(monday).0, zone.day(next).0);
    let days = by_start(sessions(&web, &course.course_id, between).await?);
    let before = monday - TimeDelta::days(7);
    let body = html! {
        nav.weeks aria-label="Weeks" {
            a href={ "?week=" (before) } { "Week before" }
            strong { "Week of " (monday.format("%-d %b %Y")) }
            a href={ "?week=" (next) } { "Week after" }
        }
        @if days.is_empty() { (show::nothing("There is no session in this week.")) }
        @for (at, sessions) in &days {
            section { h2 { (show::time(*at, zone)) } (roll(&web, &viewer, &course, sessions)) }
        }
    };
    let title = course.title.as_str();
    Ok(answer(layout(
        &web,
        Some(&viewer),
        Frame::new(title, "/teaching"),
        body,
    )))
}

async fn sessions(
    web: &Web,
    course_id: &CourseId,
    between: (Timestamp, Timestamp),
) -> Result<Vec<Session>, Problem> {
    let (mut found, mut start) = (Vec::new(), None);
    for _ in 0..MAX_REQUESTS {
        let page = web
            .store()
            .sessions_between(course_id, between, start)
            .await?;
        found.extend(page.items);
        match page.next {
            Some(next) => start = Some(next),
            None => break,
        }
    }
    Ok(found)
}

fn by_start(sessions: Vec<Session>) -> BTreeMap<Timestamp, Vec<Session>> {
    let mut days: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for session in sessions {
        days.entry(session.session_date).or_default().push(session);
    }
    for sessions in days.values_mut() {
        sessions.sort_by(|a, b| a.user_id.cmp(&b.user_id));
    }
    days
}

/// The name of the field with a student's mark: ids hold no `#`.
fn field(session: &Session) -> String {
    format!("mark#{}#{}", session.session_id, session.user_id)
}

/// The roll call of the sessions of one moment.
fn roll(web: &Web, viewer: &Viewer, course: &Course, sessions: &[Session]) -> Markup {
    let marks = || CommandType::ALL.into_iter().filter_map(mark);
    let is_open = sessions
        .iter()
        .any(|session| session.status == SessionStatus::Scheduled);
    html! {
        form.roll method="post" action={ "/teaching/" (course.course_id) } {
            input type="hidden" name="csrf" value=(csrf(web, viewer));
            input type="hidden" name="key" value=(new_key());
            ul {
                @for session in sessions.iter().take(outcomes::MAX_COMMANDS) {
                    @let name = field(session);
                    li {
                        @if session.status == SessionStatus::Scheduled {
                            fieldset {
                                legend { (session.user_id) }
                                label { input type="radio" name=(name) value="" checked; " open" }
                                @for mark in marks() {
                                    label { input type="radio" name=(name) value=(mark); " " (mark) }
                                }
                            }
                        } @else {
                            span { (session.user_id) } " " (show::status(session.status))
                        }
                    }
                }
            }
            @if is_open { p.actions { button.main data-once { "Save the roll call" } } }
        }
    }
}

pub(super) async fn roll_call(
    _: Staff,
    viewer: Viewer,
    State(web): State<Web>,
    Path(course_id): Path<String>,
    values: Values,
) -> Result<Response, Problem> {
    values.check_csrf(&web, &viewer)?;
    let course_id: CourseId = course_id
        .parse()
        .map_err(|_| Problem::not_found("there is no such course"))?;
    let key = values.get("key");
    let key = if uuid::Uuid::parse_str(key).is_ok() {
        key.to_owned()
    } else {
        new_key()
    };
    let mut drafts = Vec::new();
    for (name, typed) in values.iter() {
        let mut all = CommandType::ALL.into_iter();
        let Some(command_type) = all.find(|command_type| mark(*command_type) == Some(typed)) else {
            continue;
        };
        let place = name
            .strip_prefix("mark#")
            .and_then(|rest| rest.split_once('#'));
        let Some((session_id, user_id)) = place else {
            continue;
        };
        let data = json!({"user_id": user_id, "course_id": course_id, "session_id": session_id});
        let draft = Draft::new(&web, &viewer, command_type, &key, data);
        drafts.push(draft.map_err(|malformed| Problem::bad(malformed.detail))?);
    }
    drafts.truncate(outcomes::MAX_COMMANDS);
    if drafts.is_empty() {
        let to = format!("/teaching/{course_id}");
        return Ok(Redirect::to(&to).into_response());
    }
    let sent = drafts.into_iter().map(|draft| draft.send(&web));
    let ids = futures::future::try_join_all(sent).await?;
    let back = format!("/teaching/{course_id}");
    Ok(Redirect::to(&outcomes::address(&ids, &back)).into_response())
}
