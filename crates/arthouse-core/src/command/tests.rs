//! What is read as a command, what is malformed, and what a malformed message may tell of itself.

mod malformed;
mod privacy;
mod reading;

use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::Value;

use crate::{CommandType, schema};

static CONTRACTS: LazyLock<Vec<Validator>> = LazyLock::new(|| {
    let options = jsonschema::draft7::options().should_validate_formats(true);
    let build = |of| {
        options
            .build(&schema::command(of).to_value())
            .expect("a schema")
    };
    CommandType::ALL.map(build).into()
});

/// Says whether the contract of any command takes this body.
fn keeps_a_contract(body: &str) -> bool {
    let Ok(event) = serde_json::from_str(body) else {
        return false;
    };
    CONTRACTS.iter().any(|contract| contract.is_valid(&event))
}

/// The object with a field less.
fn without(mut object: Value, field: &str) -> Value {
    object
        .as_object_mut()
        .expect("an object")
        .remove(field)
        .expect(field);
    object
}
