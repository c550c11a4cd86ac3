//! Discovery: lists streams and shards and makes their leases.

use std::collections::BTreeMap;
use std::time::SystemTime;

use chrono::TimeDelta;
use tracing::{info, warn};

use crate::arn;
use crate::error::Error;
use crate::handler::Handler;
use crate::lease::{Checkpoint, Lease, StreamEntry, View};
use crate::lineage;
use crate::observer::{GapCause, GapRecord};
use crate::settings::StartPosition;
use crate::shard::work::Shared;
use crate::source::{ListedShard, StreamSource};
use crate::store::{LeaseStore, ParkedStore};

/// How far the clocks of this machine and of the service may differ at the first ever start.
const CLOCK_SLACK: TimeDelta = TimeDelta::seconds(5);

/// A listing of shards of a stream.
struct Listing {
    shards: Vec<ListedShard>,
    /// Whether the stream is enabled, and so may get further shards.
    enabled: bool,
}

/// Lists the streams of the tables and all of their shards.
pub(crate) async fn list_shards<S, L, H>(
    shared: &Shared<S, L, H>,
    tables: &[String],
) -> Result<(), Error>
where
    S: StreamSource,
    L: LeaseStore + ParkedStore,
    H: Handler,
{
    for table in tables {
        let view = shared.store.view().await?;
        let known: Vec<&StreamEntry> = view
            .streams
            .iter()
            .filter(|entry| arn::table_name(&entry.stream_arn) == table)
            .collect();
        let listed = streams_of(&shared.source, table).await?;
        let relevant = lineage::relevant(&listed, &known);
        if relevant.is_empty() {
            return Err(Error::NoStream {
                table: table.clone(),
            });
        }
        for stream_arn in relevant {
            let entry = known.iter().find(|entry| entry.stream_arn == stream_arn);
            match entry {
                Some(entry) if entry.drained => {}
                Some(entry) => list_stream(shared, entry, &view).await?,
                None => {
                    let entry = add_stream(shared, &stream_arn, known.is_empty()).await?;
                    list_stream(shared, &entry, &view).await?;
                }
            }
        }
    }
    Ok(())
}

/// Lists the children of a finished shard. Returns whether the search is over: they have leases, or there will be none.
pub(crate) async fn children<S, L, H>(
    shared: &Shared<S, L, H>,
    stream_arn: &str,
    parent: &str,
) -> Result<bool, Error>
where
    S: StreamSource,
    L: LeaseStore + ParkedStore,
    H: Handler,
{
    let listing = match list(shared, stream_arn, Some(parent)).await {
        // The full listings find out whether the stream is gone.
        Err(Error::NotFound { .. }) => return Ok(false),
        listing => listing?,
    };
    let found = listing
        .shards
        .iter()
        .any(|shard| shard.parent.as_deref() == Some(parent));
    let view = shared.store.view().await?;
    if let Some(entry) = view
        .streams
        .iter()
        .find(|entry| entry.stream_arn == stream_arn)
    {
        make_leases(shared, entry, &listing.shards, &view).await?;
    }
    Ok(found || !listing.enabled)
}

/// Adds a stream that is new to this application, with its start position.
async fn add_stream<S, L: LeaseStore, H>(
    shared: &Shared<S, L, H>,
    stream_arn: &str,
    first_ever: bool,
) -> Result<StreamEntry, Error> {
    let start = match shared.settings.start {
        StartPosition::Latest if first_ever => {
            Checkpoint::Since(shared.settings.wall_clock.utc() - CLOCK_SLACK)
        }
        StartPosition::Latest | StartPosition::TrimHorizon => Checkpoint::TrimHorizon,
    };
    let entry = StreamEntry {
        stream_arn: stream_arn.to_owned(),
        start,
        seeded: false,
        drained: false,
    };
    info!(stream = stream_arn, start = ?entry.start, "a stream is added");
    shared.figures.lease_writes();
    shared.store.add_stream(&entry).await?;
    // Another worker may have been first; then its choice is used.
    let view = shared.store.view().await?;
    let kept = view
        .streams
        .into_iter()
        .find(|kept| kept.stream_arn == stream_arn);
    Ok(kept.unwrap_or(entry))
}

