//! What goes wrong between a process and the services, and when.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;

use crate::aws::ApiReply;

/// How long a delayed request is on its way where nothing is left to chance: past every lease and every visibility.
const DELAY: Duration = Duration::from_secs(40);
/// When the last of what is delayed has arrived.
pub(crate) const LATEST_ARRIVAL: Duration = Duration::from_secs(60);
/// How long a frozen process stands still: past every lease and every visibility.
pub(crate) const FREEZE: Duration = Duration::from_secs(45);

/// What goes wrong at one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// The connection breaks before the request is sent.
    NotSent,
    /// The request is carried out, and the connection breaks before the answer comes.
    ResponseLost,
    /// The request is carried out, and no answer ever comes.
    Unanswered,
    /// The request arrives only when its sender has long given up, and others may have its leases.
    Delayed,
    /// The service refuses: too many requests.
    Throttled,
    /// The service refuses: another transaction has the items; where there are none, it fails.
    Conflict,
    /// The process dies before it sends the request.
    CrashBefore,
    /// The process dies when the request is carried out, before the answer comes.
    CrashAfter,
    /// The process stands still with the request in hand, and goes on later as if nothing had been.
    FreezeBefore,
    /// The process stands still with the answer in hand, and goes on later as if nothing had been.
    FreezeAfter,
    /// The process's wall clock is wrong from now on.
    Skewed,
    /// What the process has received and not deleted is handed out once more.
    Redelivered,
}

impl Fault {
    pub(crate) const ALL: [Self; 12] = [
        Self::NotSent,
        Self::ResponseLost,
        Self::Unanswered,
        Self::Delayed,
        Self::Throttled,
        Self::Conflict,
        Self::CrashBefore,
        Self::CrashAfter,
        Self::FreezeBefore,
        Self::FreezeAfter,
        Self::Skewed,
        Self::Redelivered,
    ];

    /// The refusal that this fault answers a call with.
    pub(crate) fn refusal(self, target: &str, body: &serde_json::Value) -> ApiReply {
        let (service, operation) = target.split_once('.').unwrap_or_default();
        match (service, self) {
            ("AmazonSQS", Self::Throttled) => sqs(400, "RequestThrottled"),
            ("AmazonSQS", _) => sqs(500, "InternalError"),
            (_, Self::Throttled) => dynamo(400, "ThrottlingException"),
            _ if operation == "TransactWriteItems" => cancelled(body),
            ("DynamoDBStreams_20120810", _) => dynamo(500, "InternalServerError"),
            _ if matches!(operation, "PutItem" | "UpdateItem" | "DeleteItem") => {
                dynamo(400, "TransactionConflictException")
            }
            _ => dynamo(500, "InternalServerError"),
        }
    }
}

fn dynamo(status: u16, kind: &str) -> ApiReply {
    let body = json!({ "__type": format!("com.amazonaws.dynamodb.v20120810#{kind}"), "message": "injected" });
    ApiReply {
        status,
        query_error: None,
        body: body.to_string().into(),
    }
}

fn sqs(status: u16, code: &str) -> ApiReply {
    let body = json!({ "__type": format!("com.amazonaws.sqs#{code}"), "message": "injected" });
    ApiReply {
        status,
        query_error: Some(format!("{code};Sender")),
        body: body.to_string().into(),
    }
}

fn cancelled(request: &serde_json::Value) -> ApiReply {
    let items = request["TransactItems"].as_array().map_or(1, Vec::len);
    let reasons: Vec<_> = (0..items)
        .map(|at| match at {
            0 => json!({ "Code": "TransactionConflict", "Message": "injected" }),
            _ => json!({ "Code": "None" }),
        })
        .collect();
    let body = json!({
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "message": "injected",
        "CancellationReasons": reasons,
    });
    ApiReply {
        status: 400,
        query_error: None,
        body: body.to_string().into(),
    }
}

/// When which fault strikes.
#[derive(Clone, Debug, Default)]
pub(crate) enum Plan {
    /// Nothing goes wrong.
    #[default]
    None,
    /// One fault at one call of one node, counted from 0 over all its lives.
    Single { node: u32, call: u64, fault: Fault },
    /// Each fault at its own rate, the share of the calls.
    Random {
        rng: fastrand::Rng,
        rates: BTreeMap<Fault, f64>,
    },
}

impl Plan {
    /// A random half of the faults, each with a rate of its own up to `most`.
    pub(crate) fn swarm(rng: &mut fastrand::Rng, most: f64) -> Self {
        let mut rates = BTreeMap::new();
        for fault in Fault::ALL {
            let (on, rate) = (rng.bool(), rng.f64() * most);
            if on {
                rates.insert(fault, rate);
            }
        }
        Self::Random {
            rng: rng.fork(),
            rates,
        }
    }

    /// How long a request that is delayed now is on its way.
    pub(crate) fn delay(&mut self) -> Duration {
        match self {
            Self::None | Self::Single { .. } => DELAY,
            Self::Random { rng, .. } => {
                let most = LATEST_ARRIVAL.as_secs() * 1_000;
                Duration::from_millis(rng.u64(1_000..=most))
            }
        }
    }

    /// What goes wrong at this call, if anything.
    pub(crate) fn strike(&mut self, node: u32, call: u64) -> Option<Fault> {
        match self {
            Self::None => None,
            Self::Single {
                node: whose,
                call: which,
                fault,
            } => (*whose == node && *which == call).then_some(*fault),
            Self::Random { rng, rates } => {
                let mut dice = rng.f64();
                rates.iter().find_map(|(fault, rate)| {
                    let strikes = dice < *rate;
                    dice -= rate;
                    strikes.then_some(*fault)
                })
            }
        }
    }
}
