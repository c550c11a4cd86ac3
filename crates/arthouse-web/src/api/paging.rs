//! Pages of lists: the start of the next one is a token, which is good for its own list only.

use arthouse_store::PageStart;
use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::Deserialize;

use crate::Web;
use crate::problem::Problem;

/// How many entries a page has at most, if nothing else is asked for.
const PAGE: u16 = 50;
/// The most that may be asked for.
pub(super) const MAX_PAGE: u16 = 100;

/// Which page of a list.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Paging {
    limit: Option<String>,
    page: Option<String>,
}

impl FromRequestParts<Web> for Paging {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Problem> {
        let query = Query::<Self>::from_request_parts(parts, web).await;
        let Query(paging) = query.map_err(|_| Problem::bad("limit and page may be given once"))?;
        Ok(paging)
    }
}

impl Paging {
    /// Returns how many entries, and where the page starts.
    pub(crate) fn start(&self, web: &Web, list: &str) -> Result<(u16, Option<PageStart>), Problem> {
        let limit = match &self.limit {
            None => Some(PAGE),
            Some(text) => text
                .parse::<u16>()
                .ok()
                .filter(|limit| (1..=MAX_PAGE).contains(limit)),
        };
        let limit = limit.ok_or_else(|| Problem::bad(format!("limit: must be 1 to {MAX_PAGE}")))?;
        let Some(token) = &self.page else {
            return Ok((limit, None));
        };
        let start = read(web, list, token);
        let start = start.ok_or_else(|| Problem::bad("page: must be next_page of this list"))?;
        Ok((limit, Some(start)))
    }
}

fn read(web: &Web, list: &str, token: &str) -> Option<PageStart> {
    let (text, signature) = token.split_once('.')?;
    let text = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
    let text = String::from_utf8(text).ok()?;
    if !web.secret().has_signed("page", &[list, &text], signature) {
        return None;
    }
    PageStart::from_text(&text)
}

/// Writes the token of the next page.
pub(crate) fn next_page(web: &Web, list: &str, start: Option<&PageStart>) -> Option<String> {
    let text = start?.to_text();
    let signature = web.secret().sign("page", &[list, &text]);
    Some(format!(
        "{}.{signature}",
        BASE64_URL_SAFE_NO_PAD.encode(&text)
    ))
}
