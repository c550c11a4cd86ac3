//! Reads the templates and works out their intrinsic functions, as CloudFormation does.

mod evaluate;

use std::path::Path;

use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::{Map, Value};

use evaluate::Scope;

/// All templates, by the names of their files.
pub(crate) const ALL: [&str; 6] = [
    "data",
    "messaging",
    "roles",
    "compute-lambda",
    "compute-containers",
    "observability",
];

/// The account and the region that templates are worked out for: those of the embedded stack.
pub(crate) const ACCOUNT: &str = "000000000000";
pub(crate) const REGION: &str = "us-east-1";

/// A resource of a template, its properties worked out.
#[derive(Debug, Clone)]
pub(crate) struct Resource {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) properties: Map<String, Value>,
}

/// Reads a template and works it out; parameters that are not given are at their defaults.
pub(crate) fn resources(name: &str, parameters: &[(&str, &str)]) -> Vec<Resource> {
    let template = read(name);
    let scope = Scope::of(&template, parameters);
    let resources = template["Resources"].as_object().expect("resources");
    let worked_out = resources
        .iter()
        .filter(|(_, resource)| scope.is_made(resource));
    worked_out
        .map(|(id, resource)| Resource {
            id: id.clone(),
            kind: resource["Type"].as_str().expect("a type").to_owned(),
            properties: match scope.evaluate(&resource["Properties"]) {
                Some(Value::Object(properties)) => properties,
                other => panic!("{id}: {other:?}"),
            },
        })
        .collect()
}

/// Works out the names under which a template's outputs are exported.
pub(crate) fn exports(name: &str, parameters: &[(&str, &str)]) -> Vec<String> {
    let template = read(name);
    let scope = Scope::of(&template, parameters);
    let outputs = template["Outputs"].as_object().into_iter().flatten();
    let names =
        outputs.filter_map(|(_, output)| scope.evaluate(output.get("Export")?.get("Name")?));
    names
        .map(|name| name.as_str().expect("a name").to_owned())
        .collect()
}

fn read(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../infra/cloudformation")
        .join(format!("{name}.yaml"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let documents = Yaml::load_from_str(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
    let [document] = documents.as_slice() else {
        panic!("{name}: {} documents", documents.len());
    };
    plain(document)
}

/// Turns YAML into JSON, and CloudFormation's short tags into the long form: `!Ref X` is `{"Ref": "X"}`.
fn plain(yaml: &Yaml<'_>) -> Value {
    match yaml {
        Yaml::Value(Scalar::Null) => Value::Null,
        Yaml::Value(Scalar::Boolean(flag)) => (*flag).into(),
        Yaml::Value(Scalar::Integer(number)) => (*number).into(),
        Yaml::Value(Scalar::FloatingPoint(number)) => number.into_inner().into(),
        Yaml::Value(Scalar::String(text)) => text.as_ref().into(),
        Yaml::Sequence(items) => items.iter().map(plain).collect(),
        Yaml::Mapping(entries) => {
            let text = |key: &Yaml<'_>| key.as_str().expect("keys are strings").to_owned();
            let entries = entries.iter().map(|(key, value)| (text(key), plain(value)));
            Value::Object(entries.collect())
        }
        Yaml::Tagged(tag, node) => long_form(&tag.suffix, plain(node)),
        Yaml::Representation(..) | Yaml::Alias(_) | Yaml::BadValue => panic!("{yaml:?}"),
    }
}

fn long_form(tag: &str, value: Value) -> Value {
    let (function, value) = match (tag, value) {
        ("Ref" | "Condition", value) => (tag.to_owned(), value),
        ("GetAtt", Value::String(path)) => {
            let parts: Vec<Value> = path.splitn(2, '.').map(Into::into).collect();
            ("Fn::GetAtt".to_owned(), parts.into())
        }
        (_, value) => (format!("Fn::{tag}"), value),
    };
    Value::Object(Map::from_iter([(function, value)]))
}
