//! What was called and answered, in order.

use std::time::Duration;

use serde_json::Value;

use crate::aws::{ApiCall, ApiReply};

/// The calls of a simulation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Trace {
    wanted: Wanted,
    lines: Vec<String>,
    calls: Vec<ApiCall>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Wanted {
    #[default]
    Nothing,
    Lines,
    Calls,
}

impl Trace {
    /// Keeps every line.
    pub(crate) fn full() -> Self {
        Self {
            wanted: Wanted::Lines,
            ..Self::default()
        }
    }

    /// Keeps the calls themselves.
    pub(crate) fn calls() -> Self {
        Self {
            wanted: Wanted::Calls,
            ..Self::default()
        }
    }

    pub(crate) fn into_calls(self) -> Vec<ApiCall> {
        self.calls
    }

    pub(crate) fn lines(&self) -> &[String] {
        &self.lines
    }

    pub(super) fn line(&mut self, line: impl FnOnce() -> String) {
        if self.wanted == Wanted::Lines {
            self.lines.push(line());
        }
    }

    pub(super) fn call(&mut self, call: &ApiCall, number: u64, now: Duration, reply: &ApiReply) {
        if self.wanted == Wanted::Calls {
            self.calls.push(call.clone());
        }
        self.line(|| {
            let operation = call.target.rsplit('.').next().unwrap_or_default();
            let late = if number == u64::MAX {
                "late".to_owned()
            } else {
                format!("#{number}")
            };
            let (request, answer) = (sorted(&call.body), sorted(&reply.body));
            let (node, status) = (call.node, reply.status);
            format!("{now:?} n{node} {late} {operation} {request} -> {status} {answer}")
        });
    }
}

/// The body with the names of its objects in order: the SDK writes maps in the order of a hash.
fn sorted(body: &[u8]) -> String {
    serde_json::from_slice::<Value>(body).map_or_else(
        |_| String::from_utf8_lossy(body).into_owned(),
        |value| value.to_string(),
    )
}
