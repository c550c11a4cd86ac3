//! The calendar feed of a student (RFC 5545), behind a link that nobody guesses.

use arthouse_core::{Enrollment, Session, SessionStatus, UserId};
use axum::Router;
use axum::extract::{Path, State};
use axum::http::header;
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use chrono::TimeDelta;
use icalendar::{Alarm, Calendar, Component, Event, EventLike, EventStatus, Property};

use crate::Web;
use crate::api::conditional;
use crate::problem::Problem;
use crate::reads::student_calendar;

/// How long before a session a calendar reminds of it.
const REMINDER: TimeDelta = TimeDelta::hours(2);
/// How often a calendar should ask for changes.
const REFRESH: TimeDelta = TimeDelta::hours(1);

/// What the signature of a link is for.
const PURPOSE: &str = "feed";

pub(crate) fn routes() -> Router<Web> {
    let feed = get(feed).layer(from_fn(conditional));
    Router::new().route("/calendar/{user_id}/{file}", feed)
}

/// Returns the address of a student's feed, without the server's name. It stays the same until it is revoked.
pub(crate) fn path_of(web: &Web, user_id: &UserId) -> String {
    let signature = web
        .secret()
        .sign(PURPOSE, &[user_id.as_str(), revoked(web, user_id)]);
    format!("/calendar/{user_id}/{signature}.ics")
}

/// Returns what a student's links of earlier are told from.
fn revoked<'a>(web: &'a Web, user_id: &UserId) -> &'a str {
    let revoked = &web.settings().revoked_feeds;
    revoked.get(user_id).map_or("", String::as_str)
}

async fn feed(
    State(web): State<Web>,
    Path((user_id, file)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let unknown =
        || Problem::not_found("there is no such calendar; its link may have been revoked");
    let user_id: UserId = user_id.parse().map_err(|_| unknown())?;
    let signature = file.strip_suffix(".ics").ok_or_else(unknown)?;
    let parts = [user_id.as_str(), revoked(&web, &user_id)];
    if !web.secret().has_signed(PURPOSE, &parts, signature) {
        return Err(unknown());
    }
    let text = student_calendar(web.store(), &user_id, None).await?;
    let kind = [(header::CONTENT_TYPE, "text/calendar; charset=utf-8")];
    Ok((kind, text).into_response())
}

/// Writes a calendar of events.
pub(crate) fn calendar(events: Vec<Event>) -> String {
    let mut calendar = Calendar::empty();
    calendar
        .append_property(Property::new("VERSION", "2.0"))
        .append_property(Property::new(
            "PRODID",
            "-//Digital Art House//Sessions//EN",
        ))
        .append_property(Property::new("CALSCALE", "GREGORIAN"))
        .append_property(Property::new("METHOD", "PUBLISH"))
        .name("Digital Art House")
        .ttl(&REFRESH)
        .extend(events);
    calendar.to_string()
}

/// Writes a session as an event. Whatever changes comes from the records, so that the same records are the same text.
pub(crate) fn event(enrollment: &Enrollment, session: &Session) -> Event {
    let number = session.session_id.ordinal().unwrap_or_default();
    let title = enrollment.title.as_str();
    let starts = session.session_date.to_utc();
    let is_off = session.status == SessionStatus::Skipped;
    let changes = [
        enrollment.sessions_initialized_at,
        session.rescheduled.map(|moved| moved.at),
        session.status_changed_at,
    ];
    let changed = changes.into_iter().flatten().max();
    let changed = changed.unwrap_or(enrollment.paid_date).to_utc();
    let uid = format!(
        "{}.{}.{}",
        session.session_id, session.course_id, session.user_id
    );
    let minutes = TimeDelta::minutes(enrollment.session_minutes.get().into());
    let cost = session.currency.format(session.cost);
    let duration = enrollment.duration.get();
    let mut event = Event::new();
    event
        .uid(&format!("{uid}.session@digitalarthouse.com"))
        .summary(&format!("{title}: session {number} of {duration}"))
        .description(&format!("{title}, {}, {cost}", session.status.as_str()))
        .starts(starts)
        .ends(starts + minutes)
        .timestamp(changed)
        .last_modified(changed)
        // The queue of dates counts the moves; that a session is off is one more change.
        .sequence(session.sequence + u32::from(is_off))
        .status(if is_off {
            EventStatus::Cancelled
        } else {
            EventStatus::Confirmed
        });
    if session.status == SessionStatus::Scheduled {
        let mut alarm = Alarm::display(title, -REMINDER);
        // Of its own, the crate would give it another name and time whenever it is written.
        alarm
            .uid(&format!("{uid}.alarm@digitalarthouse.com"))
            .timestamp(changed);
        event.alarm(alarm);
    }
    event.done()
}
