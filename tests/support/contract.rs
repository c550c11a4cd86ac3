//! The contracts that systems upstream and downstream build on: what the scenarios send and get keeps to them.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use arthouse_core::CommandType;
use arthouse_core::schema::{self, EventType};
use jsonschema::Validator;
use serde_json::Value;

type Contracts = BTreeMap<String, Validator>;

static COMMANDS: LazyLock<Contracts> = LazyLock::new(|| {
    let contract = |of: CommandType| {
        (
            of.as_str().to_owned(),
            validator(schema::command(of).into()),
        )
    };
    CommandType::ALL.map(contract).into()
});

static EVENTS: LazyLock<Contracts> = LazyLock::new(|| {
    let contract = |of: EventType| (of.wire_type(), validator(schema::event(of).into()));
    EventType::all().into_iter().map(contract).collect()
});

fn validator(schema: Value) -> Validator {
    let options = jsonschema::draft7::options().should_validate_formats(true);
    options.build(&schema).expect("a schema")
}

/// Says what is wrong with the body of a command, by the contract of its type.
///
/// # Errors
/// Names the first place, or the type if there is no contract of it.
pub fn check_command(body: &str) -> Result<(), String> {
    check(&COMMANDS, body)
}

/// Says what is wrong with an outcome or a notification, by the contract of its type.
///
/// # Errors
/// The same.
pub fn check_event(body: &str) -> Result<(), String> {
    check(&EVENTS, body)
}

fn check(contracts: &Contracts, body: &str) -> Result<(), String> {
    let event: Value = serde_json::from_str(body).map_err(|error| error.to_string())?;
    let kind = event["type"].as_str().unwrap_or_default();
    let contract = contracts
        .get(kind)
        .ok_or_else(|| format!("no contract of {kind:?}"))?;
    let checked = contract.validate(&event);
    checked.map_err(|error| format!("{}: {error} in {body}", error.instance_path()))
}
