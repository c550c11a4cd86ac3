//! What lies between the processes and the services: every call passes here, and here it may go wrong.

mod trace;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::audit::Auditor;
use crate::aws::{ApiCall, ApiReply, Aws};
use crate::fault::{Fault, Plan};
use crate::probe::in_hand;
use crate::zoo::{Bug, Spoiler};
pub(crate) use trace::Trace;

/// The number of a call that arrives when its sender has given it up.
const LATE: u64 = u64::MAX;

/// What a fault does to a whole process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Crash,
    Freeze,
}

/// How often each fault met each operation, and each kind of command or change that was in hand then.
pub(crate) type Met = BTreeMap<(Fault, String), u64>;

#[derive(Clone)]
pub(crate) struct Network {
    pub(crate) aws: Aws,
    pub(crate) auditor: Auditor,
    state: Arc<Mutex<State>>,
}

struct State {
    plan: Plan,
    spoiler: Option<Spoiler>,
    rng: fastrand::Rng,
    /// The life of each node's process; connections of earlier lives are dead.
    lives: BTreeMap<u32, Life>,
    calls: BTreeMap<u32, u64>,
    /// Requests on their way.
    late: BTreeMap<(Duration, u64), ApiCall>,
    late_sent: u64,
    met: Met,
    trace: Trace,
}

#[derive(Default)]
struct Life {
    number: u32,
    halted: Arc<Notify>,
    order: Option<Order>,
    /// Queue and receipt handle of what was received last.
    receipts: Vec<(String, String)>,
}

/// What a connection is told of its next call.
pub(crate) struct Admission {
    pub(crate) number: u64,
    pub(crate) fault: Option<Fault>,
    pub(crate) latency: (Duration, Duration),
}

impl Network {
    pub(crate) fn new(
        aws: Aws,
        auditor: Auditor,
        plan: Plan,
        bug: Option<Bug>,
        seed: u64,
        trace: Trace,
    ) -> Self {
        let state = State {
            plan,
            spoiler: bug.map(Spoiler::new),
            rng: fastrand::Rng::with_seed(seed ^ 0x6e65_7477),
            lives: BTreeMap::new(),
            calls: BTreeMap::new(),
            late: BTreeMap::new(),
            late_sent: 0,
            met: Met::new(),
            trace,
        };
        Self {
            aws,
            auditor,
            state: Arc::new(Mutex::new(state)),
        }
    }

    /// Begins another life of a node; tells its number and what rings when it is to halt.
    pub(crate) fn begin(&self, node: u32) -> (u32, Arc<Notify>) {
        let mut state = self.state();
        let number = state.lives.get(&node).map_or(0, |life| life.number) + 1;
        let life = Life {
            number,
            ..Life::default()
        };
        let halted = Arc::clone(&life.halted);
        state.lives.insert(node, life);
        (number, halted)
    }

    /// Ends a life: its connections are dead.
    pub(crate) fn end(&self, node: u32) {
        if let Some(life) = self.state().lives.get_mut(&node) {
            life.number += 1;
        }
    }

    /// What is to become of a node's process, if a fault has decided it.
    pub(crate) fn take_order(&self, node: u32) -> Option<Order> {
        self.state().lives.get_mut(&node)?.order.take()
    }

    pub(crate) fn order(&self, node: u32, order: Order) {
        if let Some(life) = self.state().lives.get_mut(&node) {
            life.order = Some(order);
            life.halted.notify_one();
        }
    }

    /// Counts a call and decides what becomes of it; nothing if the connection is dead.
    pub(crate) fn admit(&self, node: u32, life: u32) -> Option<Admission> {
        let mut state = self.state();
        if state
            .lives
            .get(&node)
            .is_none_or(|now| now.number != life || now.order.is_some())
        {
            return None;
        }
        let calls = state.calls.entry(node).or_default();
        let number = *calls;
        *calls += 1;
        let fault = state.plan.strike(node, number);
        let latency = (state.rng.u64(1..=4), state.rng.u64(1..=4));
        let latency = (
            Duration::from_millis(latency.0),
            Duration::from_millis(latency.1),
        );
        Some(Admission {
            number,
            fault,
            latency,
        })
    }

    /// Counts that a fault has struck.
    pub(crate) fn struck(&self, fault: Fault, target: &str, at: Duration, node: u32, number: u64) {
        let operation = target.rsplit('.').next().unwrap_or(target).to_owned();
        let mut state = self.state();
        state
            .trace
            .line(|| format!("{at:?} n{node} #{number} {operation} meets {fault:?}"));
        if let Some(kind) = in_hand() {
            *state.met.entry((fault, kind)).or_default() += 1;
        }
        *state.met.entry((fault, operation)).or_default() += 1;
    }

