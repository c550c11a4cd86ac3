//! The coordinator under events and moments made by hand.

use std::time::Duration;

use super::*;
use crate::error::Error;
use crate::internal::samples::{free_lease, heartbeat, owned_lease, shard};
use crate::lease::{Heartbeat, View};

struct Rig {
    coordinator: Coordinator,
    now: Instant,
}

impl Rig {
    /// A worker `a` whose first heartbeat is accepted and that has read an empty lease table and listed the shards.
    fn new() -> Self {
        let mut rig = Self::starting();
        rig.send(Event::Tick);
        rig.send(beat_written(1));
        rig.view(Vec::new(), &["a"]);
        rig.send(Event::ShardsListed(Ok(())));
        rig.view(Vec::new(), &["a"]);
        rig
    }

    fn starting() -> Self {
        let now = Instant::now();
        let coordinator = Coordinator::new(Settings::default(), "a".to_owned(), now);
        Self { coordinator, now }
    }

    fn send(&mut self, event: Event) -> Vec<String> {
        let commands = self.coordinator.step(event, self.now);
        commands.iter().map(name).collect()
    }

    /// Lets time pass, with a tick whenever one is due; returns the commands with the seconds from now.
    fn pass(&mut self, seconds: u64) -> Vec<(u64, String)> {
        let (began, until) = (self.now, self.now + Duration::from_secs(seconds));
        let mut all = Vec::new();
        while let Some(at) = self.coordinator.wake_at().filter(|at| *at <= until) {
            self.now = self.now.max(at);
            let passed = (self.now - began).as_secs();
            let commands = self.send(Event::Tick);
            let ended = commands.iter().any(|command| command == "end");
            all.extend(commands.into_iter().map(|command| (passed, command)));
            if ended {
                return all;
            }
        }
        self.now = until;
        all
    }

    fn view(&mut self, leases: Vec<Lease>, workers: &[&str]) -> Vec<String> {
        let heartbeats: Vec<Heartbeat> =
            workers.iter().map(|worker| heartbeat(worker, 1)).collect();
        self.send(Event::Viewed(Ok(View {
            leases,
            heartbeats,
            streams: Vec::new(),
        })))
    }

    /// Reads the lease table as soon as it is due.
    fn next_view(&mut self, leases: Vec<Lease>, workers: &[&str]) -> Vec<String> {
        self.coordinator.view.due = self.now;
        assert_eq!(self.send(Event::Tick), ["view"]);
        self.view(leases, workers)
    }

    /// Takes the shards and begins to read them.
    fn hold(&mut self, ids: &[&str]) {
        self.next_view(ids.iter().map(|id| free_lease(id)).collect(), &["a"]);
        for id in ids {
            assert_eq!(self.send(taken(id)), [format!("read {id}")]);
        }
    }
}

fn beat_written(beat: u64) -> Event {
    let result = Ok(());
    Event::HeartbeatWritten { beat, result }
}

fn taken(id: &str) -> Event {
    Event::Taken {
        shard: shard(id),
        result: Ok(owned_lease(id, "a", 1)),
    }
}

fn ended(id: &str, exit: Exit) -> Event {
    Event::ShardEnded {
        shard: shard(id),
        exit,
    }
}

fn unavailable() -> Error {
    Error::unavailable("PutItem", "no answer")
}

fn name(command: &Command) -> String {
    match command {
        Command::WriteHeartbeat { beat, joins: true } => format!("join {beat}"),
        Command::WriteHeartbeat { beat, joins: false } => format!("beat {beat}"),
        Command::View => "view".to_owned(),
        Command::Take(lease) => format!("take {}", lease.shard.shard_id),
        Command::RequestHandover(lease) => format!("request {}", lease.shard.shard_id),
        Command::RemoveDeadWorker { worker, beat } => format!("remove {worker} {beat}"),
        Command::ListShards => "list".to_owned(),
        Command::ListChildren(shard) => format!("children {}", shard.shard_id),
        Command::Read(lease) => format!("read {}", lease.shard.shard_id),
        Command::Stop { shard, handover_to } => {
            let to = handover_to.as_deref().unwrap_or("anybody");
            format!("stop {} for {to}", shard.shard_id)
        }
        Command::GiveUp(shard) => format!("give up {}", shard.shard_id),
        Command::Leave => "leave".to_owned(),
        Command::Fail(_) => "fail".to_owned(),
        Command::End => "end".to_owned(),
    }
}

