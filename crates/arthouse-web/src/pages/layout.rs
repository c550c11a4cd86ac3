use axum::response::{Html, IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};

use super::values::csrf;
use crate::problem::Problem;
use crate::{Identity, Role, Viewer, Web};

/// A page: its title, the entry of the menu that it belongs to, and whether it loads itself anew while there is no script.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame<'a> {
    pub(super) title: &'a str,
    pub(super) here: &'a str,
    pub(super) refresh_seconds: Option<u8>,
}

impl<'a> Frame<'a> {
    pub(super) fn new(title: &'a str, here: &'a str) -> Self {
        Self {
            title,
            here,
            refresh_seconds: None,
        }
    }
}

/// The entries of the menu, by role.
fn menu(role: Role) -> &'static [(&'static str, &'static str)] {
    match role {
        Role::Student => &[("/my", "My courses"), ("/courses", "All courses")],
        Role::Instructor => &[("/teaching", "Teaching"), ("/courses", "All courses")],
        Role::Admin => &[
            ("/office", "Payments"),
            ("/office/students", "Students"),
            ("/courses", "Courses"),
            ("/teaching", "Teaching"),
            ("/operations", "Operations"),
        ],
    }
}

pub(super) fn layout(web: &Web, viewer: Option<&Viewer>, frame: Frame<'_>, body: Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (frame.title) " – Digital Art House" }
                link rel="stylesheet" href="/static/style.css";
                link rel="icon" href="/static/icon.svg" type="image/svg+xml";
                script src="/static/page.js" defer {}
                @if let Some(seconds) = frame.refresh_seconds {
                    noscript { meta http-equiv="refresh" content=(seconds); }
                }
            }
            body {
                a.skip href="#main" { "Skip to the content" }
                @if let (Identity::Chosen, Some(viewer)) = (&web.settings().identity, viewer) {
                    (banner(web, viewer))
                }
                header {
                    a.brand href="/" { "Digital Art House" }
                    @if let Some(viewer) = viewer {
                        nav aria-label="Main" {
                            ul {
                                @for (to, name) in menu(viewer.role) {
                                    li { a href=(to) aria-current=[(*to == frame.here).then_some("page")] { (name) } }
                                }
                            }
                        }
                    }
                }
                main id="main" tabindex="-1" {
                    h1 { (frame.title) }
                    (body)
                }
            }
        }
    }
}

/// Says that roles are chosen freely, and lets one choose.
fn banner(web: &Web, viewer: &Viewer) -> Markup {
    html! {
        form.banner method="post" action="/role" aria-label="Role" {
            input type="hidden" name="csrf" value=(csrf(web, viewer));
            p { "On this machine only: anyone here may choose a role." }
            label { "Role "
                select name="role" {
                    @for role in Role::ALL {
                        option value=(role.as_str()) selected[role == viewer.role] { (role.as_str()) }
                    }
                }
            }
            label { "Name "
                input name="id" value=(viewer.id) required autocomplete="off" size="12";
            }
            button { "Change" }
        }
    }
}

/// Shows a problem as a page.
pub(crate) fn error_page(web: &Web, viewer: Option<&Viewer>, problem: &Problem) -> Response {
    let body = html! {
        p { (problem.detail) "." }
        @if viewer.is_some() { p { a href="/" { "To the start" } } }
    };
    let page = layout(web, viewer, Frame::new(&problem.title, ""), body);
    (problem.status(), Html(page.into_string())).into_response()
}
