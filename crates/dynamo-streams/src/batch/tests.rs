use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use futures::future::BoxFuture;

use super::*;
use crate::internal::samples::{item_id, record};
use crate::observer::Observer;
use crate::redrive::{Selection, redrive};
use crate::settings::Settings;
use crate::testing::link::Link;
use crate::testing::memory::{Memory, MemoryStore};

/// What the handler says of a record, by its number; done if nothing is said.
type Script = BTreeMap<u64, Disposition>;

/// Does as its script says, and remembers the numbers of the records it met.
#[derive(Clone, Default)]
struct Scripted {
    script: Script,
    met: Arc<Mutex<Vec<u64>>>,
}

impl Handler for Scripted {
    async fn handle(&self, record: &Record, _: &Context) -> Disposition {
        let number = record.sequence_number.parse().unwrap();
        self.met.lock().unwrap().push(number);
        tokio::time::sleep(Duration::from_millis(10)).await;
        self.script
            .get(&number)
            .cloned()
            .unwrap_or(Disposition::Done)
    }
}

#[derive(Default)]
struct Notices(Mutex<Vec<(String, bool)>>);

impl Observer for Notices {
    fn on_parked<'a>(&'a self, parked: &'a ParkedRecord) -> BoxFuture<'a, ()> {
        let notice = (parked.record.sequence_number.clone(), parked.behind);
        self.0.lock().unwrap().push(notice);
        Box::pin(std::future::ready(()))
    }
}

struct Rig {
    shared: Shared<(), MemoryStore, Scripted>,
    notices: Arc<Notices>,
}

impl Rig {
    fn new(memory: &Memory, link: &Link, script: Script) -> Self {
        let notices = Arc::new(Notices::default());
        let shared = Shared {
            source: (),
            store: memory.store(link),
            handler: Scripted {
                script,
                met: Arc::default(),
            },
            observer: Arc::clone(&notices) as Arc<dyn Observer>,
            settings: Settings::default(),
            figures: Arc::default(),
            missing: Missing::default(),
            handlers: Arc::new(Semaphore::new(8)),
        };
        Self { shared, notices }
    }

    async fn handle(&self, batch: &[(&str, u64)]) -> BatchReport {
        let records = batch
            .iter()
            .map(|(item, number)| record(item, *number))
            .collect();
        handle(&self.shared, records, &CancellationToken::new()).await
    }

    fn met(&self) -> Vec<u64> {
        self.shared.handler.met.lock().unwrap().clone()
    }
}

fn retry() -> Disposition {
    Disposition::Retry {
        reason: "not yet".to_owned(),
    }
}

fn park() -> Disposition {
    Disposition::Park {
        reason: "no such course".to_owned(),
    }
}

fn report(first_unfinished: Option<&str>, done: u64, parked: u64, unfinished: u64) -> BatchReport {
    BatchReport {
        first_unfinished: first_unfinished.map(str::to_owned),
        done,
        parked,
        unfinished,
    }
}

#[tokio::test(start_paused = true)]
async fn items_run_side_by_side_and_each_in_order() {
    let rig = Rig::new(&Memory::default(), &Link::sound(), Script::new());
    let began = Instant::now();
    let ended = rig.handle(&[("a", 1), ("b", 2), ("a", 3), ("c", 4)]).await;
    assert_eq!(ended, report(None, 4, 0, 0));
    assert_eq!(rig.met(), [1, 2, 4, 3]);
    assert_eq!(began.elapsed(), Duration::from_millis(20));
}

#[tokio::test(start_paused = true)]
async fn the_first_unfinished_record_is_told_and_its_item_waits_while_others_go_on() {
    let script = Script::from([(3, retry())]);
    let rig = Rig::new(&Memory::default(), &Link::sound(), script);
    let batch = [("a", 1), ("b", 2), ("a", 3), ("a", 4), ("b", 5)];
    assert_eq!(rig.handle(&batch).await, report(Some("3"), 3, 0, 2));
    assert_eq!(rig.met(), [1, 2, 3, 5], "4 must not overtake 3");
}

