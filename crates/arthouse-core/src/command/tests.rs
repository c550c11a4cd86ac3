//! What is read as a command, what is malformed, and what a malformed message may tell of itself.

mod malformed;
mod privacy;
mod reading;

use serde_json::Value;

/// The object with a field less.
fn without(mut object: Value, field: &str) -> Value {
    object
        .as_object_mut()
        .expect("an object")
        .remove(field)
        .expect(field);
    object
}
