//! A whole simulated deployment: the services, the processes, the systems upstream, and the auditor.

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::time::Duration;

use arthouse::{Names, Stack};
use arthouse_worker::QueueUrls;
use serde_json::json;

use crate::audit::{Auditor, Finding, Toll};
use crate::aws::{Adversity, ApiCall, Aws};
use crate::clock::ProcessClock;
use crate::connector::Connector;
use crate::fault::{LATEST_ARRIVAL, Plan};
use crate::network::{Met, Network, Trace};
use crate::node::{Node, Post, Role, clients};
use crate::operator::{Errand, Operator};
use crate::school::Command;
use crate::zoo::Bug;

/// The shortest and the longest step: processes see each other's doings after at most one.
const STEP: (Duration, Duration) = (Duration::from_millis(2), Duration::from_millis(128));
/// How long what is under way may take to come to an end once nothing goes wrong any more. A message that was received and
/// lost comes back after half a minute, one that failed often only after a quarter of an hour.
const SETTLING: Duration = Duration::from_secs(45 * 60);

/// What a simulation is made of.
#[derive(Clone, Debug, Default)]
pub(crate) struct Setup {
    pub(crate) seed: u64,
    pub(crate) workers: u32,
    pub(crate) processors: u32,
    pub(crate) plan: Plan,
    pub(crate) adversity: Adversity,
    /// Whether the stream processors repair the gaps that they find.
    pub(crate) repairs: bool,
    /// What an operator does beside all this.
    pub(crate) errand: Option<Errand>,
    pub(crate) bug: Option<Bug>,
    pub(crate) traced: bool,
}

/// What came of a simulation.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    pub(crate) findings: Vec<Finding>,
    pub(crate) calls: BTreeMap<u32, u64>,
    pub(crate) met: Met,
    pub(crate) struck: BTreeMap<crate::aws::Behaviour, u64>,
    pub(crate) trace: Trace,
    pub(crate) lasted: Duration,
    /// What the streams have lost.
    pub(crate) toll: Toll,
    /// How often an operator's reconciliation was gone on with.
    pub(crate) resumed: u32,
}

pub(crate) struct World {
    pub(crate) network: Network,
    pub(crate) nodes: Vec<Node>,
    pub(crate) now: Duration,
    step: Duration,
    calls: u64,
    rng: fastrand::Rng,
    queues: QueueUrls,
    operator: Option<Operator>,
}

impl World {
    /// Provisions a deployment, at which nothing goes wrong, and starts its processes.
    pub(crate) fn new(setup: Setup) -> Self {
        let mut shards = Adversity::none();
        shards.shards = setup.adversity.shards;
        let aws = Aws::new(setup.seed, shards);
        let trace = if setup.traced {
            Trace::full()
        } else {
            Trace::default()
        };
        let auditor = if setup.repairs {
            Auditor::of_sweeps(&aws)
        } else {
            Auditor::default()
        };
        let network = Network::new(aws, auditor, Plan::None, setup.bug, setup.seed, trace);
        let queues = provision(&network.aws);
        fastrand::seed(setup.seed);
        network.plan(setup.plan);
        network.aws.set_adversity(setup.adversity);
        let roles = (0..setup.workers).map(|_| Role::Worker);
        let roles = roles.chain((0..setup.processors).map(|_| Role::Streams));
        let roles = roles.chain(setup.errand.map(|_| Role::Operator));
        let operator = setup.errand.map(Operator::new);
        let post = |(id, role)| Post {
            id,
            role,
            bug: setup.bug,
            repairs: setup.repairs,
            operator: operator.clone().filter(|_| role == Role::Operator),
        };
        let posts = (1..).zip(roles).map(post);
        let nodes = posts.map(|post| Node::new(post, network.clone())).collect();
        Self {
            network,
            nodes,
            now: Duration::ZERO,
            step: STEP.0,
            calls: 0,
            rng: fastrand::Rng::with_seed(setup.seed ^ 0x776f_726c),
            queues,
            operator,
        }
    }

    /// Lets a moment pass: every process runs through it, in an order that changes.
    pub(crate) fn step(&mut self) {
        let to = self.now + self.step;
        let first = self.rng.usize(0..self.nodes.len().max(1));
        self.network.arrive(self.now);
        for at in 0..self.nodes.len() {
            let at = (first + at) % self.nodes.len();
            self.nodes[at].step(self.now, to);
        }
        self.now = to;
        let calls = self.network.calls().values().sum();
        let idle = calls == self.calls;
        self.calls = calls;
        self.step = if idle {
            (self.step * 2).min(STEP.1)
        } else {
            STEP.0
        };
    }

    /// Lets time pass until something holds; tells whether it did in time.
    pub(crate) fn until(&mut self, limit: Duration, holds: impl Fn(&Self) -> bool) -> bool {
        let end = self.now + limit;
        while !holds(self) {
            if self.now >= end || !self.network.auditor.findings().is_empty() {
                return false;
            }
            self.step();
        }
        true
    }

    pub(crate) fn pass(&mut self, time: Duration) {
        self.until(time, |_| false);
    }

    /// Kills a node for good.
    pub(crate) fn kill(&mut self, node: u32) {
        let now = self.now;
        if let Some(node) = self.node(node) {
            node.stop(true);
            node.crash(now);
        }
    }

    /// Kills a node; it comes back.
    pub(crate) fn crash(&mut self, node: u32) {
        let now = self.now;
        if let Some(node) = self.node(node) {
            node.crash(now);
        }
    }

