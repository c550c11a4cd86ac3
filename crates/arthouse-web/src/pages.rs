//! Pages for people. They work without a script, and better with it.

mod catalogue;
mod forms;
mod layout;
mod offers;
mod office;
mod operations;
mod outcomes;
mod show;
mod student;
mod teacher;
mod values;
mod words;

pub(crate) use layout::error_page;
pub(crate) use operations::{History, sample};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, get, post};
use maud::Markup;

use crate::access::ROLE_COOKIE;
use crate::problem::Problem;
use crate::{Identity, Role, Viewer, Web};
use values::Values;

type Page = Result<Html<String>, Problem>;

pub(crate) fn routes() -> Router<Web> {
    Router::new()
        .route("/", get(home))
        .route("/role", post(choose_role))
        .route("/courses", get(catalogue::list))
        .route("/courses/{course_id}", get(catalogue::course))
        .route("/my", get(student::courses))
        .route("/my/courses/{course_id}", get(student::progress))
        .route("/teaching", get(teacher::courses))
        .route(
            "/teaching/{course_id}",
            get(teacher::week).post(teacher::roll_call),
        )
        .route("/office", get(office::waiting))
        .route("/office/students", get(office::find))
        .route("/office/students/{user_id}", get(office::student))
        .route(
            "/office/students/{user_id}/courses/{course_id}",
            get(office::progress),
        )
        .route("/operations", get(operations::page))
        .route("/do/{command}", get(forms::show).post(forms::submit))
        .route("/commands", get(outcomes::page))
        .route(
            "/static/style.css",
            asset("text/css; charset=utf-8", include_str!("assets/style.css")),
        )
        .route(
            "/static/page.js",
            asset(
                "text/javascript; charset=utf-8",
                include_str!("assets/page.js"),
            ),
        )
        .route(
            "/static/icon.svg",
            asset("image/svg+xml", include_str!("assets/icon.svg")),
        )
}

fn asset(kind: &'static str, text: &'static str) -> MethodRouter<Web> {
    let kind = (header::CONTENT_TYPE, kind);
    let caching = (header::CACHE_CONTROL, "public, max-age=3600");
    get(move || async move { ([kind, caching], text) })
}

pub(crate) async fn not_found() -> Problem {
    Problem::not_found("there is no page at this address")
}

fn html(markup: Markup) -> Html<String> {
    Html(markup.into_string())
}

/// Returns where a role begins.
fn start_of(role: Role) -> &'static str {
    match role {
        Role::Student => "/my",
        Role::Instructor => "/teaching",
        Role::Admin => "/office",
    }
}

async fn home(viewer: Viewer) -> Redirect {
    Redirect::to(start_of(viewer.role))
}

/// Sets the role that was chosen on loopback; with an identity provider there is nothing to choose.
async fn choose_role(
    viewer: Viewer,
    State(web): State<Web>,
    values: Values,
) -> Result<Response, Problem> {
    if !matches!(web.settings().identity, Identity::Chosen) {
        return Err(not_found().await);
    }
    values.check_csrf(&web, &viewer)?;
    let chosen: Viewer = format!("{}:{}", values.get("role"), values.get("id"))
        .parse()
        .map_err(|error| Problem::bad(format!("role and name: {error}")))?;
    let cookie = format!("{ROLE_COOKIE}={chosen}; Path=/; HttpOnly; SameSite=Strict");
    let cookie = HeaderValue::from_str(&cookie).map_err(|_| Problem::bad("role and name"))?;
    let to = Redirect::to(start_of(chosen.role));
    Ok(([(header::SET_COOKIE, cookie)], to).into_response())
}
