//! Who asks, and what they may see.

mod guard;
mod host;
mod limiter;
mod roles;
mod signatures;
mod token;

pub(crate) use guard::{ROLE_COOKIE, guard};
pub(crate) use host::allowed_host;
pub use host::is_loopback;
pub use limiter::Limiter;
pub use roles::Roles;
pub use token::{KeySource, TokenRules, TokenSettings};

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use arthouse_core::{ActorType, UserId};
use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::Serialize;

use crate::Web;
use crate::problem::Problem;

/// What someone may see and send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Role {
    /// Sees their own records, and sends commands for themselves.
    Student,
    /// Sees courses and rosters.
    Instructor,
    /// Sees everything, contact details too.
    Admin,
}

impl Role {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::Student, Self::Instructor, Self::Admin];

    /// Returns the role as it is written in settings, cookies and commands.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Student => "student",
            Self::Instructor => "instructor",
            Self::Admin => "admin",
        }
    }

    pub(crate) fn actor_type(self) -> ActorType {
        match self {
            Self::Student => ActorType::Student,
            Self::Instructor => ActorType::Instructor,
            Self::Admin => ActorType::Admin,
        }
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|role| role.as_str() == text);
        found.ok_or_else(|| "must be one of student, instructor, admin".to_owned())
    }
}

/// Who asks: a role, and the id in it, which is the actor of their commands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Viewer {
    /// The role.
    pub(crate) role: Role,
    /// The id, of a student the user id.
    pub(crate) id: String,
}

/// Writes `student:ada`.
impl fmt::Display for Viewer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.role.as_str(), self.id)
    }
}

impl FromStr for Viewer {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (role, id) = text.split_once(':').ok_or("must be a role, : and an id")?;
        // What a student is called is a user id; for the others the same rule is enough.
        let id: UserId = id.parse().map_err(|error| format!("{error}"))?;
        Ok(Self {
            role: role.parse()?,
            id: id.to_string(),
        })
    }
}

/// How the server knows who asks.
#[derive(Debug, Clone)]
pub enum Identity {
    /// Whoever can reach this machine's loopback chooses a role in the page.
    Chosen,
    /// A token in a header, from an identity provider.
    Token(Arc<TokenRules>),
}

impl FromRequestParts<Web> for Viewer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _web: &Web) -> Result<Self, Problem> {
        parts.extensions.get().cloned().ok_or_else(|| {
            let detail = "there is no valid token of the identity provider";
            Problem::new(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED", detail)
        })
    }
}

/// A student: the only user id that a student's routes know.
#[derive(Debug, Clone)]
pub(crate) struct Me {
    pub(crate) user_id: UserId,
}

impl FromRequestParts<Web> for Me {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Problem> {
        let viewer = Viewer::from_request_parts(parts, web).await?;
        match (viewer.role, viewer.id.parse()) {
            (Role::Student, Ok(user_id)) => Ok(Self { user_id }),
            (Role::Student, Err(_)) => Err(Problem::forbidden("the token names no user id")),
            (Role::Instructor | Role::Admin, _) => {
                Err(Problem::forbidden("this is for students, about themselves"))
            }
        }
    }
}

/// Someone who teaches or runs the school.
#[derive(Debug, Clone)]
pub(crate) struct Staff;

impl FromRequestParts<Web> for Staff {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Problem> {
        match Viewer::from_request_parts(parts, web).await?.role {
            Role::Instructor | Role::Admin => Ok(Self),
            Role::Student => Err(Problem::forbidden("this is for teachers and the office")),
        }
    }
}

/// Someone who runs the school.
#[derive(Debug, Clone)]
pub(crate) struct Office;

impl FromRequestParts<Web> for Office {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Problem> {
        match Viewer::from_request_parts(parts, web).await?.role {
            Role::Admin => Ok(Self),
            Role::Student | Role::Instructor => Err(Problem::forbidden("this is for the office")),
        }
    }
}