async fn list_stream<S, L, H>(
    shared: &Shared<S, L, H>,
    entry: &StreamEntry,
    view: &View,
) -> Result<(), Error>
where
    S: StreamSource,
    L: LeaseStore + ParkedStore,
    H: Handler,
{
    let listing = match list(shared, &entry.stream_arn, None).await {
        Err(Error::NotFound { .. }) if shared.missing.timed_out(&entry.stream_arn) => Listing {
            shards: Vec::new(),
            enabled: false,
        },
        Err(Error::NotFound { .. }) => {
            warn!(stream = entry.stream_arn, "a stream is not found");
            shared.missing.wait_for(&entry.stream_arn);
            return Ok(());
        }
        listing => listing?,
    };
    if listing.enabled {
        shared.missing.found(&entry.stream_arn);
    }
    make_leases(shared, entry, &listing.shards, view).await?;
    if !entry.seeded {
        shared.figures.lease_writes();
        shared.store.mark_seeded(&entry.stream_arn).await?;
    }
    let known = leases_of(&entry.stream_arn, view);
    if !listing.enabled && lineage::is_drained(&listing.shards, &known) {
        info!(stream = entry.stream_arn, "a disabled stream is drained");
        shared.figures.lease_writes();
        shared.store.mark_drained(&entry.stream_arn).await?;
    }
    for lease in lineage::forgettable(&listing.shards, &known, shared.settings.wall_clock.utc()) {
        shared.figures.lease_writes();
        shared.store.forget(&lease.shard).await?;
    }
    Ok(())
}

async fn make_leases<S, L, H>(
    shared: &Shared<S, L, H>,
    entry: &StreamEntry,
    listing: &[ListedShard],
    view: &View,
) -> Result<(), Error>
where
    S: StreamSource,
    L: LeaseStore + ParkedStore,
    H: Handler,
{
    let known = leases_of(&entry.stream_arn, view);
    let now = shared.settings.wall_clock.utc();
    let timed_out = |shard: &ListedShard| shared.missing.timed_out(&shard.id);
    let new = lineage::new_leases(entry, listing, &known, timed_out, now);
    for shard in &new.waiting {
        shared.missing.wait_for(&shard.id);
    }
    for orphan in new.orphans {
        shared
            .note_gap(missing_parent(&entry.stream_arn, orphan))
            .await?;
    }
    for lease in &new.leases {
        shared.figures.lease_writes();
        if shared.store.create(lease).await? {
            info!(shard = %lease.shard, "a shard was found");
        }
    }
    Ok(())
}

fn leases_of<'a>(stream_arn: &str, view: &'a View) -> BTreeMap<&'a str, &'a Lease> {
    view.leases
        .iter()
        .filter(|lease| lease.shard.stream_arn == stream_arn)
        .map(|lease| (lease.shard.shard_id.as_str(), lease))
        .collect()
}

fn missing_parent(stream_arn: &str, orphan: ListedShard) -> GapRecord {
    let parent = orphan.parent.unwrap_or_default();
    // Its time is set when the gap is recorded.
    let gap = GapRecord::new(
        stream_arn,
        parent,
        GapCause::ParentUnseen,
        SystemTime::UNIX_EPOCH,
    );
    GapRecord {
        to: orphan.first_sequence_number,
        ..gap
    }
}

async fn streams_of<S: StreamSource>(source: &S, table: &str) -> Result<Vec<String>, Error> {
    let mut arns = Vec::new();
    let mut after = None;
    loop {
        let page = match source.list_streams(table, after.as_deref()).await {
            Err(Error::NotFound { .. }) => return Ok(arns),
            page => page?,
        };
        arns.extend(page.arns);
        after = page.next;
        if after.is_none() {
            return Ok(arns);
        }
    }
}

/// Reads all pages of a listing.
async fn list<S: StreamSource, L, H>(
    shared: &Shared<S, L, H>,
    stream_arn: &str,
    parent: Option<&str>,
) -> Result<Listing, Error> {
    let mut shards = Vec::new();
    let mut after = None;
    loop {
        shared.figures.listings();
        let page = shared
            .source
            .describe(stream_arn, parent, after.as_deref())
            .await?;
        shards.extend(page.shards);
        if page.next.is_none() {
            return Ok(Listing {
                shards,
                enabled: page.enabled,
            });
        }
        if page.next == after {
            warn!(stream = stream_arn, "a listing makes no progress");
            return Err(Error::unavailable(
                "DescribeStream",
                "the listing makes no progress",
            ));
        }
        after = page.next;
    }
}
