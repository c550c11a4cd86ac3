//! What is decided: given records, when a command comes, then this.

mod apply_for_course;
mod authorisation;
mod confirm_payment;
mod courses;
mod initialise_sessions;
mod sessions;
mod world;

use serde_json::Value;

use crate::samples::{NOW, at, command};
use crate::{Refusal, Rejection, State, Transition, decide};

/// Given these records, when an admin's example command with these changes comes at [`NOW`], then this is decided.
#[track_caller]
fn check(given: &State, (event_type, changes): (&str, Value), then: Result<Transition, Refusal>) {
    let when = command(event_type, changes);
    assert_eq!(
        decide(given, &when, at(NOW)),
        then,
        "{}",
        when.action.to_data(&when.actor)
    );
}

#[track_caller]
fn check_rejected(given: &State, when: (&str, Value), then: Rejection) {
    check(given, when, Err(Refusal::Rejected(then)));
}
