//! The form of any command: filled from a link and the records, checked by the rules of the domain, sent.

mod data;
mod subject;
mod timetable;

use std::collections::BTreeMap;

use arthouse_core::{CommandType, Malformed};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};

use self::subject::About;
use super::layout::{Frame, layout};
use super::values::{Values, csrf};
use super::words::{Field, Kind, Words, field_of, fields, words};
use super::{Page, html, outcomes};
use crate::problem::Problem;
use crate::send::{Draft, new_key};
use crate::{Role, Viewer, Web};

/// What is wrong, by field; what is about none of them is under the empty name.
pub(super) type Errors = BTreeMap<String, String>;

/// A form as it is shown.
struct Form<'a> {
    command_type: CommandType,
    values: &'a Values,
    errors: &'a Errors,
    about: &'a About,
}

pub(super) async fn show(
    viewer: Viewer,
    State(web): State<Web>,
    Path(command): Path<String>,
    query: Query<Vec<(String, String)>>,
) -> Page {
    let command_type = known(&command, &viewer)?;
    let mut values = Values::of_query(query);
    own(&mut values, command_type, &viewer);
    let about = About::read(&web, &values).await?;
    about.fill(command_type, &mut values);
    let errors = Errors::new();
    let form = Form {
        command_type,
        values: &values,
        errors: &errors,
        about: &about,
    };
    Ok(html(page(&web, &viewer, &form)))
}

pub(super) async fn submit(
    viewer: Viewer,
    State(web): State<Web>,
    Path(command): Path<String>,
    mut values: Values,
) -> Result<Response, Problem> {
    values.check_csrf(&web, &viewer)?;
    let command_type = known(&command, &viewer)?;
    own(&mut values, command_type, &viewer);
    let about = About::read(&web, &values).await?;
    let checked = check(&web, &viewer, command_type, &values, &about).await?;
    let errors = match checked {
        Ok(draft) if timetable::is_seen(command_type, &values) => {
            let id = draft.send(&web).await?;
            let to = outcomes::address(&[id], values.get("back"));
            return Ok(Redirect::to(&to).into_response());
        }
        Ok(_) => Errors::new(),
        Err(errors) => errors,
    };
    let status = if errors.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    let form = Form {
        command_type,
        values: &values,
        errors: &errors,
        about: &about,
    };
    Ok((status, html(page(&web, &viewer, &form))).into_response())
}

fn known(command: &str, viewer: &Viewer) -> Result<CommandType, Problem> {
    let mut all = CommandType::ALL.into_iter();
    let found = all.find(|known| known.name() == command);
    let found = found.ok_or_else(|| Problem::not_found("there is no such command"))?;
    if found.roles().contains(&viewer.role.actor_type()) {
        Ok(found)
    } else {
        Err(Problem::forbidden("your role may not send this command"))
    }
}

/// Makes a student's form about the student, whatever it says.
fn own(values: &mut Values, command_type: CommandType, viewer: &Viewer) {
    let has_user = fields(command_type)
        .iter()
        .any(|field| field.name == "user_id");
    if viewer.role == Role::Student && has_user {
        values.set("user_id", &viewer.id);
    }
}

/// Reads a command from a form and foresees its outcome; or says what is wrong, beside which field.
async fn check(
    web: &Web,
    viewer: &Viewer,
    command_type: CommandType,
    values: &Values,
    about: &About,
) -> Result<Result<Draft, Errors>, Problem> {
    let data = match data::data(fields(command_type), values, about.zone()) {
        Ok(data) => data,
        Err(errors) => return Ok(Err(errors)),
    };
    let key = values.get("key");
    let key = if uuid::Uuid::parse_str(key).is_ok() {
        key.to_owned()
    } else {
        new_key()
    };
    let draft = match Draft::new(web, viewer, command_type, &key, data) {
        Ok(draft) => draft,
        Err(malformed) => return Ok(Err(beside(fields(command_type), &malformed))),
    };
    let Some(rejection) = draft.foresee(web).await? else {
        return Ok(Ok(draft));
    };
    let name = field_of(rejection.code());
    let is_shown = fields(command_type)
        .iter()
        .any(|field| field.name == name && field.kind != Kind::Subject);
    let name = if is_shown { name } else { "" };
    Ok(Err([(name.to_owned(), rejection.to_string())].into()))
}