    /// Carries out a call now.
    pub(crate) fn carry_out(&self, mut call: ApiCall, number: u64, now: Duration) -> ApiReply {
        self.aws.set_now(now);
        let reply = self.serve(&mut call, now);
        let mut state = self.state();
        state.trace.call(&call, number, now, &reply);
        if call.target == "AmazonSQS.ReceiveMessage" {
            state.note_receipts(&call, &reply);
        }
        drop(state);
        for trimmed in self.aws.take_trimmed() {
            self.auditor.trimmed(&trimmed);
        }
        self.auditor.observe(&call, &reply, now);
        let by_repair = number != LATE && in_hand().is_none();
        for commit in self.aws.take_commits() {
            self.auditor.committed(&commit, by_repair, now);
        }
        for (stream_arn, shard) in self.auditor.take_begun() {
            self.aws.shard_begun(&stream_arn, &shard);
        }
        self.auditor.end_of_call(now);
        reply
    }

    /// Has the services carry out a call, with what a bug makes of it.
    fn serve(&self, call: &mut ApiCall, now: Duration) -> ApiReply {
        let mut state = self.state();
        let Some(spoiler) = &mut state.spoiler else {
            return self.aws.call(call);
        };
        if let Some(answer) = spoiler.request(call) {
            return answer;
        }
        let mut reply = self.aws.call(call);
        for receipt in spoiler.answer(call, &mut reply, now) {
            self.aws.call(&ApiCall {
                node: 0,
                target: "AmazonSQS.DeleteMessage".to_owned(),
                body: receipt.to_string().into(),
            });
        }
        reply
    }

    /// The answer that a program with a bug sees instead of a fault.
    pub(crate) fn ignored(&self, fault: Fault, call: &ApiCall) -> Option<ApiReply> {
        self.state().spoiler.as_ref()?.ignores(fault, call)
    }

    /// Sends a request that will arrive late.
    pub(crate) fn send_late(&self, call: ApiCall, now: Duration) {
        let mut state = self.state();
        state.late_sent += 1;
        let due = (now + state.plan.delay(), state.late_sent);
        state.late.insert(due, call);
    }

    /// Lets arrive what was late.
    pub(crate) fn arrive(&self, now: Duration) {
        loop {
            let next = {
                let mut state = self.state();
                let due = state.late.first_key_value().map(|(due, _)| *due);
                due.filter(|(at, _)| *at <= now)
                    .and_then(|due| state.late.remove(&due))
            };
            match next {
                Some(call) => self.carry_out(call, LATE, now),
                None => return,
            };
        }
    }

    /// Hands out once more what a node has received.
    pub(crate) fn redeliver(&self, node: u32, now: Duration) {
        let receipts = self
            .state()
            .lives
            .get(&node)
            .map_or_else(Vec::new, |life| life.receipts.clone());
        for (queue_url, handle) in receipts {
            let body =
                json!({ "QueueUrl": queue_url, "ReceiptHandle": handle, "VisibilityTimeout": 0 });
            self.ask(0, "AmazonSQS.ChangeMessageVisibility", &body, now);
        }
    }

    /// A call of the world outside, at which nothing goes wrong on the way.
    pub(crate) fn ask(&self, node: u32, target: &str, body: &Value, now: Duration) -> ApiReply {
        let call = ApiCall {
            node,
            target: target.to_owned(),
            body: body.to_string().into(),
        };
        self.aws.set_now(now);
        self.aws.call(&call)
    }

    /// From now on nothing goes wrong.
    pub(crate) fn heal(&self) {
        self.state().plan = Plan::None;
        self.aws.heal();
    }

    /// Changes what goes wrong.
    pub(crate) fn plan(&self, plan: Plan) {
        self.state().plan = plan;
    }

    pub(crate) fn is_quiet(&self) -> bool {
        self.state().late.is_empty()
    }

    /// How many calls each node has made.
    pub(crate) fn calls(&self) -> BTreeMap<u32, u64> {
        self.state().calls.clone()
    }

    pub(crate) fn met(&self) -> Met {
        self.state().met.clone()
    }

    pub(crate) fn take_trace(&self) -> Trace {
        std::mem::take(&mut self.state().trace)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics over the network")
    }
}

impl State {
    fn note_receipts(&mut self, call: &ApiCall, reply: &ApiReply) {
        let (request, answer) = (call.json(), reply.json());
        let queue_url = request["QueueUrl"].as_str().unwrap_or_default();
        let receipts = answer["Messages"].as_array().into_iter().flatten();
        let receipts: Vec<_> = receipts
            .filter_map(|message| message["ReceiptHandle"].as_str())
            .map(|handle| (queue_url.to_owned(), handle.to_owned()))
            .collect();
        if let Some(life) = self
            .lives
            .get_mut(&call.node)
            .filter(|_| !receipts.is_empty())
        {
            life.receipts = receipts;
        }
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Network").finish_non_exhaustive()
    }
}
