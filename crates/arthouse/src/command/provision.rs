use std::collections::BTreeSet;

use anyhow::{Context, Result};
use arthouse_store::{Backups, Table};
use arthouse_worker::{Limits, Queue};
use clap::Args;
use serde::Serialize;
use tracing::warn;

use crate::deployment::Deployment;
use crate::output::{self, Format};
use crate::{Clients, Exit, Names, Stack};

/// How what is made is guarded, and how it is printed.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// For trials: do not protect tables against deletion, make no backups, and let queues take plain HTTP
    #[arg(long)]
    unprotected: bool,
    #[command(flatten)]
    format: Format,
}

/// A table or a queue.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct Resource {
    kind: &'static str,
    name: String,
}

/// A table or a queue, and what was done about it.
#[derive(Debug, Serialize)]
struct Line {
    #[serde(flatten)]
    resource: Resource,
    made: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
}

pub(crate) async fn run(options: Options, deployment: &Deployment) -> Result<Exit> {
    let (clients, names) = (Clients::from_env(Limits::Daemon).await?, deployment.names());
    let before = present(&clients).await?;
    let stack = Stack::provision(clients, names).await?;
    if !options.unprotected && stack.protect().await? == Backups::NotOffered {
        warn!("this endpoint has no point-in-time recovery: the tables have no backups");
    }
    let lines = lines(&stack, &before);
    if options.format.json {
        output::print_json(&lines)?;
    } else {
        let mut table = output::table(&["Kind", "Name", "State", "URL"]);
        for Line {
            resource,
            made,
            url,
        } in lines
        {
            let state = if made { "made" } else { "was there" };
            table.add_row([
                resource.kind,
                &resource.name,
                state,
                url.as_deref().unwrap_or_default(),
            ]);
        }
        output::print(table)?;
    }
    Ok(Exit::Success)
}

fn lines(stack: &Stack, before: &BTreeSet<Resource>) -> Vec<Line> {
    let Names { tables, queues } = &stack.names;
    let table = |name| {
        (
            Resource {
                kind: "table",
                name,
            },
            None,
        )
    };
    let queue = |queue| {
        let url = stack.queues.url(queue).to_owned();
        (
            Resource {
                kind: "queue",
                name: queues.name(queue),
            },
            Some(url),
        )
    };
    Table::ALL
        .into_iter()
        .map(|known| table(tables.name(known)))
        .chain([table(tables.leases())])
        .chain(Queue::ALL.into_iter().map(queue))
        .map(|(resource, url)| Line {
            made: !before.contains(&resource),
            resource,
            url,
        })
        .collect()
}

/// Lists the tables and queues that are there, ours or not.
async fn present(clients: &Clients) -> Result<BTreeSet<Resource>> {
    let mut present = BTreeSet::new();
    let mut tables = clients
        .dynamodb
        .list_tables()
        .into_paginator()
        .items()
        .send();
    while let Some(name) = tables.next().await {
        present.insert(Resource {
            kind: "table",
            name: name.context("can't list the tables")?,
        });
    }
    let mut queues = clients.sqs.list_queues().into_paginator().items().send();
    while let Some(url) = queues.next().await {
        let url = url.context("can't list the queues")?;
        let name = url.rsplit('/').next().unwrap_or_default().to_owned();
        present.insert(Resource {
            kind: "queue",
            name,
        });
    }
    Ok(present)
}
