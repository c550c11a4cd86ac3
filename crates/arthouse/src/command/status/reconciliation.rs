//! How the latest reconciliation stands.

use arthouse_store::{Sweep, SweepCause, SweepState};
use serde_json::{Value, json};

/// Says it in a line for people.
pub(super) fn line(sweep: Option<&Sweep>) -> String {
    let Some(sweep) = sweep else {
        return "reconciliation: none so far".to_owned();
    };
    let cause = match sweep.cause {
        SweepCause::Asked => "was asked for",
        SweepCause::Gap => "repairs gaps",
    };
    let state = match sweep.state {
        SweepState::Running => "is under way, last heard of at",
        SweepState::Stopped => "was stopped at",
        SweepState::Finished => "was finished at",
    };
    let counts = sweep.counts;
    format!(
        "reconciliation: the last one {cause}, was begun at {} and {state} {}: {} students looked at, sessions of {} enrolments and {} \
         charges made, {} notifications told again, {} failed",
        sweep.started_at,
        sweep.saved_at,
        counts.students,
        counts.initialised,
        counts.charged,
        counts.notified,
        counts.failed
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
    let counts = sweep.counts;
    json!({
        "cause": cause,
        "state": state,
        "since": sweep.since,
        "started_at": sweep.started_at,
        "saved_at": sweep.saved_at,
        "students": counts.students,
        "initialised": counts.initialised,
        "charged": counts.charged,
        "notified": counts.notified,
        "failed": counts.failed,
    })
}
