#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

mod secret;

mod access;
mod problem;

mod web;

mod reads;
mod send;

mod calendar;

mod api;
mod pages;

mod serve;

pub use access::{Identity, KeySource, Limiter, Roles, TokenRules, TokenSettings, is_loopback};
pub(crate) use access::{Role, Viewer};
pub use api::openapi;
pub use reads::{Listed, courses_of, student_calendar};
pub use secret::{Secret, WeakSecret};
pub use serve::serve;
pub use web::{Settings, Web, router};
