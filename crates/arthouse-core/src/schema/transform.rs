use schemars::Schema;
use schemars::transform::{Transform, transform_subschemas};
use serde_json::Value;

/// Takes the links of the code's own documents out of descriptions.
pub(super) struct PlainText;

impl Transform for PlainText {
    fn transform(&mut self, schema: &mut Schema) {
        let description = schema.get("description").and_then(Value::as_str);
        if let Some(text) = description.map(|text| text.replace("[`", "`").replace("`]", "`")) {
            schema.insert("description".to_owned(), text.into());
        }
        transform_subschemas(self, schema);
    }
}

/// Takes `null` out of what may be absent: of what we send nothing is ever null.
pub(super) struct NeverNull;

impl Transform for NeverNull {
    fn transform(&mut self, schema: &mut Schema) {
        if let Some(Value::Array(types)) = schema.get_mut("type") {
            types.retain(|kind| kind != "null");
            if let [only] = types.as_slice() {
                let only = only.clone();
                schema.insert("type".to_owned(), only);
            }
        }
        transform_subschemas(self, schema);
    }
}

/// Says with numbers what `format` says only to those who know it: how large a number may be.
pub(super) struct Bounded;

impl Transform for Bounded {
    fn transform(&mut self, schema: &mut Schema) {
        let bounds = match schema.get("format").and_then(Value::as_str) {
            Some("int64") => Some((Value::from(i64::MIN), Value::from(i64::MAX))),
            Some("uint64") => Some((Value::from(u64::MIN), Value::from(u64::MAX))),
            Some(_) | None => None,
        };
        if let Some((least, most)) = bounds {
            let fields = schema.ensure_object();
            fields.entry("minimum").or_insert(least);
            fields.entry("maximum").or_insert(most);
        }
        transform_subschemas(self, schema);
    }
}
