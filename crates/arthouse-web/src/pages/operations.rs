//! How the system is: queues, streams, and what needs someone.

use std::collections::VecDeque;
use std::fmt::Write;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use arthouse_worker::Queue;
use aws_sdk_sqs::types::QueueAttributeName;
use axum::extract::State;
use chrono::{DateTime, Utc};
use dynamo_streams::Status;
use maud::{Markup, html};
use tracing::warn;

use super::layout::{Frame, layout};
use super::{Page, html as answer, show};
use crate::access::Office;
use crate::problem::Problem;
use crate::{Viewer, Web};

/// How often the queues are looked at: 5 requests each time.
const INTERVAL: Duration = Duration::from_secs(30);
/// How many looks are kept: two hours of them.
const KEPT: usize = 240;
/// The size of a chart, in its own units.
const WIDTH: u64 = 240;
const HEIGHT: u64 = 40;

/// How much lay in each queue, look by look.
#[derive(Debug, Default)]
pub(crate) struct History(Mutex<VecDeque<Look>>);

#[derive(Debug, Clone)]
struct Look {
    depths: Vec<Depth>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Depth {
    waiting: u64,
    in_flight: u64,
}

impl History {
    fn add(&self, look: Look) {
        let mut looks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        looks.push_back(look);
        if looks.len() > KEPT {
            looks.pop_front();
        }
    }

    fn looks(&self) -> Vec<Look> {
        let looks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        looks.iter().cloned().collect()
    }
}

/// Looks at the queues from time to time, for the charts; for ever.
pub(crate) async fn sample(web: Web) {
    loop {
        match look(&web).await {
            Ok(look) => web.history().add(look),
            Err(error) => warn!(error, "can't read the queues"),
        }
        tokio::time::sleep(INTERVAL).await;
    }
}

async fn look(web: &Web) -> Result<Look, String> {
    use QueueAttributeName as Name;
    let stack = web.stack();
    let mut depths = Vec::with_capacity(Queue::ALL.len());
    for queue in Queue::ALL {
        let request = stack
            .clients
            .sqs
            .get_queue_attributes()
            .queue_url(stack.queues.url(queue));
        let request = request
            .attribute_names(Name::ApproximateNumberOfMessages)
            .attribute_names(Name::ApproximateNumberOfMessagesNotVisible);
        let answer = request
            .send()
            .await
            .map_err(|error| arthouse_worker::chain(&error))?;
        let attributes = answer.attributes.unwrap_or_default();
        let number = |name| {
            let text = attributes.get(&name).map(String::as_str);
            text.and_then(|text| text.parse().ok()).unwrap_or_default()
        };
        depths.push(Depth {
            waiting: number(Name::ApproximateNumberOfMessages),
            in_flight: number(Name::ApproximateNumberOfMessagesNotVisible),
        });
    }
    Ok(Look { depths })
}

pub(super) async fn page(_: Office, viewer: Viewer, State(web): State<Web>) -> Page {
    let unavailable = |error: String| {
        warn!(error, "can't read the state of queues and streams");
        let detail = "the state can't be read now; try again in a moment";
        Problem::new(
            axum::http::StatusCode::SERVICE_UNAVAILABLE,
            "UNAVAILABLE",
            detail,
        )
    };
    let now = look(&web).await.map_err(unavailable)?;
    let operations = web.stack().operations();
    let operations = operations.map_err(|error| unavailable(arthouse_worker::chain(&error)))?;
    let status = operations.status().await;
    let status = status.map_err(|error| unavailable(arthouse_worker::chain(&error)))?;
    let sweep = web.store().sweep().await?;
    let mut looks = web.history().looks();
    looks.push(now);
    let body = html! {
        (queues(&web, &looks))
        (streams(&status))
        h2 { "Last reconciliation" }
        @match &sweep {
            None => { (show::nothing("There was none.")) }
            Some(sweep) => { p { (format!("{:?}", sweep.state)) ", started " (sweep.started_at) } }
        }
    };
    let mut frame = Frame::new("Operations", "/operations");
    frame.refresh_seconds = Some(30);
    Ok(answer(layout(&web, Some(&viewer), frame, body)))
}

fn queues(web: &Web, looks: &[Look]) -> Markup {
    let names = &web.stack().names.queues;
    let series = |queue: usize| {
        let of = |look: &Look| look.depths.get(queue).copied().unwrap_or_default();
        looks.iter().map(of).collect::<Vec<_>>()
    };
    html! {
        h2 { "Queues" }
        div.scroll tabindex="0" role="region" aria-label="Queues" {
            table {
                thead { tr { th scope="col" { "Queue" } th.number scope="col" { "Waiting" } th.number scope="col" { "In flight" } th scope="col" { "Waiting, up to two hours" } } }
                tbody {
                    @for (number, queue) in Queue::ALL.into_iter().enumerate() {
                        @let depths = series(number);
                        @let last = depths.last().copied().unwrap_or_default();
                        tr {
                            th scope="row" { (names.name(queue)) }
                            td.number { (last.waiting) }
                            td.number { (last.in_flight) }
                            td { (chart(&depths)) }
                        }
                    }
                }
            }
        }
        p.hint { "Dead letters are listed, and carried out once their cause is fixed, by " code { "arthouse redrive" } "." }
    }
}

/// Draws how much waited.
fn chart(depths: &[Depth]) -> Markup {
    let most = depths
        .iter()
        .map(|depth| depth.waiting)
        .max()
        .unwrap_or_default();
    let steps = u64::try_from(depths.len().max(2) - 1).unwrap_or(1);
    let mut points = String::new();
    for (step, depth) in (0..).zip(depths) {
        let x = step * WIDTH / steps;
        let y = HEIGHT - depth.waiting * (HEIGHT - 2) / most.max(1) - 1;
        let _infallible = write!(points, "{x},{y} ");
    }
    html! {
        svg.chart viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" aria-label={ "at most " (most) " waited" } {
            polyline points=(points.trim_end()) {}
        }
    }
}

fn streams(status: &Status) -> Markup {
    let age = |age: Option<Duration>| {
        let age = age.and_then(|age| chrono::TimeDelta::from_std(age).ok());
        age.map_or_else(|| "none".to_owned(), show::length)
    };
    html! {
        h2 { "Streams" }
        dl.facts {
            div { dt { "Oldest change not reacted to" } dd { (age(status.oldest_unreacted_age)) } }
            div { dt { "Trim headroom" } dd { (age(status.trim_headroom)) } }
            div { dt { "Records in process" } dd { (status.in_flight) } }
            div { dt { "Shards" } dd { (status.shards.len()) } }
            div { dt { "Stream processors" } dd { (status.workers.len()) } }
        }
        h2 { "Parked records" }
        @if status.parked.is_empty() { (show::nothing("There is none.")) }
        ul {
            @for parked in &status.parked {
                li { (parked.table_name) " " code { (parked.key) } ": " (parked.reason) }
            }
        }
        h2 { "Gaps" }
        @if status.gaps.is_empty() { (show::nothing("No record of a stream was lost.")) }
        ul {
            @for gap in &status.gaps {
                li { (gap.table_name) " " code { (gap.shard_id) } ", found " (DateTime::<Utc>::from(gap.detected_at).format("%-d %b %Y, %H:%M UTC")) }
            }
        }
    }
}
