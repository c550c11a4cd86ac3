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
                        | "RepositoryName"
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

#[test]
fn containers_name_their_images_by_digest_and_are_nobody_in_particular() {
    let mut looked_at = 0;
    for task in of_kind(COMPUTE[0], "AWS::ECS::TaskDefinition") {
        for container in task.properties["ContainerDefinitions"]
            .as_array()
            .expect("containers")
        {
            let image = container["Image"].as_str().expect("an image");
            assert!(
                image.ends_with("@ImageDigest") || image.ends_with("@AgentDigest"),
                "{image}"
            );
            assert_eq!(container["User"], "65532:65532", "{}", task.id);
            looked_at += 1;
        }
    }
    assert_eq!(looked_at, 4);
}

/// A release is a version of its own, which takes over by and by and goes back if it fails.
#[test]
fn functions_are_called_by_an_alias_that_follows_the_releases() {
    for version in of_kind(COMPUTE[1], "AWS::Lambda::Version") {
        assert_eq!(version.properties["Description"], "CodeKey");
    }
    for mapping in of_kind(COMPUTE[1], "AWS::Lambda::EventSourceMapping") {
        let called = mapping.properties["FunctionName"].as_str();
        assert!(called.is_some_and(|called| called.ends_with("Alias.Ref")));
    }
    for schedule in of_kind(COMPUTE[1], "AWS::Scheduler::Schedule") {
        assert_eq!(schedule.properties["Target"]["Arn"], "UpkeepAlias.Ref");
    }
    let template = template::json(COMPUTE[1]);
    for function in ["Commands", "Reactions"] {
        let group = format!("{function}Releases");
        let policy = &template["Resources"][format!("{function}Alias")]["UpdatePolicy"];
        let update = &policy["Fn::If"][1]["CodeDeployLambdaAliasUpdate"];
        assert_eq!(update["DeploymentGroupName"], json!({"Ref": group}));
        let groups = of_kind(COMPUTE[1], "AWS::CodeDeploy::DeploymentGroup");
        let group = groups.iter().find(|found| found.id == group);
        let alarms = &group.expect("a group").properties["AlarmConfiguration"]["Alarms"];
        assert_eq!(alarms[0]["Name"], format!("{function}ReleaseAlarm.Ref"));
    }
}

#[test]
fn what_the_scheduler_calls_is_not_tried_for_six_hours() {
    let limits = of_kind(COMPUTE[1], "AWS::Lambda::EventInvokeConfig");
    let [limit] = &limits[..] else {
        panic!("{limits:?}");
    };
    assert_eq!(limit.properties["MaximumRetryAttempts"], 1);
    assert_eq!(limit.properties["MaximumEventAgeInSeconds"], 3600);
}

/// Where the tasks go if there is no NAT gateway: everything that they call has its way.
#[test]
fn every_service_that_tasks_call_has_an_endpoint() {
    let endpoints = of_kind("endpoints", "AWS::EC2::VPCEndpoint");
    let services: std::collections::BTreeSet<_> = endpoints
        .iter()
        .map(|endpoint| {
            let name = endpoint.properties["ServiceName"].as_str().expect("a name");
            name.split_once("eu-west-1.")
                .expect("a region")
                .1
                .to_owned()
        })
        .collect();
    let expected = [
        "dynamodb",
        "dynamodb-streams",
        "ecr.api",
        "ecr.dkr",
        "logs",
        "s3",
        "sqs",
    ];
    assert_eq!(services, expected.map(str::to_owned).into());
}