#[test]
fn a_start_writes_a_heartbeat_then_reads_the_lease_table_then_lists_the_shards() {
    let mut rig = Rig::starting();
    assert_eq!(rig.send(Event::Tick), ["join 1"]);
    assert_eq!(rig.send(beat_written(1)), ["view"]);
    assert_eq!(rig.view(Vec::new(), &["a"]), ["list"]);
    assert_eq!(rig.send(Event::ShardsListed(Ok(()))), ["view"]);
}

#[test]
fn a_start_that_fails_ends_the_run_and_leaves_no_heartbeat() {
    let mut rig = Rig::starting();
    rig.send(Event::Tick);
    let result = Err(unavailable());
    let failed = rig.send(Event::HeartbeatWritten { beat: 1, result });
    assert_eq!(failed, ["fail", "leave"]);
    assert_eq!(rig.send(Event::Left(Ok(()))), ["end"]);

    let mut rig = Rig::starting();
    rig.send(Event::Tick);
    rig.send(beat_written(1));
    assert_eq!(
        rig.send(Event::Viewed(Err(unavailable()))),
        ["fail", "leave"]
    );
}

#[test]
fn an_ended_shard_and_a_shutdown_are_heard_while_every_call_stalls() {
    let mut rig = Rig::new();
    rig.hold(&["s-1", "s-2"]);
    rig.next_view(vec![free_lease("s-3"), owned_lease("s-1", "a", 1)], &["a"]);
    rig.coordinator.view.due = rig.now;
    assert_eq!(rig.send(Event::Tick), ["view"]);
    // A view, a take and, from now on, a listing are in flight.
    assert_eq!(rig.send(ended("s-2", Exit::Finished)), ["children s-2"]);
    assert_eq!(rig.send(Event::Shutdown), ["stop s-1 for anybody"]);
}

#[test]
fn a_handover_is_heard_while_a_take_stalls() {
    let mut rig = Rig::new();
    rig.hold(&["s-1"]);
    let mut asked = owned_lease("s-1", "a", 1);
    asked.handover_to = Some("b".to_owned());
    let commands = rig.next_view(vec![asked.clone(), free_lease("s-2")], &["a", "b"]);
    assert_eq!(commands, ["stop s-1 for b", "take s-2"]);
    let again = rig.next_view(vec![asked, free_lease("s-2")], &["a", "b"]);
    assert_eq!(again, [""; 0], "once is enough");
}

#[test]
fn the_worker_leaves_only_after_its_heartbeat_in_flight_is_answered() {
    let mut rig = Rig::new();
    rig.hold(&["s-1"]);
    let beat = rig.pass(10);
    assert!(beat.contains(&(10, "beat 2".to_owned())), "{beat:?}");
    rig.send(Event::Shutdown);
    assert_eq!(rig.send(ended("s-1", Exit::Released)), [""; 0]);
    assert_eq!(rig.send(beat_written(2)), ["leave"]);
    assert_eq!(rig.pass(4), [], "no heartbeat follows");
    assert_eq!(rig.send(Event::Left(Err(unavailable()))), ["end"]);
}

#[test]
fn a_drain_that_nothing_answers_ends_after_the_shutdown_timeout_and_the_last_writes() {
    let mut rig = Rig::new();
    rig.hold(&["s-1"]);
    rig.send(Event::Shutdown);
    let commands = rig.pass(60);
    assert_eq!(commands.last(), Some(&(25, "end".to_owned())));

    let mut idle = Rig::new();
    assert_eq!(idle.send(Event::Shutdown), ["leave"]);
    assert_eq!(idle.pass(60), [(5, "end".to_owned())]);
}

#[test]
fn a_take_that_is_answered_during_the_drain_is_released() {
    let mut rig = Rig::new();
    assert_eq!(rig.next_view(vec![free_lease("s-1")], &["a"]), ["take s-1"]);
    assert_eq!(rig.send(Event::Shutdown), [""; 0]);
    let commands = rig.send(taken("s-1"));
    assert_eq!(commands, ["read s-1", "stop s-1 for anybody"]);
}

