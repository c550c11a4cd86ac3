//! Discovery: listings of streams and shards, turned into leases.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use tracing::{info, warn};

use crate::arn;
use crate::error::Error;
use crate::handler::RecordHandler;
use crate::lease::{Checkpoint, Lease, StreamEntry, View};
use crate::lineage;
use crate::observer::{GapCause, GapRecord};
use crate::settings::StartPosition;
use crate::shard::work::Shared;
use crate::source::{ListedShard, StreamSource};
use crate::store::{LeaseStore, ParkedStore};

/// How far the clocks of this machine and of the service may differ at the first ever start.
const CLOCK_SLACK: TimeDelta = TimeDelta::seconds(5);

/// What a listing of a whole stream showed.
struct Listing {
    shards: Vec<ListedShard>,
    /// Whether the stream takes records, and so may get further shards.
    enabled: bool,
}

/// Lists everything: the streams of the tables and all of their shards.
pub(crate) async fn survey<S, L, H>(
    shared: &Shared<S, L, H>,
    tables: &[String],
) -> Result<(), Error>
where
    S: StreamSource,
    L: LeaseStore + ParkedStore,
    H: RecordHandler,
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
                Some(entry) => survey_stream(shared, entry, &view).await?,
                None => {
                    let entry = enter(shared, &stream_arn, known.is_empty()).await?;
                    survey_stream(shared, &entry, &view).await?;
                }
            }
        }
    }
    Ok(())
}

/// Asks for the children of a finished shard. Tells whether the search is over: they have leases, or
/// there will be none.
pub(crate) async fn children<S, L, H>(
    shared: &Shared<S, L, H>,
    stream_arn: &str,
    parent: &str,
) -> Result<bool, Error>
where
    S: StreamSource,
    L: LeaseStore + ParkedStore,
    H: RecordHandler,
{
    let listing = match list(shared, stream_arn, Some(parent)).await {
        Err(Error::NotFound { .. }) => return Ok(true),
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

/// Enters a stream that is new to this application, with the choice of its start.
async fn enter<S, L: LeaseStore, H>(
    shared: &Shared<S, L, H>,
    stream_arn: &str,
    first_ever: bool,
) -> Result<StreamEntry, Error> {
    let start = match shared.settings.start {
        StartPosition::Latest if first_ever => {
            Checkpoint::Since(shared.settings.wall_clock.now() - CLOCK_SLACK)
        }
        StartPosition::Latest | StartPosition::TrimHorizon => Checkpoint::TrimHorizon,
    };
    let entry = StreamEntry {
        stream_arn: stream_arn.to_owned(),
        start,
        seeded: false,
        drained: false,
    };
    info!(stream = stream_arn, start = ?entry.start, "a stream is entered");
    shared.figures.lease_writes();
    shared.store.enter_stream(&entry).await?;
    // Another worker may have been first, and its choice stands.
    let view = shared.store.view().await?;
    let kept = view
        .streams
        .into_iter()
        .find(|kept| kept.stream_arn == stream_arn);
    Ok(kept.unwrap_or(entry))
}

async fn survey_stream<S, L, H>(
    shared: &Shared<S, L, H>,
    entry: &StreamEntry,
    view: &View,
) -> Result<(), Error>
where
    S: StreamSource,
    L: LeaseStore + ParkedStore,
    H: RecordHandler,
{
    let listing = match list(shared, &entry.stream_arn, None).await {
        Err(Error::NotFound { .. }) => Listing {
            shards: Vec::new(),
            enabled: false,
        },
        listing => listing?,
    };
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
    for lease in lineage::forgettable(&listing.shards, &known, shared.settings.wall_clock.now()) {
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
    H: RecordHandler,
{
    let known = leases_of(&entry.stream_arn, view);
    let now = shared.settings.wall_clock.now();
    let given_up = |shard: &ListedShard| shared.unseen.given_up(&shard.id);
    let growth = lineage::grow(entry, listing, &known, given_up, now);
    shared.unseen.wait_for(&growth.early);
    for orphan in growth.breaks {
        shared.note_gap(unseen(&entry.stream_arn, orphan)).await?;
    }
    for lease in &growth.leases {
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

fn unseen(stream_arn: &str, orphan: ListedShard) -> GapRecord {
    GapRecord {
        stream_arn: stream_arn.to_owned(),
        table_name: arn::table_name(stream_arn).to_owned(),
        shard_id: orphan.parent.unwrap_or_default(),
        from: None,
        to: orphan.first_sequence_number,
        cause: GapCause::ParentUnseen,
        since: None,
        // Stamped when it is noted.
        detected_at: chrono::DateTime::UNIX_EPOCH,
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
            warn!(stream = stream_arn, "a listing does not move on");
            return Err(Error::unavailable(
                "DescribeStream",
                "the listing does not move on",
            ));
        }
        after = page.next;
    }
}
