//! The API for systems upstream: JSON under `/api`, described by [`openapi`].

mod conditional;
mod openapi;
mod paging;
mod views;

pub(crate) use conditional::conditional;
pub use openapi::openapi;
pub(crate) use paging::{Paging, next_page};

use arthouse_core::{
    CommandType, CourseDetails, CourseId, Progress, SessionId, Source, UserId, Zone,
};
use arthouse_store::Segment;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use chrono::NaiveDate;

use crate::access::{Me, Office, Staff};
use crate::problem::Problem;
use crate::send::{self, CommandState, Draft};
use crate::{Viewer, Web, calendar, reads};
use views::{
    Applications, CalendarLink, CommandRequest, Courses, RosterEntry, Sessions, StudentCourses,
    WaitingApplication,
};

type Answer<T> = Result<Json<T>, Problem>;

pub(crate) fn routes() -> Router<Web> {
    Router::new()
        .route("/courses", get(courses))
        .route("/courses/{course_id}", get(course))
        .route("/courses/{course_id}/sessions/{session_id}", get(roster))
        .route("/courses/{course_id}/days/{date}", get(day))
        .route("/me/courses", get(my_courses))
        .route("/me/courses/{course_id}", get(my_progress))
        .route("/me/calendar", get(my_calendar))
        .route("/students/{user_id}/courses", get(student_courses))
        .route(
            "/students/{user_id}/courses/{course_id}",
            get(student_progress),
        )
        .route("/applications", get(applications))
        .route("/commands", post(send_command))
        .route("/commands/{command_id}", get(command))
        .route("/outcomes", get(outcome))
        .route("/openapi.json", get(async || Json(openapi())))
        .fallback(async || Problem::not_found("the API has no such address"))
        .method_not_allowed_fallback(async || {
            let detail = "this address does not take that method";
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", detail)
        })
        .layer(from_fn(conditional))
}

/// Reads an id of a path.
fn id<T: std::str::FromStr<Err: std::fmt::Display>>(text: &str, name: &str) -> Result<T, Problem> {
    text.parse()
        .map_err(|error| Problem::bad(format!("{name}: {error}")))
}

async fn courses(State(web): State<Web>, paging: Paging) -> Answer<Courses> {
    let (limit, start) = paging.start(&web, "courses")?;
    let page = web
        .store()
        .scan_courses(Segment::WHOLE, limit, start)
        .await?;
    Ok(Json(Courses {
        // One that can't be read is the operator's affair, see `arthouse catalogue`; the others are shown.
        courses: page
            .items
            .iter()
            .flatten()
            .map(CourseDetails::from)
            .collect(),
        next_page: next_page(&web, "courses", page.next.as_ref()),
    }))
}

async fn course(State(web): State<Web>, Path(course_id): Path<String>) -> Answer<CourseDetails> {
    let course_id: CourseId = id(&course_id, "course_id")?;
    let course = web.store().course(&course_id).await?;
    let course =
        course.ok_or_else(|| Problem::not_found(format!("there is no course {course_id}")))?;
    Ok(Json(CourseDetails::from(&course)))
}

async fn roster(
    _: Staff,
    State(web): State<Web>,
    Path((course_id, session_id)): Path<(String, String)>,
    paging: Paging,
) -> Answer<Sessions> {
    let course_id: CourseId = id(&course_id, "course_id")?;
    let session_id: SessionId = id(&session_id, "session_id")?;
    let list = format!("roster {course_id} {session_id}");
    let (_, start) = paging.start(&web, &list)?;
    let page = web.store().roster(&course_id, &session_id, start).await?;
    Ok(Json(Sessions {
        sessions: page.items.iter().map(RosterEntry::from).collect(),
        next_page: next_page(&web, &list, page.next.as_ref()),
    }))
}

async fn day(
    _: Staff,
    State(web): State<Web>,
    Path((course_id, date)): Path<(String, String)>,
    paging: Paging,
) -> Answer<Sessions> {
    let course_id: CourseId = id(&course_id, "course_id")?;
    let date: NaiveDate = id(&date, "date")?;
    let course = web.store().course(&course_id).await?;
    let zone = course.map_or_else(Zone::utc, |course| course.schedule.zone());
    let list = format!("day {course_id} {date}");
    let (_, start) = paging.start(&web, &list)?;
    let page = web
        .store()
        .sessions_between(&course_id, zone.day(date), start)
        .await?;
    Ok(Json(Sessions {
        sessions: page.items.iter().map(RosterEntry::from).collect(),
        next_page: next_page(&web, &list, page.next.as_ref()),
    }))
}

async fn my_courses(
    Me { user_id }: Me,
    State(web): State<Web>,
    paging: Paging,
) -> Answer<StudentCourses> {
    courses_of(&web, &user_id, &paging).await
}