#[test]
fn what_is_taken_while_the_heartbeat_expires_is_not_read() {
    let mut rig = Rig::new();
    rig.next_view(vec![free_lease("s-1")], &["a"]);
    rig.pass(20);
    assert!(!rig.coordinator.heartbeats.is_valid());
    assert_eq!(rig.send(taken("s-1")), [""; 0]);
    let beat = rig.coordinator.heartbeats.clone();
    rig.send(beat_written(3));
    assert!(rig.coordinator.heartbeats.is_valid(), "{beat:?}");
    let mine = vec![owned_lease("s-1", "a", 1)];
    rig.send(Event::Viewed(Err(unavailable())));
    assert_eq!(rig.next_view(mine, &["a"]), ["take s-1"], "and taken again");
}

#[test]
fn takes_run_side_by_side_up_to_their_limit() {
    let mut rig = Rig::new();
    let leases = (0..20).map(|n| free_lease(&format!("s-{n}"))).collect();
    assert_eq!(rig.next_view(leases, &["a"]).len(), 16);
    let commands = rig.send(taken("s-9"));
    assert_eq!(commands, ["read s-9", "take s-11"]);
}

#[test]
fn a_request_survives_a_view_that_is_older_than_it() {
    let mut rig = Rig::new();
    let leases = || vec![owned_lease("s-1", "b", 1), owned_lease("s-2", "b", 1)];
    let request = ["request s-2"];
    assert_eq!(rig.next_view(leases(), &["a", "b"]), request);
    assert_eq!(rig.next_view(leases(), &["a", "b"]), [""; 0], "in flight");
    rig.coordinator.view.due = rig.now;
    assert_eq!(rig.send(Event::Tick), ["view"]);
    let (shard, result) = (shard("s-2"), Ok(()));
    rig.send(Event::HandoverRequested { shard, result });
    assert_eq!(rig.view(leases(), &["a", "b"]), [""; 0], "an older view");
    assert_eq!(rig.next_view(leases(), &["a", "b"]), request, "a newer one");
}

#[test]
fn the_fence_is_lowered_when_a_heartbeat_is_not_answered_in_time() {
    let mut rig = Rig::new();
    rig.hold(&["s-1"]);
    let commands = rig.pass(60);
    let given_up: Vec<_> = commands
        .iter()
        .filter(|(_, command)| command.starts_with("give up"))
        .collect();
    assert_eq!(given_up, [&(20, "give up s-1".to_owned())]);
    assert!(!rig.coordinator.heartbeats.is_valid());
    let beats = commands
        .iter()
        .filter(|(_, command)| command.starts_with("beat"));
    let beats: Vec<u64> = beats.map(|(second, _)| *second).collect();
    assert_eq!(beats, [10, 20, 30, 40, 50, 60], "and it goes on trying");
    rig.send(beat_written(7));
    assert!(rig.coordinator.heartbeats.is_valid());
}

#[test]
fn the_fence_stays_raised_while_heartbeats_are_answered() {
    let mut rig = Rig::new();
    for beat in 2..10 {
        rig.pass(10);
        assert!(rig.coordinator.heartbeats.is_valid());
        rig.send(beat_written(beat));
    }
}

#[test]
fn a_worker_that_was_removed_for_dead_joins_again() {
    let mut rig = Rig::new();
    rig.pass(10);
    let result = Err(Error::Fenced);
    let commands = rig.send(Event::HeartbeatWritten { beat: 2, result });
    assert_eq!(commands, ["join 3"]);
}

#[test]
fn searches_for_children_and_a_full_listing_run_side_by_side() {
    let mut rig = Rig::new();
    rig.hold(&["s-1", "s-2"]);
    let ended_first = rig.send(ended("s-1", Exit::Finished));
    assert_eq!(ended_first, ["view", "children s-1"]);
    rig.view(vec![owned_lease("s-2", "a", 1)], &["a"]);
    let ended_second = rig.send(ended("s-2", Exit::Finished));
    assert_eq!(ended_second, ["view", "children s-2"]);
    let commands = rig.pass(60);
    assert!(commands.contains(&(60, "list".to_owned())), "{commands:?}");
}