    /// Kills the operator's process as soon as a reconciliation has gone on for so long, if one begins in time; it comes back.
    pub(crate) fn interrupt_operator(&mut self, limit: Duration, after: Duration) {
        let at_work = |world: &Self| world.operator.as_ref().is_some_and(Operator::is_at_work);
        if self.until(limit, at_work) {
            self.pass(after);
            let operator = self.nodes.iter().find(|it| it.role == Role::Operator);
            if let Some(id) = operator.map(|it| it.id).filter(|_| at_work(self)) {
                self.crash(id);
            }
        }
    }

    /// Kills every process of a role; they are down for so long.
    pub(crate) fn outage(&mut self, role: Role, down: Duration) {
        for node in self.nodes.iter_mut().filter(|node| node.role == role) {
            node.crash_for(self.now, down);
        }
    }

    /// For so long nothing runs at all, as when a whole region is down.
    pub(crate) fn black_out(&mut self, time: Duration) {
        // What is on its way arrives soon, whoever is there.
        self.network.arrive(self.now + LATEST_ARRIVAL);
        self.now += time.max(LATEST_ARRIVAL);
        for node in &mut self.nodes {
            node.rest(self.now);
        }
    }

    /// Shuts a node down for good: it drains.
    pub(crate) fn stop(&mut self, node: u32) {
        if let Some(node) = self.node(node) {
            node.stop(true);
        }
    }

    /// Shuts a node down: it drains, and another one takes its place.
    pub(crate) fn redeploy(&mut self, node: u32) {
        if let Some(node) = self.node(node) {
            node.stop(false);
        }
    }

    fn node(&mut self, id: u32) -> Option<&mut Node> {
        self.nodes.iter_mut().find(|node| node.id == id)
    }

    /// Posts a command as systems upstream do: again until the queue has taken it.
    pub(crate) fn post(&mut self, command: &Command) {
        self.network.auditor.sent(command);
        let body = json!({
            "QueueUrl": self.queues.commands,
            "MessageBody": command.body,
            "MessageGroupId": command.group,
            "MessageDeduplicationId": command.deduplication_id,
        });
        while self
            .network
            .ask(0, "AmazonSQS.SendMessage", &body, self.now)
            .status
            != 200
        {
            self.step();
        }
    }

    /// From now on nothing goes wrong; all must come to an end in time.
    pub(crate) fn settle(mut self) -> Report {
        self.network.heal();
        let mut settled = self.until(SETTLING, Self::is_settled);
        if settled {
            // Whoever does something twice has the time to, and what begins only now may come to its end.
            self.pass(Duration::from_secs(5));
            settled = self.until(SETTLING, Self::is_settled);
        }
        if settled {
            self.pass(Duration::from_secs(5));
        } else if self.network.auditor.findings().is_empty() {
            self.network
                .auditor
                .not_settled("it has not settled", self.now);
        }
        if self.network.auditor.findings().is_empty() {
            self.network
                .auditor
                .close(&self.network.aws, &self.queues, self.now);
        }
        self.report()
    }

    fn report(self) -> Report {
        Report {
            findings: self.network.auditor.findings(),
            calls: self.network.calls(),
            met: self.network.met(),
            struck: self.network.aws.struck(),
            lasted: self.now,
            toll: self.network.auditor.toll(),
            resumed: self.operator.as_ref().map_or(0, Operator::resumed),
            trace: self.network.take_trace(),
        }
    }

    fn is_settled(&self) -> bool {
        self.nodes.iter().all(Node::is_well)
            && self.network.is_quiet()
            && self.network.auditor.pending().is_empty()
            && self.commands_left() == 0
    }

    fn commands_left(&self) -> u64 {
        let names = [
            "ApproximateNumberOfMessages",
            "ApproximateNumberOfMessagesNotVisible",
            "ApproximateNumberOfMessagesDelayed",
        ];
        let body = json!({ "QueueUrl": self.queues.commands, "AttributeNames": names });
        let answer = self
            .network
            .ask(0, "AmazonSQS.GetQueueAttributes", &body, self.now)
            .json();
        names
            .iter()
            .filter_map(|name| answer["Attributes"][name].as_str()?.parse::<u64>().ok())
            .sum()
    }
}

/// Makes tables and queues: the calls that `arthouse provision` makes, which are recorded once and then repeated.
fn provision(aws: &Aws) -> QueueUrls {
    let (calls, queues) = PROVISIONING.get_or_init(record_provisioning);
    for call in calls {
        aws.call(call);
    }
    queues.clone()
}

static PROVISIONING: OnceLock<(Vec<ApiCall>, QueueUrls)> = OnceLock::new();

fn record_provisioning() -> (Vec<ApiCall>, QueueUrls) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime without IO");
    let network = Network::new(
        Aws::new(0, Adversity::none()),
        Auditor::default(),
        Plan::None,
        None,
        0,
        Trace::calls(),
    );
    let (life, _) = network.begin(0);
    let clock = ProcessClock::default();
    let connector = Connector {
        network: network.clone(),
        clock: clock.clone(),
        node: 0,
        life,
    };
    let queues = runtime.block_on(async {
        clock.begin(Duration::ZERO);
        let stack = Stack::provision(clients(&connector), Names::default());
        stack.await.expect("nothing goes wrong").queues
    });
    (network.take_trace().into_calls(), queues)
}
