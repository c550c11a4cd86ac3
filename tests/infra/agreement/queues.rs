use std::collections::BTreeMap;

use arthouse::Stack;
use arthouse_worker::Queue;
use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::{Value, json};

use super::{Facts, PREFIX, Provisioned, Taken, tags};
use crate::template::{self, ACCOUNT, REGION};

/// What the attributes are that a template leaves out (SQS API reference, `CreateQueue`).
const DEFAULTS: [(&str, &str); 4] = [
    ("DelaySeconds", "0"),
    ("MaximumMessageSize", "1048576"),
    ("ReceiveMessageWaitTimeSeconds", "0"),
    ("VisibilityTimeout", "30"),
];

/// What differs from queue to queue or from moment to moment.
const CHANGING: [&str; 6] = [
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesDelayed",
    "ApproximateNumberOfMessagesNotVisible",
    "CreatedTimestamp",
    "LastModifiedTimestamp",
    "QueueArn",
];

#[tokio::test]
async fn the_template_and_the_command_make_the_same_queues() {
    let provisioned = Provisioned::new().await;
    let expected = from_template();
    assert_eq!(expected.len(), Queue::ALL.len(), "{expected:?}");
    assert_eq!(described(&provisioned).await, expected);
    provisioned.stop().await;
}

#[tokio::test]
async fn a_commands_queue_of_an_earlier_version_is_made_to_deduplicate_by_content() {
    let provisioned = Provisioned::new().await;
    let Stack {
        clients,
        names,
        queues,
        ..
    } = &provisioned.stack;
    let set = clients
        .sqs
        .set_queue_attributes()
        .queue_url(&queues.commands);
    let set = set.attributes(QueueAttributeName::ContentBasedDeduplication, "false");
    set.send().await.expect("it is set");
    let again = Stack::provision(clients.clone(), names.clone()).await;
    again.expect("it is provisioned");
    assert_eq!(described(&provisioned).await, from_template());
    provisioned.stop().await;
}

#[test]
fn named_producers_may_send_commands_and_nothing_else() {
    let roles = "arn:aws:iam::111122223333:role/site,arn:aws:iam::111122223333:role/office";
    let resources =
        template::resources("messaging", &[("Prefix", PREFIX), ("ProducerArns", roles)]);
    let policies = resources
        .iter()
        .filter(|resource| resource.kind == "AWS::SQS::QueuePolicy");
    let allowed: Vec<_> = policies
        .flat_map(|policy| {
            let statements = policy.properties["PolicyDocument"]["Statement"].as_array();
            let statements = statements.expect("statements").iter();
            statements.filter(|statement| statement["Effect"] == "Allow")
        })
        .map(|statement| {
            (
                &statement["Principal"]["AWS"],
                &statement["Action"],
                &statement["Resource"],
            )
        })
        .collect();
    let roles: Value = roles.split(',').collect();
    let commands = json!(format!(
        "arn:aws:sqs:{REGION}:{ACCOUNT}:{PREFIX}arthouse-commands.fifo"
    ));
    assert_eq!(
        allowed,
        [(
            &roles,
            &json!(["sqs:SendMessage", "sqs:GetQueueUrl"]),
            &commands
        )]
    );
}

/// Whoever else is allowed all of SQS can't send then.
#[test]
fn named_producers_can_be_the_only_ones() {
    let roles = "arn:aws:iam::111122223333:role/site";
    let parameters = [
        ("Prefix", PREFIX),
        ("ProducerArns", roles),
        ("OnlyNamedProducers", "true"),
    ];
    let resources = template::resources("messaging", &parameters);
    let policy = resources.iter().find(|it| it.id == "CommandsPolicy");
    let policy = &policy.expect("a policy").properties["PolicyDocument"];
    let statements = policy["Statement"].as_array().expect("statements").iter();
    let refusal = statements.last().expect("a statement");
    assert_eq!(refusal["Effect"], "Deny");
    assert_eq!(refusal["Action"], "sqs:SendMessage");
    let others = &refusal["Condition"]["ArnNotEquals"]["aws:PrincipalArn"];
    assert_eq!(others, &json!([roles]));
}

/// What the template says of each queue.
fn from_template() -> Facts {
    let resources = template::resources("messaging", &[("Prefix", PREFIX)]);
    let mut policies: BTreeMap<String, Value> = resources
        .iter()
        .filter(|resource| resource.kind == "AWS::SQS::QueuePolicy")
        .map(|policy| {
            let [queue] = policy.properties["Queues"]
                .as_array()
                .expect("queues")
                .as_slice()
            else {
                panic!("one policy a queue");
            };
            let id = queue
                .as_str()
                .expect("a queue")
                .trim_end_matches(".Ref")
                .to_owned();
            (id, policy.properties["PolicyDocument"].clone())
        })
        .collect();
    let queues = resources
        .iter()
        .filter(|resource| resource.kind == "AWS::SQS::Queue");
    let facts = queues.map(|queue| {
        let mut properties = queue.properties.clone();
        let name = properties.remove("QueueName").expect("a name");
        let tags = tags(&properties.remove("Tags").expect("tags"));
        let mut facts: BTreeMap<String, Value> = properties
            .into_iter()
            .map(|(attribute, value)| (attribute, as_text(value)))
            .collect();
        for (attribute, value) in DEFAULTS {
            facts.entry(attribute.to_owned()).or_insert(value.into());
        }
        if facts.contains_key("FifoQueue") {
            facts
                .entry("ContentBasedDeduplication".to_owned())
                .or_insert("false".into());
        }
        let policy = policies.remove(&queue.id).expect("a policy");
        facts.insert("Policy".to_owned(), policy);
        facts.insert("tags".to_owned(), tags);
        (name.as_str().expect("a name").to_owned(), facts)
    });
    let facts = facts.collect();
    assert!(policies.is_empty(), "{policies:?}");
    facts
}

/// SQS has its attributes as text; policies are compared by what they mean.
fn as_text(value: Value) -> Value {
    match value {
        Value::Bool(flag) => flag.to_string().into(),
        Value::Number(number) => number.to_string().into(),
        Value::String(_) | Value::Object(_) => value,
        Value::Null | Value::Array(_) => panic!("{value} is no attribute"),
    }
}

/// What the endpoint says of each queue.
async fn described(provisioned: &Provisioned) -> Facts {
    let mut queues = Facts::new();
    for queue in Queue::ALL {
        let name = provisioned.stack.names.queues.name(queue);
        let url = provisioned.stack.queues.url(queue);
        let asked = json!({"QueueUrl": url, "AttributeNames": ["All"]});
        let answer = provisioned
            .relay
            .ask("AmazonSQS.GetQueueAttributes", &asked)
            .await;
        let mut found = Taken::new(&name, &answer["Attributes"]);
        found.ignore(&CHANGING);
        let attributes = found.rest.into_iter();
        let mut facts: BTreeMap<String, Value> = attributes
            .map(|(attribute, value)| {
                let text = value.as_str().expect("text");
                let meant = if text.starts_with('{') {
                    serde_json::from_str(text).expect("a policy")
                } else {
                    value
                };
                (attribute, meant)
            })
            .collect();
        let tags = provisioned
            .relay
            .ask("AmazonSQS.ListQueueTags", &json!({"QueueUrl": url}))
            .await;
        facts.insert("tags".to_owned(), tags["Tags"].clone());
        queues.insert(name, facts);
    }
    queues
}
