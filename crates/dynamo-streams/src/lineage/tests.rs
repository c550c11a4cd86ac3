use super::*;
use crate::internal::samples::{STREAM, epoch_time, free_lease};

fn listed(id: &str, parent: Option<&str>) -> ListedShard {
    ListedShard {
        id: id.to_owned(),
        parent: parent.map(str::to_owned),
        first_sequence_number: None,
    }
}

fn stream(label: &str, seeded: bool, drained: bool) -> StreamEntry {
    let prefix = STREAM.rsplit_once('/').unwrap().0;
    StreamEntry {
        stream_arn: format!("{prefix}/{label}"),
        start: Checkpoint::Since(epoch_time(0)),
        seeded,
        drained,
    }
}

fn finished(id: &str, hours: i64) -> Lease {
    let mut lease = free_lease(id);
    lease.finished_at = Some(epoch_time(0) - TimeDelta::hours(hours));
    lease
}

fn known(leases: &[Lease]) -> BTreeMap<&str, &Lease> {
    leases
        .iter()
        .map(|lease| (lease.shard.shard_id.as_str(), lease))
        .collect()
}

fn grown(
    seeded: bool,
    listing: &[ListedShard],
    leases: &[Lease],
) -> (Vec<(String, Checkpoint, bool)>, usize) {
    let timed_out = |_: &ListedShard| true;
    let new = new_leases(
        &stream("1", seeded, false),
        listing,
        &known(leases),
        timed_out,
        epoch_time(0),
    );
    let leases = new.leases.into_iter().map(|lease| {
        let finished = lease.is_finished();
        (lease.shard.shard_id, lease.checkpoint, finished)
    });
    (leases.collect(), new.orphans.len())
}

#[test]
fn at_the_first_start_a_parent_younger_than_a_listed_shard_is_late_and_an_older_one_trimmed() {
    let listing = [listed("2", Some("1")), listed("4", Some("3"))];
    let never = |_: &ListedShard| false;
    let new = new_leases(
        &stream("1", false, false),
        &listing,
        &known(&[]),
        never,
        epoch_time(0),
    );
    let made: Vec<_> = new
        .leases
        .iter()
        .map(|lease| lease.shard.shard_id.as_str())
        .collect();
    assert_eq!((made, new.waiting), (vec!["2"], vec![listing[1].clone()]));
}

#[test]
fn a_shard_that_is_listed_before_its_parent_waits_for_it_with_its_descendants() {
    let listing = [
        listed("d", Some("late")),
        listed("e", Some("d")),
        listed("other", None),
    ];
    let never = |_: &ListedShard| false;
    let new = new_leases(
        &stream("1", true, false),
        &listing,
        &known(&[]),
        never,
        epoch_time(0),
    );
    let made: Vec<_> = new
        .leases
        .iter()
        .map(|lease| lease.shard.shard_id.as_str())
        .collect();
    assert_eq!(
        (made, new.orphans.len(), new.waiting),
        (vec!["other"], 0, vec![listing[0].clone()])
    );
}

#[test]
fn children_always_start_at_their_oldest_record() {
    let listing = [listed("p", None), listed("c", Some("p"))];
    let (leases, orphans) = grown(true, &listing, &[finished("p", 0)]);
    assert_eq!(leases, [("c".to_owned(), Checkpoint::TrimHorizon, false)]);
    assert_eq!(orphans, 0);
}

#[test]
fn at_the_first_ever_start_at_latest_an_open_parent_that_has_children_is_closed() {
    let listing = [
        listed("a-child", Some("parent")),
        listed("parent", None),
        listed("root", None),
    ];
    let (leases, orphans) = grown(false, &listing, &[]);
    let since = Checkpoint::Since(epoch_time(0));
    assert_eq!(
        leases,
        [
            ("parent".to_owned(), since.clone(), true),
            ("a-child".to_owned(), since.clone(), false),
            ("root".to_owned(), since, false),
        ]
    );
    assert_eq!(orphans, 0);
}

#[test]
fn an_unseen_parent_of_a_late_shard_is_a_gap_but_not_at_the_first_ever_start() {
    let listing = [listed("d", Some("an-unseen-one"))];
    assert_eq!(grown(true, &listing, &[]).1, 1);
    assert_eq!(grown(false, &listing, &[]).1, 0);
    assert_eq!(grown(true, &listing, &[finished("an-unseen-one", 1)]).1, 0);
}

