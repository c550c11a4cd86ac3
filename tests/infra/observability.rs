//! What alarms and dashboards look at is there to be looked at.

use std::collections::BTreeSet;

use arthouse_store::{Table, TableNames};
use arthouse_worker::{Queue, QueueNames};
use serde_json::Value;

use crate::template::{self, Resource};

const PREFIX: &str = "school-";

fn resources(name: &str, compute: &str) -> Vec<Resource> {
    template::resources(name, &[("Prefix", PREFIX), ("Compute", compute)])
}

/// A metric that an alarm looks at: namespace, name, value of the first dimension.
type Metric = (String, String, String);

/// What an alarm looks at: one metric, or several of which it takes the sum.
fn looked_at(alarm: &Resource) -> Vec<Metric> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let metric = |of: &Value| {
        let dimension = text(&of["Dimensions"][0]["Value"]);
        (text(&of["Namespace"]), text(&of["MetricName"]), dimension)
    };
    let Some(queries) = alarm.properties.get("Metrics") else {
        return vec![metric(&Value::Object(alarm.properties.clone()))];
    };
    let queries = queries.as_array().expect("queries").iter();
    let metrics = queries.filter_map(|query| query.get("MetricStat"));
    metrics.map(|stat| metric(&stat["Metric"])).collect()
}

/// The alarms' metrics in both forms of compute.
fn metrics() -> BTreeSet<Metric> {
    let alarms = ["containers", "lambda"].into_iter().flat_map(|compute| {
        let scaling = resources("compute-containers", compute);
        let alarms = resources("observability", compute)
            .into_iter()
            .chain(scaling);
        alarms.filter(|resource| resource.kind == "AWS::CloudWatch::Alarm")
    });
    alarms.flat_map(|alarm| looked_at(&alarm)).collect()
}

#[test]
fn alarms_on_queues_and_functions_name_those_that_there_are() {
    let names = QueueNames::with_prefix(PREFIX);
    let queues: BTreeSet<String> = Queue::ALL.map(|queue| names.name(queue)).into();
    let functions = template::resources("compute-lambda", &[("Prefix", PREFIX)]);
    let functions: BTreeSet<String> = functions
        .iter()
        .filter(|resource| resource.kind == "AWS::Lambda::Function")
        .map(|function| {
            function.properties["FunctionName"]
                .as_str()
                .expect("a name")
                .to_owned()
        })
        .collect();
    let tables = TableNames::with_prefix(PREFIX);
    let own = Table::ALL.map(|table| tables.name(table));
    let tables: BTreeSet<String> = own.into_iter().chain([tables.leases()]).collect();
    let mut throttled = BTreeSet::new();
    let mut seen = BTreeSet::new();
    for (namespace, metric, name) in metrics() {
        match namespace.as_str() {
            "AWS/SQS" => assert!(queues.contains(&name), "{metric} of {name}"),
            "AWS/Lambda" => assert!(functions.contains(&name), "{metric} of {name}"),
            "AWS/DynamoDB" => {
                throttled.insert(name);
            }
            "Arthouse" => {}
            other => panic!("{other}"),
        }
        seen.insert(namespace);
    }
    assert_eq!(seen.len(), 4);
    assert_eq!(throttled, tables);
}

/// A metric without dimensions is made of a line of the log.
#[test]
fn what_alarms_take_from_logs_is_what_filters_make_of_them() {
    let mut made = BTreeSet::new();
    for compute in ["containers", "lambda"] {
        let filters = resources("observability", compute);
        let filters = filters
            .iter()
            .filter(|it| it.kind == "AWS::Logs::MetricFilter");
        made.extend(filters.map(|filter| {
            let made = &filter.properties["MetricTransformations"][0]["MetricName"];
            made.as_str().expect("a name").to_owned()
        }));
    }
    let wanted = metrics()
        .into_iter()
        .filter_map(|(namespace, metric, dimension)| {
            (namespace == "Arthouse" && dimension.is_empty()).then_some(metric)
        });
    let wanted: BTreeSet<_> = wanted.collect();
    assert_eq!(wanted.len(), 3, "{wanted:?}");
    assert_eq!(wanted, made);
}

#[test]
fn what_alarms_take_from_the_daemons_is_what_the_agent_brings() {
    let containers = resources("compute-containers", "containers");
    let mut brought = BTreeSet::new();
    for task in containers
        .iter()
        .filter(|resource| resource.kind == "AWS::ECS::TaskDefinition")
    {
        for container in task.properties["ContainerDefinitions"]
            .as_array()
            .expect("containers")
        {
            let environment = container.get("Environment").and_then(Value::as_array);
            let config = environment
                .into_iter()
                .flatten()
                .find(|entry| entry["Name"] == "CW_CONFIG_CONTENT");
            let Some(config) = config else { continue };
            let config: Value =
                serde_json::from_str(config["Value"].as_str().expect("text")).expect("JSON");
            let prometheus = &config["logs"]["metrics_collected"]["prometheus"]["emf_processor"];
            assert_eq!(prometheus["metric_namespace"], "Arthouse");
            let selector = prometheus["metric_declaration"][0]["metric_selectors"][0]
                .as_str()
                .expect("a selector");
            let (before, rest) = selector
                .trim_matches(['^', '$'])
                .split_once('(')
                .expect("a choice");
            let choices = rest.strip_suffix(')').expect("it ends").split('|');
            brought.extend(choices.map(|choice| format!("{before}{choice}")));
        }
    }
    let wanted: BTreeSet<String> = metrics()
        .into_iter()
        .filter(|(namespace, _, dimension)| namespace == "Arthouse" && !dimension.is_empty())
        .map(|(_, metric, _)| metric)
        .collect();
    assert_eq!(wanted.len(), 2, "{wanted:?}");
    assert_eq!(
        wanted.difference(&brought).collect::<Vec<_>>(),
        Vec::<&String>::new()
    );
}

#[test]
fn dashboards_are_json_and_show_what_alarms_look_at() {
    for compute in ["containers", "lambda"] {
        let resources = resources("observability", compute);
        let dashboard = resources
            .iter()
            .find(|resource| resource.kind == "AWS::CloudWatch::Dashboard");
        let body = dashboard.expect("a dashboard").properties["DashboardBody"]
            .as_str()
            .expect("text");
        let body: Value = serde_json::from_str(body).expect("JSON");
        let shown = body.to_string();
        for alarm in resources
            .iter()
            .filter(|resource| resource.kind == "AWS::CloudWatch::Alarm")
        {
            for (_, metric, of) in looked_at(alarm) {
                assert!(shown.contains(&metric), "{compute}: {metric} is not shown");
                assert!(
                    shown.contains(&of),
                    "{compute}: {metric} of {of} is not shown"
                );
            }
        }
    }
}

#[test]
fn the_longest_prefix_of_the_templates_leaves_names_that_aws_takes() {
    let prefix = "x".repeat(45);
    let tables = TableNames::with_prefix(&prefix);
    assert!(tables.leases().len() <= 255);
    for name in template::ALL {
        for resource in template::resources(name, &[("Prefix", &prefix)]) {
            let limit = match resource.kind.as_str() {
                "AWS::Lambda::Function" => ("FunctionName", 64),
                "AWS::SQS::Queue" => ("QueueName", 80),
                "AWS::CloudWatch::Dashboard" => ("DashboardName", 255),
                _ => continue,
            };
            let given = resource.properties[limit.0].as_str().expect("a name");
            assert!(given.len() <= limit.1, "{given} is longer than {}", limit.1);
        }
    }
}
