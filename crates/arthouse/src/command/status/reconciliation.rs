//! How the latest reconciliation stands.

use arthouse_store::{Sweep, SweepCause, SweepState};
use serde_json::{Value, json};

use crate::output;

/// Says it in a line for people.
pub(super) fn line(sweep: Option<&Sweep>) -> String {
    let Some(sweep) = sweep else {
        return "reconciliation: none so far".to_owned();
    };
    let cause = match sweep.cause {
        SweepCause::Asked => "was requested",
        SweepCause::Gap => "repairs gaps",
    };
    let state = match sweep.state {
        SweepState::Running => "running, last heartbeat",
        SweepState::Stopped => "stopped",
        SweepState::Finished => "finished",
    };
    format!(
        "reconciliation: the last one {cause}; started {}, {state} {}: {}",
        output::utc(sweep.started_at.to_utc()),
        output::utc(sweep.saved_at.to_utc()),
        sweep.counts
    )
}

/// Says it for programs; null if there was none.
pub(super) fn as_json(sweep: Option<&Sweep>) -> Value {
    let Some(sweep) = sweep else {
        return Value::Null;
    };
    let cause = match sweep.cause {
        SweepCause::Asked => "asked",
        SweepCause::Gap => "gap",
    };
    let state = match sweep.state {
        SweepState::Running => "running",
        SweepState::Stopped => "stopped",
        SweepState::Finished => "finished",
    };
    let mut value = json!({
        "cause": cause,
        "state": state,
        "since": sweep.since,
        "started_at": sweep.started_at,
        "saved_at": sweep.saved_at,
    });
    output::insert_counts(&mut value, sweep.counts);
    value
}
