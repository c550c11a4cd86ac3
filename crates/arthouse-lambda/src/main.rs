#![doc = include_str!("../README.md")]

mod app;
mod deadline;
mod environment;
mod event;
mod response;

use std::sync::Arc;

use anyhow::{Context, Result};
use arthouse_worker::{Clients, Limits, start_log, use_newest_time_zones};
use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::Value;
use tracing::level_filters::LevelFilter;
use tracing::{Instrument, info_span};

use app::App;
use deadline::Deadline;
use environment::Environment;

fn main() -> Result<()> {
    let environment = Environment::read()?;
    let filter = environment.log_filter.as_deref();
    start_log(environment.log_format, filter, LevelFilter::INFO)?;
    use_newest_time_zones();
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(serve(&environment))
}

async fn serve(environment: &Environment) -> Result<()> {
    let clients = Clients::from_env(Limits::Daemon).await?;
    let app = App::start(clients, environment.names(), environment.sources.clone()).await?;
    let app = Arc::new(app);
    let handler = service_fn(move |invocation: LambdaEvent<Value>| {
        let app = Arc::clone(&app);
        let span = info_span!("invocation", request.id = invocation.context.request_id);
        async move {
            let deadline = Deadline::of(&invocation.context)?;
            app.handle(invocation.payload, &deadline).await
        }
        .instrument(span)
    });
    lambda_runtime::run(handler)
        .await
        .map_err(anyhow::Error::from_boxed)
        .context("the Lambda runtime has ended")
}
