//! The two forms of compute: they can stand side by side, and a release neither shrinks a service nor passes for healthy unseen.

use std::collections::BTreeMap;

use serde_json::json;

use crate::template::{self, Resource};

const COMPUTE: [&str; 2] = ["compute-containers", "compute-lambda"];

fn of_kind(template: &str, kind: &str) -> Vec<Resource> {
    let resources = template::resources(template, &[("Prefix", "school-")]);
    let found: Vec<_> = resources.into_iter().filter(|it| it.kind == kind).collect();
    assert!(!found.is_empty(), "{template} has no {kind}");
    found
}

/// A move from one form to the other has both stacks for a while.
#[test]
fn no_name_is_owned_by_two_stacks() {
    let mut owners: BTreeMap<(String, String), Vec<&str>> = BTreeMap::new();
    for template in template::ALL {
        for resource in template::resources(template, &[("Prefix", "school-")]) {
            let names = resource.properties.iter();
            let names = names.filter(|(property, _)| {
                matches!(
                    property.as_str(),
                    "AlarmName"
                        | "ClusterName"
                        | "DashboardName"
                        | "FunctionName"
                        | "PolicyName"
                        | "QueueName"
                        | "ServiceName"
                        | "TableName"
                ) || (*property == "LogGroupName" && resource.kind == "AWS::Logs::LogGroup")
            });
            // A mapping names the function that it calls; it has no name of its own.
            for (_, name) in names.filter(|_| resource.kind != "AWS::Lambda::EventSourceMapping") {
                owners
                    .entry((resource.kind.clone(), name.to_string()))
                    .or_default()
                    .push(template);
            }
        }
    }
    assert!(owners.len() > 25, "{}", owners.len());
    for ((kind, name), templates) in owners {
        let others = templates.iter().any(|template| *template != templates[0]);
        assert!(!others, "{kind} {name}: {templates:?}");
    }
}

#[test]
fn a_release_leaves_a_service_that_is_scaled_as_large_as_it_is() {
    let targets = of_kind(COMPUTE[0], "AWS::ApplicationAutoScaling::ScalableTarget");
    let scaled = |service: &Resource| {
        let name = service.properties["ServiceName"].as_str().expect("a name");
        let is_of = |target: &Resource| {
            target.properties["ResourceId"]
                .to_string()
                .contains(&service.id)
        };
        targets.iter().any(is_of)
            || targets
                .iter()
                .any(|it| it.properties["ResourceId"].to_string().contains(name))
    };
    let services = of_kind(COMPUTE[0], "AWS::ECS::Service");
    assert_eq!(services.iter().filter(|service| scaled(service)).count(), 1);
    for service in services {
        let has_count = service.properties.contains_key("DesiredCount");
        assert_ne!(has_count, scaled(&service), "{}", service.id);
    }
}

#[test]
fn a_daemon_counts_as_healthy_only_once_it_was_ready() {
    let mut checks = 0;
    for task in of_kind(COMPUTE[0], "AWS::ECS::TaskDefinition") {
        for container in task.properties["ContainerDefinitions"]
            .as_array()
            .expect("containers")
        {
            let Some(check) = container.get("HealthCheck") else {
                continue;
            };
            assert_eq!(
                check["Command"],
                json!(["CMD", "/arthouse", "healthy", "--started"])
            );
            checks += 1;
        }
    }
    assert_eq!(checks, 2);
}

/// AWS Lambda, "Configuring an Amazon SQS queue to use as an event source": at least six times the function's time-out.
#[test]
fn commands_are_hidden_for_six_times_as_long_as_their_function_runs() {
    let functions = of_kind(COMPUTE[1], "AWS::Lambda::Function");
    let commands = functions
        .iter()
        .find(|function| function.id == "CommandsFunction");
    let timeout = commands.expect("a function").properties["Timeout"]
        .as_u64()
        .expect("seconds");
    let queues = of_kind("messaging", "AWS::SQS::Queue");
    let queue = queues
        .iter()
        .find(|queue| queue.id == "Commands")
        .expect("a queue");
    assert_eq!(queue.properties["VisibilityTimeout"], json!(6 * timeout));
}
