use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

/// More than any answer has: 500 sessions are some 150 KB.
const MAX_BODY: usize = 8 * 1024 * 1024;

/// Adds an `ETag` to answers, and answers 304 to whoever has the same already (RFC 9110, section 13).
pub(crate) async fn conditional(request: Request, next: Next) -> Response {
    let is_read = request.method() == Method::GET;
    let known = request.headers().get(header::IF_NONE_MATCH).cloned();
    let response = next.run(request).await;
    if !is_read || response.status() != StatusCode::OK {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let digest = Sha256::digest(&body);
    let digest: String = digest[..16]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let tag = format!("\"{digest}\"");
    // It is one person's, and asked for anew each time.
    let caching = HeaderValue::from_static("private, no-cache");
    parts.headers.insert(header::CACHE_CONTROL, caching);
    if let Ok(value) = HeaderValue::from_str(&tag) {
        parts.headers.insert(header::ETAG, value);
    }
    if known.is_some_and(|known| has(&known, &tag)) {
        let kept = [header::ETAG, header::CACHE_CONTROL];
        let mut headers = HeaderMap::new();
        for name in kept {
            if let Some(value) = parts.headers.remove(&name) {
                headers.insert(name, value);
            }
        }
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    Response::from_parts(parts, Body::from(body))
}

fn has(known: &HeaderValue, tag: &str) -> bool {
    let known = known.to_str().unwrap_or_default();
    let mut tags = known
        .split(',')
        .map(|given| given.trim().trim_start_matches("W/"));
    tags.any(|given| given == tag || given == "*")
}
