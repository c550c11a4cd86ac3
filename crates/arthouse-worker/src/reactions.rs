//! The stream processor: a record becomes a change, the change becomes reactions.

mod handler;
mod observer;

pub use handler::ReactionHandler;
pub use observer::StreamObserver;

use std::sync::Arc;

use arthouse_store::{Store, Table, TableNames};
use dynamo_streams::Processor;
use sqs_consumer::BatchSender;
use tokio::sync::Notify;

use crate::{Clients, GapRepair, QueueUrls, Reconciler, Settings};

/// What the stream processor is called in the lease table; processors of one name share the work.
pub const APPLICATION: &str = "arthouse";

/// A stream processor, and what runs beside it.
#[derive(Debug)]
pub struct StreamWorkers {
    /// Reads the streams; runs with the handler.
    pub processor: Processor,
    /// Reacts to what is read.
    pub handler: ReactionHandler,
    /// Repairs what the streams have lost.
    pub repair: GapRepair,
}

/// Puts the stream processor together, and what repairs the gaps that it finds.
///
/// # Errors
/// Returns which setting can't be.
pub fn stream_workers(
    clients: &Clients,
    store: Store,
    tables: &TableNames,
    queues: &QueueUrls,
    settings: &Settings,
) -> Result<StreamWorkers, dynamo_streams::Error> {
    let notices = BatchSender::new(
        clients.sqs.clone(),
        &queues.stream_dlq,
        settings.sender.clone(),
    );
    let gap_found = Arc::new(Notify::new());
    let observer = StreamObserver::new(notices, Arc::clone(&gap_found));
    let builder = Processor::builder(clients.streams.clone(), clients.dynamodb.clone())
        .stream_of_table(tables.name(Table::UsersCourses))
        .stream_of_table(tables.name(Table::Sessions))
        .lease_table(tables.leases())
        .application(APPLICATION)
        .settings(settings.streams.clone())
        .observer(Arc::new(observer));
    let handler = reaction_handler(&clients.sqs, store.clone(), tables, queues, settings);
    let clock = settings.clock.clone();
    let dynamodb = clients.dynamodb.clone();
    let reconciler = Reconciler::new(dynamodb, store, tables, handler.clone(), clock)?;
    Ok(StreamWorkers {
        processor: builder.build()?,
        handler,
        repair: GapRepair::new(reconciler, gap_found),
    })
}

/// Puts the stream processor alone together; it runs with the handler that comes with it.
///
/// # Errors
/// Returns which setting can't be.
pub fn stream_processor(
    clients: &Clients,
    store: Store,
    tables: &TableNames,
    queues: &QueueUrls,
    settings: &Settings,
) -> Result<(Processor, ReactionHandler), dynamo_streams::Error> {
    let workers = stream_workers(clients, store, tables, queues, settings)?;
    Ok((workers.processor, workers.handler))
}

/// Makes the handler that carries out reactions.
pub fn reaction_handler(
    sqs: &aws_sdk_sqs::Client,
    store: Store,
    tables: &TableNames,
    queues: &QueueUrls,
    settings: &Settings,
) -> ReactionHandler {
    let notifications =
        BatchSender::new(sqs.clone(), &queues.notifications, settings.sender.clone());
    ReactionHandler::new(store, tables.clone(), notifications, settings.clock.clone())
}
