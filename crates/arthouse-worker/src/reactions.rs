//! The stream processor: a record becomes a change, the change becomes reactions.

mod handler;
mod observer;

pub use handler::ReactionHandler;
pub use observer::StreamObserver;

use std::sync::Arc;

use arthouse_store::{Store, Table, TableNames};
use dynamo_streams::Processor;
use sqs_consumer::BatchSender;

use crate::{QueueUrls, Settings};

/// What the stream processor is called in the lease table; processors of one name share the work.
pub const APPLICATION: &str = "arthouse";

/// Puts the stream processor together; it runs with the handler that comes with it.
///
/// # Errors
/// Returns which setting can't be.
pub fn stream_processor(
    clients: StreamClients,
    store: Store,
    tables: &TableNames,
    queues: &QueueUrls,
    settings: &Settings,
) -> Result<(Processor, ReactionHandler), dynamo_streams::Error> {
    let notices = BatchSender::new(
        clients.sqs.clone(),
        &queues.stream_dlq,
        settings.sender.clone(),
    );
    let builder = Processor::builder(clients.streams.clone(), clients.dynamodb.clone())
        .stream_of_table(tables.name(Table::UsersCourses))
        .stream_of_table(tables.name(Table::Sessions))
        .lease_table(tables.leases())
        .application(APPLICATION)
        .settings(settings.streams.clone())
        .observer(Arc::new(StreamObserver::new(notices)));
    let handler = reaction_handler(&clients.sqs, store, tables, queues, settings);
    Ok((builder.build()?, handler))
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

/// The clients that the stream processor needs.
#[derive(Debug, Clone)]
pub struct StreamClients {
    /// For leases, checkpoints and parked records.
    pub dynamodb: aws_sdk_dynamodb::Client,
    /// For reading the streams.
    pub streams: aws_sdk_dynamodbstreams::Client,
    /// For notifications and notices.
    pub sqs: aws_sdk_sqs::Client,
}
