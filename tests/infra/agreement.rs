//! What the templates for tables and queues make is what `arthouse provision` makes, attribute by attribute.

mod queues;
mod tables;

use std::collections::BTreeMap;

use arthouse::{Clients, Names, Stack};
use serde_json::{Map, Value};

use crate::embedded::Embedded;
use crate::relay::Relay;

const PREFIX: &str = "school-";

/// What is known of tables or queues: name, attribute, value.
type Facts = BTreeMap<String, BTreeMap<String, Value>>;

/// A stack that was provisioned and protected as the command line does it, and a relay to ask what it is like.
struct Provisioned {
    relay: Relay,
    stack: Stack,
    aws: Embedded,
}

impl Provisioned {
    async fn new() -> Self {
        let aws = Embedded::start().await;
        let relay = Relay::to(aws.endpoint()).await;
        let clients = Clients::for_endpoint(&relay.endpoint);
        let stack = Stack::provision(clients, Names::with_prefix(PREFIX)).await;
        let stack = stack.expect("it is provisioned");
        stack.protect().await.expect("it is protected");
        Self { relay, stack, aws }
    }

    async fn stop(self) {
        drop(self.relay);
        self.aws.stop().await;
    }
}

/// Takes what is expected of an answer or of a resource's properties; what nobody takes is found out at the end.
struct Taken {
    of: String,
    rest: Map<String, Value>,
}

impl Taken {
    fn new(of: &str, of_what: &Value) -> Self {
        Self {
            of: of.to_owned(),
            rest: of_what.as_object().expect("an object").clone(),
        }
    }

    fn take(&mut self, name: &str) -> Value {
        self.rest.remove(name).unwrap_or_default()
    }

    fn ignore(&mut self, names: &[&str]) {
        for name in names {
            self.rest.remove(*name);
        }
    }

    fn end(self) {
        assert!(
            self.rest.is_empty(),
            "{}: compared with nothing: {:?}",
            self.of,
            self.rest
        );
    }
}

fn sorted(list: &Value, key: &str) -> Value {
    let mut items = list.as_array().cloned().unwrap_or_default();
    items.sort_by_key(|item| item[key].to_string());
    items.into()
}

fn tags(list: &Value) -> Value {
    let tags = list.as_array().into_iter().flatten();
    let pairs = tags.map(|tag| {
        let key = tag["Key"].as_str().expect("a key").to_owned();
        (key, tag["Value"].clone())
    });
    Value::Object(pairs.collect())
}
