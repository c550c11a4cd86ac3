//! What every request passes, whatever it is for: host, origin, identity, rate, the headers of the response, the access log.

use std::net::SocketAddr;
use std::time::Instant;

use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::header::{self, HeaderName};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tracing::info;

use super::{Identity, Viewer, allowed_host};
use crate::Web;
use crate::pages::error_page;
use crate::problem::Problem;

/// The cookie with the role that was chosen in the page.
pub(crate) const ROLE_COOKIE: &str = "arthouse_role";

/// What a page may load: its own style and script, and nothing inline.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// What health checks of load balancers ask, by address instead of by name.
const HEALTH: &str = "/healthz";

pub(crate) async fn guard(State(web): State<Web>, mut request: Request, next: Next) -> Response {
    let began = Instant::now();
    let method = request.method().clone();
    // The route, never the address itself: it may hold an id, a search or the signature of a calendar link.
    let route = request.extensions().get::<MatchedPath>();
    let route = route.map_or("none", MatchedPath::as_str).to_owned();
    let is_api = request.uri().path().starts_with("/api");
    let admitted = admit(&web, &mut request).await;
    let viewer = request.extensions().get::<Viewer>().cloned();
    let mut response = match admitted {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    if let Some(problem) = problem_of(&response) {
        response = if is_api {
            problem.into_response()
        } else {
            error_page(&web, viewer.as_ref(), &problem)
        };
    }
    secure(response.headers_mut());
    let status = response.status().as_u16();
    let duration_ms = began.elapsed().as_millis();
    let role = viewer.map_or("none", |viewer| viewer.role.as_str());
    if route != HEALTH {
        info!(%method, route, status, duration_ms, role, "request");
    }
    response
}

/// Returns the problem of a response, also of one that the framework has made by itself: of an address that is not UTF-8, of another method.
fn problem_of(response: &Response) -> Option<Problem> {
    if let Some(problem) = response.extensions().get::<Problem>() {
        return Some(problem.clone());
    }
    let status = response.status();
    let kind = response.headers().get(header::CONTENT_TYPE);
    let is_plain = kind.is_none_or(|kind| kind.as_bytes().starts_with(b"text/plain"));
    let is_problem = status.is_client_error() || status.is_server_error();
    let code = if status.is_client_error() {
        "BAD_REQUEST"
    } else {
        "UNAVAILABLE"
    };
    (is_problem && is_plain).then(|| Problem::new(status, code, "the request can't be answered"))
}

async fn admit(web: &Web, request: &mut Request) -> Result<(), Problem> {
    if request.uri().path() == HEALTH {
        return Ok(());
    }
    let headers = request.headers();
    check_host(web, headers)?;
    if request.method() != Method::GET && request.method() != Method::HEAD {
        check_origin(headers)?;
    }
    let viewer = match &web.settings().identity {
        Identity::Chosen => Some(chosen(headers)),
        Identity::Token(rules) => rules.viewer(headers).await?,
    };
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let asker = match (&viewer, peer) {
        (Some(viewer), _) => viewer.to_string(),
        (None, Some(ConnectInfo(address))) => address.ip().to_string(),
        (None, None) => "unknown".to_owned(),
    };
    if !web.settings().limiter.allows(&asker, Instant::now()) {
        let detail = "too many requests in a minute; wait a little";
        return Err(Problem::new(
            StatusCode::TOO_MANY_REQUESTS,
            "TOO_MANY_REQUESTS",
            detail,
        ));
    }
    if let Some(viewer) = viewer {
        request.extensions_mut().insert(viewer);
    }
    Ok(())
}

/// Returns the role that was chosen in the page: on loopback, the office at first.
fn chosen(headers: &HeaderMap) -> Viewer {
    let cookies = headers.get_all(header::COOKIE).iter();
    let cookies = cookies.filter_map(|value| value.to_str().ok());
    let mut pairs = cookies
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    let role = pairs.find(|(name, _)| *name == ROLE_COOKIE);
    let office = || Viewer {
        role: super::Role::Admin,
        id: "office".to_owned(),
    };
    role.and_then(|(_, value)| value.parse().ok())
        .unwrap_or_else(office)
}

fn check_host(web: &Web, headers: &HeaderMap) -> Result<(), Problem> {
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let is_chosen = matches!(web.settings().identity, Identity::Chosen);
    if allowed_host(host.unwrap_or_default(), &web.settings().hosts, is_chosen) {
        return Ok(());
    }
    let detail = "this server is not called by that name";
    Err(Problem::new(
        StatusCode::MISDIRECTED_REQUEST,
        "FOREIGN_HOST",
        detail,
    ))
}

/// Refuses what another site's page sends: browsers name the origin of a form or of a script.
fn check_origin(headers: &HeaderMap) -> Result<(), Problem> {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let host = text(header::HOST).unwrap_or_default();
    let origin = text(header::ORIGIN);
    let is_own = |origin: &str| origin.split_once("://").is_some_and(|(_, of)| of == host);
    let site = text(HeaderName::from_static("sec-fetch-site"));
    let is_same = site.is_none_or(|site| site == "same-origin" || site == "none");
    if origin.is_none_or(is_own) && is_same {
        return Ok(());
    }
    let detail = "the request comes from another site's page";
    Err(Problem::new(
        StatusCode::FORBIDDEN,
        "FOREIGN_ORIGIN",
        detail,
    ))
}

fn secure(headers: &mut HeaderMap) {
    let mut set = |name: HeaderName, value: &'static str| {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    };
    set(header::CONTENT_SECURITY_POLICY, POLICY);
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    // Not `no-referrer`: with it, browsers do not name the origin of a form.
    set(header::REFERRER_POLICY, "same-origin");
    set(header::CACHE_CONTROL, "private, no-store");
    set(
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    );
    set(
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    );
}
