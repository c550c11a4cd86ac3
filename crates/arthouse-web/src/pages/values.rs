//! What was typed into a form, and that the form is ours.

use std::collections::BTreeMap;

use axum::Form;
use axum::extract::{FromRequest, Query, Request};
use axum::http::StatusCode;

use crate::problem::Problem;
use crate::{Viewer, Web};

/// How long a form may stay open, in hours.
const OPEN_HOURS: i64 = 12;

/// The values of a form, or those that a link puts into it.
#[derive(Clone, Default)]
pub(super) struct Values(BTreeMap<String, String>);

/// Shows names only: values may be contact details.
impl std::fmt::Debug for Values {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl FromRequest<Web> for Values {
    type Rejection = Problem;

    async fn from_request(request: Request, web: &Web) -> Result<Self, Problem> {
        let form = Form::<Vec<(String, String)>>::from_request(request, web).await;
        let Form(pairs) = form.map_err(|_| Problem::bad("the form can't be read"))?;
        Ok(Self(pairs.into_iter().collect()))
    }
}

impl Values {
    pub(super) fn of_query(Query(pairs): Query<Vec<(String, String)>>) -> Self {
        Self(pairs.into_iter().collect())
    }

    /// Returns what was typed, without white space around it; an absent value is empty.
    pub(super) fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", |value| value.trim())
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub(super) fn set(&mut self, name: &str, value: impl Into<String>) {
        self.0.insert(name.to_owned(), value.into());
    }

    /// Puts a value where nothing was given.
    pub(super) fn or_set(&mut self, name: &str, value: impl Into<String>) {
        self.0
            .entry(name.to_owned())
            .or_insert_with(|| value.into());
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.trim()))
    }

    /// Refuses a form that was not given out to this viewer lately.
    pub(super) fn check_csrf(&self, web: &Web, viewer: &Viewer) -> Result<(), Problem> {
        let token = self.get("csrf");
        let now = hour(web);
        let is_ours = token.split_once('.').is_some_and(|(given, signature)| {
            let is_open = given
                .parse()
                .is_ok_and(|at: i64| (now - OPEN_HOURS..=now).contains(&at));
            is_open
                && web
                    .secret()
                    .has_signed("csrf", &[&viewer.to_string(), given], signature)
        });
        if is_ours {
            return Ok(());
        }
        let detail =
            "the form has been open for too long, or is not from this server: open the page again";
        Err(Problem::new(StatusCode::FORBIDDEN, "INVALID_FORM", detail))
    }
}

/// Makes the token of a form, against requests that other sites' pages make in the viewer's name.
pub(super) fn csrf(web: &Web, viewer: &Viewer) -> String {
    let hour = hour(web).to_string();
    let signature = web.secret().sign("csrf", &[&viewer.to_string(), &hour]);
    format!("{hour}.{signature}")
}

fn hour(web: &Web) -> i64 {
    web.now().unix_seconds() / 3600
}
