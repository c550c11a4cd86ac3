//! What has become of commands: where every form leads.

use arthouse_core::CommandId;
use axum::extract::{Query, State};
use chrono::TimeDelta;
use maud::{Markup, html};

use super::layout::{Frame, layout};
use super::{Page, html as answer, show};
use crate::problem::Problem;
use crate::send::{CommandState, Stage, state_of};
use crate::{Viewer, Web};

/// The most commands that one page shows: as many as a roll call sends.
pub(super) const MAX_COMMANDS: usize = 100;
/// A page without a script looks again after so long.
const REFRESH_SECONDS: u8 = 3;
/// A worker that runs takes a command at once; after so long it is said that it does not.
const LATE: TimeDelta = TimeDelta::seconds(10);

/// Returns the address of the page.
pub(super) fn address(ids: &[CommandId], back: &str) -> String {
    let ids = ids.iter().map(|id| format!("id={id}&"));
    format!("/commands?{}back={}", ids.collect::<String>(), local(back))
}

/// Returns an address if it is on this server, else the start: nobody is led away by a link that was made elsewhere.
pub(super) fn local(address: &str) -> &str {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._:@-".contains(&byte);
    if address.starts_with('/') && !address.starts_with("//") && address.bytes().all(plain) {
        address
    } else {
        "/"
    }
}

pub(super) async fn page(
    viewer: Viewer,
    State(web): State<Web>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Page {
    let of = |wanted: &'static str| pairs.iter().filter(move |(name, _)| name == wanted);
    let ids: Vec<_> = of("id").map(|(_, id)| id).take(MAX_COMMANDS).collect();
    let reads = ids.iter().map(|id| state_of(&web, &viewer, id));
    let states = futures::future::try_join_all(reads).await?;
    let back = of("back").next().map_or("/", |(_, back)| local(back));
    if states.is_empty() {
        return Err(Problem::not_found("no command is named"));
    }
    let waiting = states
        .iter()
        .filter(|state| state.state == Stage::Waiting)
        .count();
    let mut frame = Frame::new(if waiting > 0 { "Sent" } else { "Done" }, "");
    if waiting == 0 && states.iter().any(|state| state.state == Stage::Rejected) {
        frame.title = "Not carried out";
    }
    frame.refresh_seconds = (waiting > 0).then_some(REFRESH_SECONDS);
    let body = html! {
        div #outcomes data-waiting=[(waiting > 0).then_some("yes")] role="status" {
            ul.outcomes {
                @for state in &states { li { (outcome(&web, state)) } }
            }
        }
        p.actions { a.button.main href=(back) { "Continue" } }
    };
    Ok(answer(layout(&web, Some(&viewer), frame, body)))
}

fn outcome(web: &Web, state: &CommandState) -> Markup {
    match state.state {
        Stage::Waiting => {
            let since = sent_for(web, state.command_id.as_str());
            html! {
                span.state data-state="waiting" { "waiting" }
                " The command was sent and waits to be carried out."
                @if let Some(since) = since.filter(|since| *since > LATE) {
                    " It has waited for " (show::length(since)) ": the worker is busy or down. It is not lost: it will be carried out \
                     as of when it was sent, and this page will say so."
                }
            }
        }
        Stage::Applied => html! {
            span.state data-state="attended" { "done" } " The command was carried out."
        },
        Stage::Rejected => html! {
            span.state data-state="skipped" { "refused" }
            " " (state.message.as_deref().unwrap_or("the school's rules do not allow it")) "."
        },
    }
}

/// Returns how long ago a command was sent: its attempt is a UUID that holds the time (RFC 9562, version 7).
fn sent_for(web: &Web, id: &str) -> Option<TimeDelta> {
    let key = uuid::Uuid::parse_str(id.split('.').next()?).ok()?;
    let (seconds, _) = key.get_timestamp()?.to_unix();
    let sent = i64::try_from(seconds).ok()?;
    Some(TimeDelta::seconds(web.now().unix_seconds() - sent))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_back_stays_on_this_server() {
        for (given, expected) in [
            ("/my/courses/oils", "/my/courses/oils"),
            ("//evil.example.com", "/"),
            ("https://evil.example.com", "/"),
            ("/\\evil.example.com", "/"),
            ("javascript:alert(1)", "/"),
            ("/a?b=c", "/"),
            ("", "/"),
        ] {
            assert_eq!(local(given), expected, "{given}");
        }
    }
}
