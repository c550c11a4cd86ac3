//! Whole lives of students and their courses, made up at random.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::World;
use crate::samples::{NOW, THURSDAYS, at, contact, envelope, merged};
use crate::{Command, Outcome, Reason, Timestamp};

const DAILY: &str = "DTSTART;TZID=America/New_York:20261028T013000\nRRULE:FREQ=DAILY;COUNT=12";

#[derive(Debug, Clone)]
enum Step {
    Send {
        which: usize,
        student: usize,
        course: usize,
        session: u16,
        actor: usize,
        twist: i64,
    },
    /// A command that was sent is delivered once more.
    Redeliver(usize),
    /// Its id is used for another command.
    Reuse(usize),
    /// The next record of an item is reacted to, with a crash after so many writes.
    React {
        item: usize,
        writes: usize,
    },
    Rewind(usize),
    Retry,
    Wait {
        hours: i64,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let send = (
        0_usize..7,
        0_usize..2,
        0_usize..2,
        1_u16..=4,
        0_usize..8,
        0_i64..100,
    );
    prop_oneof![
        8 => send.prop_map(|(which, student, course, session, actor, twist)| {
            Step::Send { which, student, course, session, actor, twist }
        }),
        1 => any::<usize>().prop_map(Step::Redeliver),
        1 => any::<usize>().prop_map(Step::Reuse),
        8 => (any::<usize>(), 0_usize..8).prop_map(|(item, writes)| Step::React { item, writes }),
        1 => any::<usize>().prop_map(Step::Rewind),
        1 => Just(Step::Retry),
        2 => (0_i64..100).prop_map(|hours| Step::Wait { hours }),
    ]
}

/// The world, the clock and what was sent so far.
struct Life {
    world: World,
    now: Timestamp,
    sent: Vec<(Value, Timestamp)>,
}

impl Life {
    /// A world with two courses, for which everybody has applied.
    fn new() -> Self {
        let mut life = Self {
            world: World::default(),
            now: at(NOW),
            sent: Vec::new(),
        };
        life.send(
            "course.create",
            json!({"course_id": "oils", "cost": 100, "duration": 3, "schedule": THURSDAYS}),
        );
        life.send(
            "course.create",
            json!({"course_id": "inks", "cost": 1, "duration": 2, "schedule": DAILY}),
        );
        for (student, course) in [("ada", "oils"), ("ada", "inks"), ("bob", "oils")] {
            life.send(
                "course.apply",
                json!({"user_id": student, "course_id": course, "contact_info": contact()}),
            );
        }
        life
    }

    fn send(&mut self, event_type: &str, data: Value) {
        let id = json!({"id": format!("cmd-{}", self.sent.len())});
        self.sent
            .push((merged(envelope(event_type, data), id), self.now));
        self.deliver(self.sent.len() - 1);
    }

    fn deliver(&mut self, n: usize) {
        let (body, sent) = &self.sent[n % self.sent.len()];
        let command = Command::parse(&body.to_string()).expect("a command");
        self.world
            .handle(command, *sent)
            .expect("the command of this id");
    }

    /// Delivers another command with an id that was used.
    fn reuse(&mut self, n: usize) {
        let (body, sent) = &self.sent[n % self.sent.len()];
        let other = merged(
            body["data"].clone(),
            json!({"actor": {"type": "admin", "id": "another"}}),
        );
        let command = Command::parse(&merged(body.clone(), json!({"data": other})).to_string())
            .expect("a command");
        let id = (command.metadata.source.clone(), command.metadata.id.clone());
        if self.world.receipts.contains_key(&id) {
            let defect = self
                .world
                .handle(command, *sent)
                .expect_err("the id is used");
            assert_eq!(defect.reason, Reason::CommandIdReused);
        }
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Send {
                which,
                student,
                course,
                session,
                actor,
                twist,
            } => {
                let (student, course) = (["ada", "bob"][*student], ["oils", "inks"][*course]);
                let (event_type, data) = self.command(*which, student, course, *session, *twist);
                let actor = match actor {
                    0 => json!({"type": "student", "id": "bob"}),
                    1 => json!({"type": "student", "id": student}),
                    2 => json!({"type": "instructor", "id": "eve"}),
                    _ => json!({"type": "system", "id": "web"}),
                };
                self.send(event_type, merged(data, json!({"actor": actor})));
            }
            Step::Redeliver(n) => self.deliver(*n),
            Step::Reuse(n) => self.reuse(*n),
            Step::React { item, writes } => self.world.react_to(*item, *writes),
            Step::Rewind(item) => self.world.streams.rewind(*item),
            Step::Retry => self.world.retry(),
            Step::Wait { hours } => self.wait(*hours),
        }
        self.world.assert_sound();
    }

