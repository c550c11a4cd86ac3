use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{ACCOUNT, REGION};

/// What names mean within one template.
pub(crate) struct Scope<'a> {
    template: &'a Value,
    parameters: BTreeMap<String, Value>,
}

impl<'a> Scope<'a> {
    pub(crate) fn of(template: &'a Value, given: &[(&str, &str)]) -> Self {
        let given: BTreeMap<&str, &str> = given.iter().copied().collect();
        let declared = template["Parameters"].as_object().into_iter().flatten();
        let parameters = declared.map(|(name, parameter)| {
            let kind = parameter["Type"].as_str().expect("a type");
            let stored = kind.starts_with("AWS::SSM::Parameter::Value<");
            let value = match given.get(name.as_str()) {
                None if stored => super::stored(name, &given).into(),
                Some(text) => (*text).into(),
                // What has no default must be given on AWS; here its own name will do.
                None => parameter
                    .get("Default")
                    .cloned()
                    .unwrap_or_else(|| name.as_str().into()),
            };
            (name.clone(), listed(parameter, value))
        });
        Self {
            template,
            parameters: parameters.collect(),
        }
    }

    /// Says whether a resource is made, or its condition rules it out.
    pub(crate) fn is_made(&self, resource: &Value) -> bool {
        let condition = resource.get("Condition").and_then(Value::as_str);
        condition.is_none_or(|name| self.holds(name))
    }

    /// Works a value out; none is `AWS::NoValue`.
    pub(crate) fn evaluate(&self, value: &Value) -> Option<Value> {
        match value {
            Value::Object(entries) if entries.len() == 1 => {
                let (name, argument) = entries.iter().next().expect("one entry");
                if name == "Ref" || name.starts_with("Fn::") {
                    return self.call(name, argument);
                }
                Some(self.object(entries))
            }
            Value::Object(entries) => Some(self.object(entries)),
            Value::Array(items) => Some(
                items
                    .iter()
                    .filter_map(|item| self.evaluate(item))
                    .collect(),
            ),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                Some(value.clone())
            }
        }
    }

    fn object(&self, entries: &Map<String, Value>) -> Value {
        let entries = entries.iter();
        let worked_out =
            entries.filter_map(|(key, value)| Some((key.clone(), self.evaluate(value)?)));
        Value::Object(worked_out.collect())
    }

    fn call(&self, function: &str, argument: &Value) -> Option<Value> {
        match function {
            "Ref" => self.reference(argument.as_str().expect("a name")),
            "Fn::Sub" => Some(self.substitute(argument).into()),
            "Fn::GetAtt" => {
                let text = |n: usize| argument[n].as_str().expect("resource and attribute");
                Some(self.attribute(text(0), text(1)))
            }
            "Fn::If" => {
                let holds = self.holds(argument[0].as_str().expect("a condition"));
                self.evaluate(&argument[if holds { 1 } else { 2 }])
            }
            "Fn::Split" => {
                let separator = argument[0].as_str().expect("a separator");
                let whole = text(&self.evaluate(&argument[1]).expect("a text"));
                Some(whole.split(separator).collect())
            }
            "Fn::Join" => {
                let separator = argument[0].as_str().expect("a separator");
                let parts = self.evaluate(&argument[1]).expect("a list");
                let parts = parts.as_array().expect("a list").iter().map(text);
                Some(parts.collect::<Vec<_>>().join(separator).into())
            }
            other => panic!("{other} is not worked out here"),
        }
    }

    fn reference(&self, name: &str) -> Option<Value> {
        match name {
            "AWS::NoValue" => None,
            "AWS::AccountId" => Some(ACCOUNT.into()),
            "AWS::Region" => Some(REGION.into()),
            "AWS::Partition" => Some("aws".into()),
            "AWS::URLSuffix" => Some("amazonaws.com".into()),
            "AWS::StackName" => Some("stack".into()),
            _ => Some(match self.parameters.get(name) {
                Some(value) => value.clone(),
                None => self.attribute(name, "Ref"),
            }),
        }
    }

    fn substitute(&self, argument: &Value) -> String {
        let template = argument.as_str().expect("no variables of its own");
        let mut parts = template.split("${");
        let mut result = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (name, rest) = part.split_once('}').expect("closed");
            let value = match name.split_once('.') {
                Some((resource, attribute)) => self.attribute(resource, attribute),
                None => self.reference(name).expect("a value"),
            };
            result.push_str(&text(&value));
            result.push_str(rest);
        }
        result
    }

    /// What a resource is known by: the ARNs of those whose names are given, and a mark for the others.
    fn attribute(&self, id: &str, attribute: &str) -> Value {
        let resource = &self.template["Resources"][id];
        let kind = resource["Type"]
            .as_str()
            .unwrap_or_else(|| panic!("there is no {id}"));
        let name = |property: &str| {
            let name = self.evaluate(&resource["Properties"][property]);
            text(&name.expect("a name"))
        };
        let arn =
            |service: &str, path: &str| format!("arn:aws:{service}:{REGION}:{ACCOUNT}:{path}");
        let known = match (kind, attribute) {
            ("AWS::SQS::Queue", "Arn") => arn("sqs", &name("QueueName")),
            ("AWS::DynamoDB::Table", "Arn") => {
                arn("dynamodb", &format!("table/{}", name("TableName")))
            }
            ("AWS::Lambda::Function", "Arn") => {
                arn("lambda", &format!("function:{}", name("FunctionName")))
            }
            ("AWS::Logs::LogGroup", "Arn") => {
                arn("logs", &format!("log-group:{}:*", name("LogGroupName")))
            }
            _ => format!("{id}.{attribute}"),
        };
        known.into()
    }

    fn holds(&self, name: &str) -> bool {
        let condition = &self.template["Conditions"][name];
        self.is_true(condition)
    }

    fn is_true(&self, condition: &Value) -> bool {
        let entries = condition
            .as_object()
            .unwrap_or_else(|| panic!("{condition}"));
        let (function, argument) = entries.iter().next().expect("a function");
        let mut each = argument.as_array().into_iter().flatten();
        match function.as_str() {
            "Fn::Not" => !self.is_true(&argument[0]),
            "Fn::And" => each.all(|condition| self.is_true(condition)),
            "Fn::Or" => each.any(|condition| self.is_true(condition)),
            "Fn::Equals" => self.evaluate(&argument[0]) == self.evaluate(&argument[1]),
            "Condition" => self.holds(argument.as_str().expect("a name")),
            other => panic!("{other} is no condition"),
        }
    }
}

/// A parameter's value as its type has it.
fn listed(parameter: &Value, value: Value) -> Value {
    let kind = parameter["Type"].as_str().expect("a type");
    if kind == "CommaDelimitedList" || kind.contains("List<") {
        text(&value).split(',').map(Value::from).collect()
    } else {
        value
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => panic!("{value} is no text"),
    }
}
