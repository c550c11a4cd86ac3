//! Probes and metrics of a daemon, on a port of its own that is off by default.

mod ask;
mod metrics;
mod verdict;
mod vitals;

pub(crate) use ask::{Probe, ask};

use std::future::{Future, IntoFuture};
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};
use arthouse_worker::{CommandWorker, Settings, Stack, StreamWorkers};
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use clap::Args;
use futures::FutureExt;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tracing::info;
use verdict::Verdict;
use vitals::Vitals;

/// Where a daemon tells how it is.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Listen {
    /// Serve /healthz, /readyz, /startupz and /metrics at this address, such as 0.0.0.0:8080; port 0 takes a free port and logs it
    ///
    /// Off by default. It is neither encrypted nor authenticated: keep it within your network.
    #[arg(long = "http", env = "ARTHOUSE_HTTP", value_name = "ADDRESS")]
    address: Option<SocketAddr>,
}

/// How often the histograms are brought up to date when nobody asks for them, so that they don't grow without end.
const UPKEEP: Duration = Duration::from_secs(5);

/// A daemon's signs of life, and its answers to probes where those are asked for; dropping it ends them.
#[derive(Debug)]
pub(crate) struct Probes {
    vitals: Vitals,
    tasks: Vec<AbortOnDropHandle<()>>,
}

#[derive(Debug, Clone)]
struct Daemon {
    vitals: Vitals,
    shutdown: CancellationToken,
    metrics: PrometheusHandle,
}

impl Probes {
    /// Listens, if that is asked for, and answers from then on: the daemon is starting until what it runs gives signs of life, and
    /// draining once `shutdown` has fired.
    ///
    /// # Errors
    /// Says why nothing can listen there.
    pub(crate) async fn serve(listen: Listen, shutdown: &CancellationToken) -> Result<Self> {
        let mut probes = Self {
            vitals: Vitals::default(),
            tasks: Vec::new(),
        };
        let Some(address) = listen.address else {
            return Ok(probes);
        };
        let cannot = || format!("can't listen on {address} for probes and metrics");
        let listener = TcpListener::bind(address).await.with_context(cannot)?;
        let address = listener.local_addr().with_context(cannot)?;
        let metrics = metrics::install()?;
        let daemon = Daemon {
            vitals: probes.vitals.clone(),
            shutdown: shutdown.clone(),
            metrics: metrics.clone(),
        };
        info!(%address, "serving probes and metrics");
        let serving = axum::serve(listener, router(daemon)).into_future();
        // It goes on for ever: a connection that fails is its own affair.
        probes.run(serving.map(drop));
        probes.run(async move {
            loop {
                tokio::time::sleep(UPKEEP).await;
                metrics.run_upkeep();
            }
        });
        Ok(probes)
    }

    /// Takes the signs of life of a command worker that is about to run.
    pub(crate) fn watch_commands(&self, worker: &CommandWorker, settings: &Settings) {
        self.vitals
            .watch_commands(worker.consumer.monitor(), settings);
    }

    /// Takes the signs of life of a stream processor that is about to run.
    pub(crate) fn watch_streams(&self, workers: &StreamWorkers, settings: &Settings) {
        self.vitals
            .watch_streams(workers.processor.monitor(), settings);
    }

    /// Looks at a stack's tables from time to time, if anybody may ask.
    pub(crate) fn watch_tables(&mut self, stack: &Stack) {
        if !self.tasks.is_empty() {
            let (vitals, store) = (self.vitals.clone(), stack.store.clone());
            vitals.watch_tables();
            self.run(async move { vitals::look_at_tables(&vitals, &store).await });
        }
    }

    fn run(&mut self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.push(AbortOnDropHandle::new(tokio::spawn(task)));
    }
}

fn router(daemon: Daemon) -> Router {
    Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/startupz", get(startupz))
        .route("/metrics", get(scrape))
        .with_state(daemon)
}

async fn healthz(State(daemon): State<Daemon>) -> Response {
    answer(&verdict::health(&daemon.vitals.read()))
}

async fn readyz(State(daemon): State<Daemon>) -> Response {
    let draining = daemon.shutdown.is_cancelled();
    answer(&verdict::readiness(&daemon.vitals.read(), draining))
}

async fn startupz(State(daemon): State<Daemon>) -> Response {
    let reading = daemon.vitals.read();
    let is_ready = verdict::readiness(&reading, false).is_good();
    let was_ready = daemon.vitals.was_ready(is_ready);
    answer(&verdict::startup(&reading, was_ready))
}

async fn scrape(State(daemon): State<Daemon>) -> Response {
    daemon.vitals.publish();
    let text = daemon.metrics.render();
    ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response()
}

fn answer(verdict: &Verdict) -> Response {
    let status = if verdict.is_good() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let json = [(header::CONTENT_TYPE, "application/json")];
    (status, json, format!("{}\n", verdict.as_json())).into_response()
}
