//! Reads the templates and works out their intrinsic functions, as CloudFormation does.

mod evaluate;

use std::collections::BTreeMap;
use std::path::Path;

use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::{Map, Value};

use evaluate::Scope;

/// All templates, by the names of their files.
pub(crate) const ALL: [&str; 9] = [
    "data",
    "messaging",
    "roles",
    "images",
    "endpoints",
    "compute-lambda",
    "compute-containers",
    "observability",
    "web",
];

/// Those that put into the parameter store what others read there.
const STORING: [&str; 2] = ["data", "roles"];

/// The account and the region that templates are worked out for: those of the embedded stack's clients.
pub(crate) const ACCOUNT: &str = "000000000000";
pub(crate) const REGION: &str = "eu-west-1";

/// A resource of a template, its properties worked out.
#[derive(Debug, Clone)]
pub(crate) struct Resource {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) properties: Map<String, Value>,
}

/// Reads a template and works it out; parameters that are not given are at their defaults.
pub(crate) fn resources(name: &str, parameters: &[(&str, &str)]) -> Vec<Resource> {
    let template = json(name);
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

/// The value that another template puts into the parameter store for a parameter that is read from there.
fn stored(parameter: &str, given: &BTreeMap<&str, &str>) -> String {
    let prefix = given.get("Prefix").copied().unwrap_or_default();
    let name = format!("/{prefix}arthouse/{parameter}");
    let given: Vec<_> = given.iter().map(|(name, value)| (*name, *value)).collect();
    let resources = STORING.iter().flat_map(|name| resources(name, &given));
    let mut values =
        resources.filter(|it| it.kind == "AWS::SSM::Parameter" && it.properties["Name"] == name);
    let value = values
        .next()
        .unwrap_or_else(|| panic!("nobody stores {name}"));
    value.properties["Value"].as_str().expect("text").to_owned()
}

/// The text of a template.
pub(crate) fn text(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../infra/cloudformation")
        .join(format!("{name}.yaml"));
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// A template as it is written.
pub(crate) fn json(name: &str) -> Value {
    let text = text(name);
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
