//! What sweeps over the tables read, counted in read units: half a unit for an item that is read eventually consistent, one for an item that is read
//! consistently, and two in a transaction. All items are under 4 KB.

use arthouse::{Clients, Names, Stack, local_settings};
use arthouse_tests::{Event, World, course, student};
use arthouse_worker::{AuditOptions, ReconcileOptions, audit_tables};
use tokio_util::sync::CancellationToken;

use crate::relay::{Call, Relay};

const SESSIONS: u32 = 4;

/// A stack with one student who has attended all sessions, one who has attended one, and one who has none yet; and a connection that counts.
struct School {
    world: World,
    relay: Relay,
    stack: Stack,
}

/// What a sweep has read.
#[derive(Debug, PartialEq)]
struct Read {
    /// Read units of items that were read by their keys.
    units: f64,
    /// Scans, and how many of them were consistent.
    scans: (usize, usize),
}

impl School {
    async fn new() -> Self {
        let world = World::start().await;
        let oils = course("oils", 1_000, SESSIONS);
        world.apply(&Event::new("course.create", oils)).await;
        for (name, attended) in [("ada", SESSIONS), ("bea", 1), ("eve", 0)] {
            let student = student(name, "oils");
            world.apply(&student.applies()).await;
            world.apply(&student.pays(name)).await;
            for session in 1..=attended {
                world.apply(&student.attends(session)).await;
            }
        }
        assert_eq!(world.settled().await, []);
        let endpoint = world.environment();
        let endpoint = endpoint
            .iter()
            .find(|(name, _)| *name == "AWS_ENDPOINT_URL");
        let relay = Relay::to(&endpoint.expect("an endpoint").1).await;
        let names: Names = world.stack.names.clone();
        let stack = Stack::find(Clients::for_endpoint(&relay.endpoint), names).await;
        let stack = stack.expect("the stack is there");
        relay.take_calls();
        Self {
            world,
            relay,
            stack,
        }
    }

    async fn audit(&self, incremental: bool) -> Read {
        let options = AuditOptions {
            segments: std::num::NonZeroU16::MIN,
            incremental,
            ..AuditOptions::default()
        };
        let report = audit_tables(&self.stack.store, &options, &()).await;
        let report = report.expect("an answer");
        assert_eq!((report.violated, report.pending), (0, 0));
        assert_eq!(report.counts.enrollments, 3);
        self.read()
    }

    async fn reconcile(&self, incremental: bool) -> Read {
        let reconciler = self.stack.reconciler(&local_settings()).expect("a name");
        let options = ReconcileOptions {
            incremental,
            ..ReconcileOptions::default()
        };
        let stop = CancellationToken::new();
        let report = reconciler.run(&options, &(), &stop).await;
        let report = report.expect("an answer");
        assert!(report.finished);
        assert_eq!(report.counts.students, 3);
        self.read()
    }

    fn read(&self) -> Read {
        let calls = self.relay.take_calls();
        let of = |operation: &str| {
            let calls = calls.iter().filter(|call| call.operation == operation);
            calls.cloned().collect::<Vec<_>>()
        };
        let consistent = |call: &&Call| call.body["ConsistentRead"] == true;
        let scans = of("Scan");
        assert_eq!(of("TransactGetItems").len(), 0);
        Read {
            units: of("BatchGetItem").iter().map(units).sum(),
            scans: (scans.len(), scans.iter().filter(consistent).count()),
        }
    }
}

fn units(call: &Call) -> f64 {
    let tables = call.body["RequestItems"].as_object().expect("tables");
    let each = tables.values().map(|of| {
        let keys = of["Keys"].as_array().expect("keys").len();
        let unit = if of["ConsistentRead"] == true {
            1.0
        } else {
            0.5
        };
        unit * f64::from(u32::try_from(keys).expect("few"))
    });
    each.sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incremental_sweep_reads_half_a_unit_for_each_session_that_is_not_done_with() {
    let school = School::new().await;
    let all = 3.0 * f64::from(SESSIONS);
    let table = |consistent| (1, consistent);
    // The sessions of enrolments that are not complete; what has its charge needs no repair.
    let read = Read {
        units: 0.5 * 2.0 * f64::from(SESSIONS),
        scans: table(0),
    };
    assert_eq!(school.audit(true).await, read);
    let read = Read {
        units: 0.5 * (2.0 * f64::from(SESSIONS) - 1.0),
        scans: table(0),
    };
    assert_eq!(school.reconcile(true).await, read);
    // A full one looks at everything; what looks right is not read consistently by an audit.
    let read = Read {
        units: 0.5 * all,
        scans: (4, 0),
    };
    assert_eq!(school.audit(false).await, read);
    let read = Read {
        units: all,
        scans: table(1),
    };
    assert_eq!(school.reconcile(false).await, read);
    drop(school.relay);
    school.world.stop().await;
}
