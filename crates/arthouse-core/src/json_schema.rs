//! JSON Schemas of types, as they stand within a contract.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde_json::{Value, json};

use crate::{CourseId, UserId};

/// Returns a schema that refers to nothing outside itself, so that it can stand within another; of draft 7, as AsyncAPI has it.
pub(crate) fn inlined<T: JsonSchema>() -> Schema {
    let settings = SchemaSettings::draft07().with(|settings| settings.inline_subschemas = true);
    settings.into_generator().into_root_schema_for::<T>()
}

/// The same without what only the whole of a document has.
pub(crate) fn part<T: JsonSchema>() -> Value {
    let mut schema = inlined::<T>();
    schema.remove("$schema");
    schema.to_value()
}

/// Returns the schema of the data of a notification: what it tells, the student and the course.
pub(crate) fn notification_data<T: JsonSchema>() -> Value {
    let mut data = part::<T>();
    if let Some(fields) = data.as_object_mut() {
        fields.remove("description");
    }
    for (field, schema) in [
        ("user_id", part::<UserId>()),
        ("course_id", part::<CourseId>()),
    ] {
        data["properties"][field] = schema;
        if let Some(required) = data["required"].as_array_mut() {
            required.push(json!(field));
        }
    }
    data
}