/// Puts what is malformed beside its field: `data.title: must be …`.
fn beside(fields: &[Field], malformed: &Malformed) -> Errors {
    let detail = &malformed.detail;
    let place = detail
        .strip_prefix("data.")
        .and_then(|rest| rest.split_once(": "));
    let (name, text) = match place {
        Some((name, text)) if fields.iter().any(|field| field.name == name) => (name, text),
        Some(_) | None => ("", detail.as_str()),
    };
    [(name.to_owned(), text.to_owned())].into()
}

fn page(web: &Web, viewer: &Viewer, form: &Form<'_>) -> Markup {
    let Words {
        title,
        button,
        about,
    } = words(form.command_type);
    let back = outcomes::local(form.values.get("back"));
    let key = form.values.get("key");
    let key = if key.is_empty() {
        new_key()
    } else {
        key.to_owned()
    };
    let timetable = timetable::preview(form.command_type, form.values);
    let body = html! {
        (form.about.line(viewer))
        p { (about) }
        @if let Some(error) = form.errors.get("") {
            p.error role="alert" { "This can't be done: " (error) "." }
        } @else if !form.errors.is_empty() {
            p.error role="alert" { "Please look at what is marked below. Nothing was sent." }
        }
        form.command method="post" action={ "/do/" (form.command_type.name()) } novalidate {
            input type="hidden" name="csrf" value=(csrf(web, viewer));
            input type="hidden" name="key" value=(key);
            input type="hidden" name="back" value=(back);
            @for field in fields(form.command_type) {
                (input(field, form))
            }
            @if let Some(dates) = &timetable {
                (dates)
            }
            p.actions {
                button.main type="submit" data-once { (if timetable.is_some() { "Send: " } else { "" }) (button) }
                @if timetable.is_some() {
                    button type="submit" name="preview" value="1" { "Show the dates again" }
                }
                a href=(back) { "Back" }
            }
        }
    };
    layout(web, Some(viewer), Frame::new(title, ""), body)
}

fn input(field: &Field, form: &Form<'_>) -> Markup {
    let name = field.name;
    let value = form.values.get(name);
    if matches!(field.kind, Kind::Subject | Kind::Version) {
        return html! { input type="hidden" name=(name) value=(value); };
    }
    let error = form.errors.get(name);
    let id = name.replace('.', "-");
    let (hint_id, error_id) = (format!("{id}-hint"), format!("{id}-error"));
    let zone = (field.kind == Kind::Instant).then(|| form.about.zone().name());
    let described = match error {
        Some(_) => format!("{error_id} {hint_id}"),
        None => hint_id.clone(),
    };
    html! {
        div.field data-wrong[error.is_some()] {
            label for=(id) {
                (field.label)
                @if !field.needed { span.optional { " (optional)" } }
            }
            @if let Some(error) = error {
                p.error id=(error_id) { (field.label) ": " (error) "." }
            }
            (control(field.kind, &id, name, value, &described, error.is_some(), form.values))
            p.hint id=(hint_id) { (field.hint) @if let Some(zone) = zone { " (" (zone) ")" } }
        }
    }
}

fn control(
    kind: Kind,
    id: &str,
    name: &str,
    value: &str,
    described: &str,
    is_wrong: bool,
    values: &Values,
) -> Markup {
    let invalid = is_wrong.then_some("true");
    let simple = |kind: &str, mode: &str, complete: &str| {
        html! {
            input type=(kind) inputmode=(mode) autocomplete=(complete) id=(id) name=(name) value=(value)
                aria-describedby=(described) aria-invalid=[invalid];
        }
    };
    match kind {
        Kind::Subject | Kind::Version => html! {},
        Kind::Line => simple("text", "text", "off"),
        Kind::Email => simple("email", "email", "email"),
        Kind::Phone => simple("tel", "tel", "tel"),
        Kind::Count => simple("text", "numeric", "off"),
        Kind::Money => simple("text", "decimal", "off"),
        Kind::Instant => simple("datetime-local", "text", "off"),
        Kind::Lines => html! {
            textarea id=(id) name=(name) rows="4" aria-describedby=(described) aria-invalid=[invalid] { (value) }
        },
        Kind::YesNo => html! {
            select id=(id) name=(name) aria-describedby=(described) aria-invalid=[invalid] {
                option value="true" selected[value == "true"] { "yes" }
                option value="false" selected[value == "false"] { "no" }
            }
        },
        Kind::Timetable => timetable::control(id, value, described, is_wrong, values),
    }
}
