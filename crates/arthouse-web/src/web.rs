use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arthouse_core::{Timestamp, UserId};
use arthouse_store::Store;
use arthouse_worker::{Clock, Stack};
use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use sqs_consumer::{BatchSender, SenderSettings};

use crate::access::guard;
use crate::pages::History;
use crate::{Identity, Limiter, Secret, api, calendar, pages};

/// How long a command waits for others to share its request: nobody notices it.
const LINGER: Duration = Duration::from_millis(2);

/// How the server behaves.
#[derive(Debug)]
pub struct Settings {
    /// How it knows who asks.
    pub identity: Identity,
    /// The names by which it may be called; with [`Identity::Chosen`], loopback beside them.
    pub hosts: Vec<String>,
    /// What its links and forms are signed with.
    pub secret: Secret,
    /// The calendar links that are not valid any more: those that a student had before the text was set or changed.
    pub revoked_feeds: BTreeMap<UserId, String>,
    /// How often one person may ask.
    pub limiter: Limiter,
    /// The clock.
    pub clock: Clock,
}

/// The server's state: it reads the tables and sends commands, and writes nothing else. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Web(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    stack: Stack,
    commands: BatchSender,
    settings: Settings,
    history: History,
}

impl Web {
    /// Makes the server of a deployment. Must be called within a tokio runtime.
    pub fn new(stack: Stack, settings: Settings) -> Self {
        let sender = SenderSettings::default().with_linger(LINGER);
        let commands = BatchSender::new(stack.clients.sqs.clone(), &stack.queues.commands, sender);
        Self(Arc::new(Inner {
            commands: commands.expect("the settings are constants of this program"),
            stack,
            settings,
            history: History::default(),
        }))
    }

    pub(crate) fn store(&self) -> &Store {
        &self.0.stack.store
    }

    pub(crate) fn stack(&self) -> &Stack {
        &self.0.stack
    }

    pub(crate) fn commands(&self) -> &BatchSender {
        &self.0.commands
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.0.settings
    }

    pub(crate) fn secret(&self) -> &Secret {
        &self.0.settings.secret
    }

    pub(crate) fn history(&self) -> &History {
        &self.0.history
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.0.settings.clock.now()
    }
}

/// Returns everything that the server answers: the API under `/api`, pages, calendar feeds, `/healthz`.
pub fn router(web: Web) -> Router {
    Router::new()
        .nest("/api", api::routes())
        .merge(pages::routes())
        .merge(calendar::routes())
        .route("/healthz", get(async || "ok"))
        .fallback(pages::not_found)
        .layer(from_fn_with_state(web.clone(), guard))
        .with_state(web)
}