#[test]
fn leases_are_made_parents_first_however_the_shards_are_listed() {
    let listing = [
        listed("a", Some("b")),
        listed("b", Some("c")),
        listed("c", None),
    ];
    let (leases, _) = grown(true, &listing, &[]);
    let order: Vec<_> = leases.into_iter().map(|(id, ..)| id).collect();
    assert_eq!(order, ["c", "b", "a"]);
}

fn ready_ids(leases: &[Lease], streams: &[StreamEntry]) -> Vec<String> {
    ready(leases, streams)
        .into_iter()
        .map(|lease| lease.shard.shard_id.clone())
        .collect()
}

#[test]
fn a_child_is_ready_once_its_parent_is_finished_or_absent() {
    let mut child = free_lease("c");
    child.parents = vec!["p".to_owned()];
    assert_eq!(ready_ids(&[free_lease("p"), child.clone()], &[]), ["p"]);
    assert_eq!(ready_ids(&[finished("p", 0), child.clone()], &[]), ["c"]);
    assert_eq!(ready_ids(&[child], &[]), ["c"]);
}

#[test]
fn a_child_of_several_parents_is_ready_once_all_of_them_are_finished() {
    let mut child = free_lease("c");
    child.parents = vec!["p".to_owned(), "q".to_owned()];
    let one = [finished("p", 0), free_lease("q"), child.clone()];
    assert_eq!(ready_ids(&one, &[]), ["q"]);
    let both = [finished("p", 0), finished("q", 0), child];
    assert_eq!(ready_ids(&both, &[]), ["c"]);
}

#[test]
fn a_re_enabled_stream_waits_until_the_old_one_is_drained() {
    let lease = |label: &str| {
        let mut lease = free_lease(label);
        lease.shard.stream_arn = stream(label, true, false).stream_arn;
        lease
    };
    let leases = [lease("1"), lease("2")];
    let streams = |drained| [stream("1", true, drained), stream("2", true, false)];
    assert_eq!(ready_ids(&leases, &streams(false)), ["1"]);
    assert_eq!(ready_ids(&leases[1..], &streams(true)), ["2"]);
}

#[test]
fn a_new_application_reads_the_newest_stream_and_an_old_one_all_it_has_not_finished() {
    let arns: Vec<String> = ["1", "2", "3"]
        .map(|label| stream(label, true, false).stream_arn)
        .into();
    assert_eq!(relevant(&arns, &[]), arns[2..]);
    assert_eq!(relevant(&arns[1..], &[&stream("1", true, false)]), arns);
    assert_eq!(relevant(&arns, &[&stream("2", true, false)]), arns[1..]);
    assert!(relevant(&[], &[]).is_empty());
}

#[test]
fn a_stream_is_drained_when_every_listed_shard_has_a_finished_lease() {
    let listing = [listed("p", None), listed("c", Some("p"))];
    assert!(
        !is_drained(&listing, &known(&[finished("p", 1)])),
        "the child has no lease yet"
    );
    assert!(!is_drained(
        &listing,
        &known(&[finished("p", 1), free_lease("c")])
    ));
    assert!(is_drained(
        &listing,
        &known(&[finished("p", 1), finished("c", 1)])
    ));
    assert!(
        is_drained(&[], &known(&[finished("p", 1)])),
        "the stream is gone"
    );
}

#[test]
fn finished_shards_are_remembered_for_48_hours_and_as_long_as_they_are_listed() {
    let leases = [
        finished("fresh", 47),
        finished("listed", 50),
        finished("old", 48),
        free_lease("open"),
    ];
    let listing = [listed("listed", None)];
    let gone = forgettable(&listing, &known(&leases), epoch_time(0));
    let gone: Vec<_> = gone
        .iter()
        .map(|lease| lease.shard.shard_id.as_str())
        .collect();
    assert_eq!(gone, ["old"]);
}

#[test]
fn a_child_that_is_found_late_has_been_unread_since_its_parent_ended() {
    let leases = [finished("1", 30), free_lease("2")];
    let listing = [listed("3", Some("1")), listed("4", Some("2"))];
    let (stream, known) = (stream("1", true, false), known(&leases));
    let new = new_leases(&stream, &listing, &known, |_| true, epoch_time(0));
    let unread_since: Vec<_> = new.leases.iter().map(|it| it.checkpointed_at).collect();
    let ended = epoch_time(0) - TimeDelta::hours(30);
    assert_eq!(unread_since, [ended, epoch_time(0)]);
}