    fn wait(&mut self, hours: i64) {
        self.now = self.now.minus(TimeDelta::hours(-hours));
    }

    fn command(
        &self,
        which: usize,
        student: &str,
        course: &str,
        session: u16,
        twist: i64,
    ) -> (&'static str, Value) {
        let who = json!({"user_id": student, "course_id": course});
        let target = merged(who.clone(), json!({"session_id": session.to_string()}));
        match which {
            0 => {
                let open = if twist < 80 {
                    json!({"open": true})
                } else {
                    json!({"open": false})
                };
                let changes = json!({"course_id": course, "expected_version": null, "cost": twist * 7, "duration": twist % 3 + 1,
                    "currency": null, "schedule": if twist % 2 == 0 { THURSDAYS } else { DAILY }});
                ("course.update", merged(changes, open))
            }
            1 => (
                "course.apply",
                merged(who, json!({"contact_info": contact()})),
            ),
            2 | 3 => {
                let amount = if twist < 10 {
                    json!(twist)
                } else {
                    json!(null)
                };
                let fields = json!({"amount": amount, "reference": format!("pay-{}", twist % 2), "first_session_after": null});
                ("payment.confirm", merged(who, fields))
            }
            4 => ("session.attend", target),
            5 => ("session.skip", target),
            _ => {
                let new_date = self.now.minus(TimeDelta::hours(24 - twist * 5));
                (
                    "session.reschedule",
                    merged(target, json!({"new_session_date": new_date})),
                )
            }
        }
    }
}

proptest! {
    #[test]
    fn any_sequence_of_commands_keeps_the_invariants(steps in prop::collection::vec(step(), 0..150)) {
        let mut life = Life::new();
        for step in &steps {
            life.take(step);
        }
        life.world.settle();
        for n in 0..life.sent.len() {
            life.deliver(n);
        }
        prop_assert_eq!(life.world.outcomes.len(), life.sent.len(), "each command has its outcome");
        life.world.sweep();
        life.world.settle();
    }
}

proptest! {
    #[test]
    fn whatever_the_stream_loses_is_repaired_by_a_sweep(
        parts in prop::collection::vec(prop::collection::vec(step(), 0..40), 1..5),
    ) {
        let mut life = Life::new();
        for steps in &parts {
            for step in steps {
                life.take(step);
            }
            life.world.lose_records();
        }
        life.world.reconcile();
        prop_assert_eq!(life.world.violations(), []);
        life.world.assert_told(&["application.received"]);
    }
}

#[test]
fn a_life_with_everything_in_it_is_told_from_beginning_to_end() {
    let mut life = Life::new();
    let of_ada = |fields: Value| merged(json!({"user_id": "ada", "course_id": "oils"}), fields);
    life.send(
        "payment.confirm",
        of_ada(json!({"amount": 100, "first_session_after": null})),
    );
    life.send("session.attend", of_ada(json!({"session_id": "0001"})));
    assert_eq!(
        life.world.waiting.len(),
        1,
        "it has come before its session"
    );
    life.world.settle();
    life.send("session.reschedule", of_ada(json!({"session_id": "0003"})));
    life.send("session.skip", of_ada(json!({"session_id": "0003"})));
    life.send("session.attend", of_ada(json!({"session_id": "0002"})));
    life.world.settle();
    let told: BTreeSet<_> = life
        .world
        .notifications
        .values()
        .map(|event| event.r#type.as_str())
        .collect();
    let expected = [
        "com.digitalarthouse.application.received.v1",
        "com.digitalarthouse.course.completed.v1",
        "com.digitalarthouse.payment.confirmed.v1",
        "com.digitalarthouse.session.attended.v1",
        "com.digitalarthouse.session.rescheduled.v1",
        "com.digitalarthouse.session.skipped.v1",
        "com.digitalarthouse.sessions.scheduled.v1",
    ];
    assert_eq!(told.into_iter().collect::<Vec<_>>(), expected);
    assert!(
        life.world
            .receipts
            .values()
            .all(|receipt| receipt.outcome == Outcome::Applied)
    );
    let balances: Vec<_> = life
        .world
        .enrollments
        .values()
        .map(|paid| (paid.balance, paid.sessions_remaining))
        .collect();
    assert_eq!(balances, [(crate::Amount::ZERO, 1)]);
    life.world.sweep();
}