async fn student_courses(
    _: Office,
    State(web): State<Web>,
    Path(user_id): Path<String>,
    paging: Paging,
) -> Answer<StudentCourses> {
    courses_of(&web, &id(&user_id, "user_id")?, &paging).await
}

async fn courses_of(web: &Web, user_id: &UserId, paging: &Paging) -> Answer<StudentCourses> {
    let list = format!("courses of {user_id}");
    let (_, start) = paging.start(web, &list)?;
    let page = reads::courses_of(web.store(), user_id, start, web.now()).await?;
    Ok(Json(StudentCourses {
        courses: page
            .items
            .into_iter()
            .map(|listed| listed.summary)
            .collect(),
        next_page: next_page(web, &list, page.next.as_ref()),
    }))
}

async fn my_progress(
    Me { user_id }: Me,
    State(web): State<Web>,
    Path(course_id): Path<String>,
) -> Answer<Progress> {
    let course_id = id(&course_id, "course_id")?;
    let taken = reads::progress(web.store(), &user_id, &course_id, web.now()).await?;
    Ok(Json(taken.progress))
}

async fn student_progress(
    _: Office,
    State(web): State<Web>,
    Path((user_id, course_id)): Path<(String, String)>,
) -> Answer<Progress> {
    let (user_id, course_id) = (id(&user_id, "user_id")?, id(&course_id, "course_id")?);
    let taken = reads::progress(web.store(), &user_id, &course_id, web.now()).await?;
    Ok(Json(taken.progress))
}

async fn my_calendar(Me { user_id }: Me, State(web): State<Web>) -> Json<CalendarLink> {
    Json(CalendarLink {
        path: calendar::path_of(&web, &user_id),
    })
}

async fn applications(_: Office, State(web): State<Web>, paging: Paging) -> Answer<Applications> {
    let (limit, start) = paging.start(&web, "applications")?;
    let page = web.store().pending(limit.into(), start).await?;
    Ok(Json(Applications {
        applications: page.items.iter().map(WaitingApplication::from).collect(),
        next_page: next_page(&web, "applications", page.next.as_ref()),
    }))
}

async fn send_command(
    viewer: Viewer,
    State(web): State<Web>,
    request: Result<Json<CommandRequest>, JsonRejection>,
) -> Result<Response, Problem> {
    let unprocessable =
        |code: &str, detail: String| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail);
    let Json(request) = request.map_err(|refused| Problem::bad(refused.body_text()))?;
    let known = CommandType::ALL
        .into_iter()
        .find(|known| [known.name(), known.as_str()].contains(&request.r#type.as_str()));
    let command_type =
        known.ok_or_else(|| unprocessable("UNKNOWN_TYPE", "type: not a command".to_owned()))?;
    if !command_type.roles().contains(&viewer.role.actor_type()) {
        return Err(Problem::forbidden("your role may not send this command"));
    }
    let key = request
        .idempotency_key
        .map_or_else(send::new_key, |key| key.to_string());
    if key.len() > views::MAX_KEY {
        let detail = format!(
            "idempotency_key: must be at most {} characters",
            views::MAX_KEY
        );
        return Err(unprocessable("INVALID_DATA", detail));
    }
    let draft = Draft::new(&web, &viewer, command_type, &key, request.data.into());
    let draft =
        draft.map_err(|malformed| unprocessable(malformed.reason.code(), malformed.detail))?;
    let command_id = draft.send(&web).await?;
    let location = format!("/api/commands/{command_id}");
    let source: Source = id(send::SOURCE, "source")?;
    let state = send::describe(command_id, source, None);
    let location = [(header::LOCATION, location)];
    Ok((StatusCode::ACCEPTED, location, Json(state)).into_response())
}

async fn command(
    viewer: Viewer,
    State(web): State<Web>,
    Path(command_id): Path<String>,
) -> Answer<CommandState> {
    Ok(Json(send::state_of(&web, &viewer, &command_id).await?))
}

/// Which command of which system.
#[derive(Debug, serde::Deserialize)]
struct Asked {
    source: Option<String>,
    id: Option<String>,
}

async fn outcome(
    _: Office,
    State(web): State<Web>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Answer<CommandState> {
    let Query(asked) = asked.map_err(|refused| Problem::bad(refused.body_text()))?;
    let missing = |name: &str| Problem::bad(format!("{name}: must be given"));
    let source = asked.source.ok_or_else(|| missing("source"))?;
    let command_id = asked.id.ok_or_else(|| missing("id"))?;
    let (source, command_id) = (id(&source, "source")?, id(&command_id, "id")?);
    let receipt = web.store().receipt(&source, &command_id).await?;
    let unknown = || Problem::not_found("there is no outcome of this command yet");
    let receipt = receipt.ok_or_else(unknown)?;
    Ok(Json(send::describe(command_id, source, Some(&receipt))))
}
