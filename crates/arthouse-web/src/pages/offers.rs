//! What a page offers to whom: the commands of a subject that the viewer's role may send, each with the reason if it can't be done now.

use arthouse_core::{
    Command, CommandType, Refusal, Session, State, Subject, Timestamp, decide, schema,
};
use arthouse_store::StudentRecords;
use chrono::TimeDelta;
use maud::{Markup, html};
use serde_json::{Value, json};

use super::words::{is_for_students, words};
use crate::{Role, Viewer};

/// A command that a page offers.
#[derive(Debug, Clone)]
pub(super) struct Offer {
    pub(super) command_type: CommandType,
    /// Why it can't be done now, if it can't.
    pub(super) refused: Option<String>,
}

/// Returns what can be done with a session.
pub(super) fn of_session(
    viewer: &Viewer,
    records: &StudentRecords,
    session: &Session,
    now: Timestamp,
) -> Vec<Offer> {
    // The rules of a session look at its enrolment and at itself; a clash with another date shows when one is chosen.
    let state = State {
        enrollment: records.enrollment.clone(),
        session: Some(session.clone()),
        ..State::default()
    };
    let later = session.session_date.max(now).minus(TimeDelta::seconds(-1));
    let data = json!({
        "user_id": session.user_id,
        "course_id": session.course_id,
        "session_id": session.session_id,
        "new_session_date": later,
    });
    let is_session = |subject: Subject<'_>| subject.session_id().is_some();
    offers(viewer, &state, &data, is_session, now)
}

/// Returns what can be done with a student's application or enrolment in a course.
pub(super) fn of_enrollment(
    viewer: &Viewer,
    state: &State,
    data: &Value,
    now: Timestamp,
) -> Vec<Offer> {
    let is_enrollment =
        |subject: Subject<'_>| subject.user_id().is_some() && subject.session_id().is_none();
    offers(viewer, state, data, is_enrollment, now)
}

fn offers(
    viewer: &Viewer,
    state: &State,
    data: &Value,
    is_wanted: impl Fn(Subject<'_>) -> bool,
    now: Timestamp,
) -> Vec<Offer> {
    let role = viewer.role.actor_type();
    let offer = |command_type: CommandType| {
        let command = probe(viewer, command_type, data)?;
        if !is_wanted(command.action.subject()) {
            return None;
        }
        let refused = match decide(state, &command, now) {
            Ok(_) => None,
            Err(Refusal::Rejected(rejection)) => Some(rejection.to_string()),
            Err(Refusal::SessionsNotInitialized) => {
                Some("the sessions are being scheduled".to_owned())
            }
        };
        Some(Offer {
            command_type,
            refused,
        })
    };
    let all = CommandType::ALL.into_iter();
    let is_offered = |command_type: &CommandType| {
        let is_shown = viewer.role != Role::Student || is_for_students(*command_type);
        command_type.roles().contains(&role) && is_shown
    };
    all.filter(is_offered).filter_map(offer).collect()
}

/// Makes a command as someone might send it: the contract's example with this subject.
fn probe(viewer: &Viewer, command_type: CommandType, data: &Value) -> Option<Command> {
    let mut event = schema::example(command_type);
    let example = event["data"].as_object_mut()?;
    for (name, value) in data.as_object()? {
        if example.contains_key(name) {
            example.insert(name.clone(), value.clone());
        }
    }
    // What depends on the case is left out.
    if command_type == CommandType::ConfirmPayment {
        for name in ["amount", "currency", "reference", "first_session_after"] {
            example.remove(name);
        }
    }
    let actor = json!({"type": viewer.role.actor_type(), "id": viewer.id});
    example.insert("actor".to_owned(), actor);
    Command::parse(&event.to_string()).ok()
}

/// Shows offers: what can be done as links to the form, what can't with the reason.
pub(super) fn links(offers: &[Offer], query: &str) -> Markup {
    html! {
        @for offer in offers {
            @let name = words(offer.command_type).button;
            @match &offer.refused {
                None => { a.button href={ "/do/" (offer.command_type.name()) "?" (query) } { (name) } }
                Some(reason) => { span.refused { (name) ": " (reason) } }
            }
        }
    }
}

/// Writes the query of a link to a form. Ids need no escape in a query, but `+` and `&` never occur in them.
pub(super) fn query(pairs: &[(&str, &str)]) -> String {
    let pairs = pairs.iter().map(|(name, value)| format!("{name}={value}"));
    pairs.collect::<Vec<_>>().join("&")
}