#[tokio::test(start_paused = true)]
async fn of_several_failures_the_first_of_the_shard_is_told() {
    let script = Script::from([(5, retry()), (2, retry())]);
    let rig = Rig::new(&Memory::default(), &Link::sound(), script);
    let batch = [("a", 1), ("b", 2), ("c", 3), ("d", 5)];
    assert_eq!(rig.handle(&batch).await, report(Some("2"), 2, 0, 2));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_pass_is_parked_with_what_follows_of_its_item_and_blocks_nothing() {
    let memory = Memory::default();
    let script = Script::from([(1, park())]);
    let rig = Rig::new(&memory, &Link::sound(), script);
    let ended = rig.handle(&[("a", 1), ("b", 2), ("a", 3)]).await;
    assert_eq!(ended, report(None, 1, 2, 0));
    let later = rig.handle(&[("a", 4), ("b", 5)]).await;
    assert_eq!(
        later,
        report(None, 1, 1, 0),
        "a batch later the item still has parked records"
    );
    assert_eq!(rig.met(), [1, 2, 5]);
    let notices = rig.notices.0.lock().unwrap().clone();
    let notice = |number: &str, behind| (number.to_owned(), behind);
    assert_eq!(
        notices,
        [notice("1", false), notice("3", true), notice("4", true)]
    );
    let kept = rig
        .shared
        .store
        .parked_records(item_id("a"), 10)
        .await
        .unwrap();
    let kept: Vec<_> = kept
        .iter()
        .map(|p| (p.attempts, p.reason.as_str()))
        .collect();
    assert_eq!(kept, [(1, "no such course"), (0, BEHIND), (0, BEHIND)]);
}

#[tokio::test(start_paused = true)]
async fn a_redrive_brings_a_parked_item_up_to_date_and_its_next_batch_is_handled() {
    let memory = Memory::default();
    let script = Script::from([(1, park())]);
    Rig::new(&memory, &Link::sound(), script)
        .handle(&[("a", 1), ("a", 2)])
        .await;
    let rig = Rig::new(&memory, &Link::sound(), Script::new());
    let (store, handler) = (&rig.shared.store, &rig.shared.handler);
    let redriven = redrive(
        store,
        handler,
        &(),
        &Selection::All,
        &CancellationToken::new(),
    )
    .await;
    assert_eq!(redriven.unwrap().records, 2);
    assert_eq!(rig.handle(&[("a", 3)]).await, report(None, 1, 0, 0));
    assert_eq!(rig.met(), [1, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn while_the_lease_table_is_away_nothing_is_handled_and_all_comes_again() {
    let link = Link::faulty(1, 100, Duration::ZERO);
    let rig = Rig::new(&Memory::default(), &link, Script::new());
    assert_eq!(
        rig.handle(&[("a", 7), ("b", 8)]).await,
        report(Some("7"), 0, 0, 2)
    );
    assert_eq!(
        rig.met(),
        Vec::<u64>::new(),
        "an item with parked records might have been overtaken"
    );
}

#[tokio::test(start_paused = true)]
async fn when_the_time_is_up_what_is_not_finished_is_told() {
    let rig = Rig::new(&Memory::default(), &Link::sound(), Script::new());
    let stop = CancellationToken::new();
    let records: Vec<_> = (1..=3).map(|number| record("a", number)).collect();
    let end = async {
        tokio::time::sleep(Duration::from_millis(15)).await;
        stop.cancel();
    };
    let (ended, ()) = tokio::join!(handle(&rig.shared, records, &stop), end);
    assert_eq!(ended, report(Some("2"), 1, 0, 2));
    assert_eq!(rig.met(), [1, 2]);
}

#[tokio::test(start_paused = true)]
async fn an_empty_batch_is_nothing_to_do() {
    let rig = Rig::new(&Memory::default(), &Link::sound(), Script::new());
    assert_eq!(rig.handle(&[]).await, BatchReport::default());
}
