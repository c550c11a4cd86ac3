//! What AWS itself does with the roles, as its documentation has it: no program of ours makes these calls.

use std::collections::BTreeSet;

use super::part::{exactly, of_role};
use super::{Access, PREFIX};
use crate::template::{self, ACCOUNT, REGION};

/// What AWS asks for in the name of a role.
pub(super) fn by_aws(template: &str, role: &str) -> Vec<Access> {
    let log = |actions: &'static [&'static str], group: &'static str| (actions, log_group(group));
    let write: &[&str] = &["logs:CreateLogStream", "logs:PutLogEvents"];
    let accesses: Vec<(&[&str], String)> = match (template, role) {
        // AWS Lambda, "Using Lambda with Amazon SQS": the poller takes messages with the function's role.
        ("compute-lambda", "CommandsRole") => vec![
            log(write, "functions/commands"),
            (
                &[
                    "sqs:ReceiveMessage",
                    "sqs:DeleteMessage",
                    "sqs:GetQueueAttributes",
                ],
                queue("arthouse-commands.fifo"),
            ),
        ],
        // AWS Lambda, "Using AWS Lambda with Amazon DynamoDB": the poller, and the destination of what it gives up.
        ("compute-lambda", "ReactionsRole") => vec![
            log(write, "functions/reactions"),
            (STREAM, stream("UsersCourses")),
            (STREAM, stream("Sessions")),
            (&["dynamodb:ListStreams"], "*".to_owned()),
            (&["sqs:SendMessage"], queue("arthouse-stream-dlq")),
        ],
        ("compute-lambda", "UpkeepRole") => vec![log(write, "functions/upkeep")],
        ("compute-lambda", "ScheduleRole") => {
            vec![(&["lambda:InvokeFunction"], "UpkeepAlias.Ref".to_owned())]
        }
        // The agent beside the stream processor has the role of its task.
        ("compute-containers", "StreamsRole") => vec![log(
            &[
                "logs:CreateLogStream",
                "logs:DescribeLogStreams",
                "logs:PutLogEvents",
            ],
            "metrics",
        )],
        // Amazon ECS, "Task execution IAM role": the image is pulled and the output is written by the agent of ECS.
        ("compute-containers", "ExecutionRole") => vec![
            log(write, "worker"),
            log(write, "streams"),
            log(write, "upkeep"),
            (PULL, repository("arthouse")),
            (PULL, repository("arthouse-agent")),
            (&["ecr:GetAuthorizationToken"], "*".to_owned()),
        ],
        // The same, and the secret is put into the task's environment.
        ("web", "ExecutionRole") => vec![
            log(write, "web"),
            (PULL, repository("arthouse")),
            (&["ecr:GetAuthorizationToken"], "*".to_owned()),
            (&["secretsmanager:GetSecretValue"], "Secret.Ref".to_owned()),
        ],
        // EventBridge Scheduler, "Using templated targets": a task is run with the roles of its definition.
        ("compute-containers", "ScheduleRole") => vec![
            (
                &["ecs:RunTask"],
                format!("arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/{PREFIX}arthouse-upkeep:1"),
            ),
            (&["iam:PassRole"], "ExecutionRole.Arn".to_owned()),
            (&["iam:PassRole"], "UpkeepRole.Arn".to_owned()),
        ],
        _ => Vec::new(),
    };
    let accesses = accesses.into_iter();
    let each = accesses.flat_map(|(actions, resource)| {
        let access = move |action: &&str| Access {
            action: (*action).to_owned(),
            resource: resource.clone(),
        };
        actions.iter().map(access).collect::<Vec<_>>()
    });
    each.collect()
}

const STREAM: &[&str] = &[
    "dynamodb:DescribeStream",
    "dynamodb:GetRecords",
    "dynamodb:GetShardIterator",
];

const PULL: &[&str] = &[
    "ecr:BatchCheckLayerAvailability",
    "ecr:GetDownloadUrlForLayer",
    "ecr:BatchGetImage",
];

fn repository(name: &str) -> String {
    format!("arn:aws:ecr:{REGION}:{ACCOUNT}:repository/{name}")
}

fn log_group(name: &str) -> String {
    format!("arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/{PREFIX}arthouse/{name}:*")
}

fn queue(name: &str) -> String {
    format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{PREFIX}{name}")
}

fn stream(table: &str) -> String {
    format!("arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{PREFIX}{table}/stream/2026")
}

/// The roles that programs of ours have, each played by a test of these modules.
const OURS: [(&str, &[&str]); 3] = [
    ("web", &["WebRole"]),
    (
        "compute-containers",
        &["StreamsRole", "UpkeepRole", "WorkerRole"],
    ),
    (
        "compute-lambda",
        &["CommandsRole", "ReactionsRole", "UpkeepRole"],
    ),
];

#[test]
fn roles_that_aws_alone_uses_may_do_what_it_does_with_them_and_nothing_else() {
    for name in template::ALL {
        let played = OURS.iter().find(|(template, _)| *template == name);
        let played = played.map(|(_, roles)| *roles).unwrap_or_default();
        for resource in template::resources(name, &[("Prefix", PREFIX)]) {
            // What CodeDeploy may do is AWS's own policy.
            let is_aws = resource.id == "ReleaseRole";
            let is_played = is_aws || played.contains(&resource.id.as_str());
            if resource.kind == "AWS::IAM::Role" && !is_played {
                let asked: BTreeSet<Access> = by_aws(name, &resource.id).into_iter().collect();
                let role = format!("{name} {}", resource.id);
                exactly(&role, &of_role(name, &resource.id), &asked);
            }
        }
    }
}
