use std::collections::BTreeMap;

use arthouse_store::Table;
use serde_json::{Value, json};

use super::{Facts, PREFIX, Provisioned, Taken, sorted, tags};
use crate::template;

#[tokio::test]
async fn the_template_and_the_command_make_the_same_tables() {
    let provisioned = Provisioned::new().await;
    let expected = from_template();
    assert_eq!(expected.len(), 5, "{expected:?}");
    assert_eq!(described(&provisioned).await, expected);
    provisioned.stop().await;
}

#[tokio::test]
async fn a_second_protection_changes_nothing() {
    let provisioned = Provisioned::new().await;
    let before = described(&provisioned).await;
    provisioned.relay.take_calls();
    provisioned.stack.protect().await.expect("it is protected");
    let calls = provisioned.relay.take_calls();
    let changing = calls.iter().filter(|call| {
        let reads = call.operation.starts_with("Describe") || call.operation.starts_with("Get");
        !reads && !call.operation.starts_with("Tag")
    });
    assert_eq!(
        changing.map(|call| &call.operation).collect::<Vec<_>>(),
        Vec::<&String>::new()
    );
    assert_eq!(described(&provisioned).await, before);
    provisioned.stop().await;
}

/// What the template says of each table.
fn from_template() -> Facts {
    let mut resources = template::resources("data", &[("Prefix", PREFIX)]);
    // Where the streams are found is for other stacks only.
    resources.retain(|resource| resource.kind != "AWS::SSM::Parameter");
    let tables = resources.into_iter().map(|resource| {
        assert_eq!(resource.kind, "AWS::DynamoDB::Table");
        let mut properties = Taken::new(&resource.id, &Value::Object(resource.properties));
        let name = properties.take("TableName").as_str().expect("a name").to_owned();
        let stream = properties.take("StreamSpecification");
        let expiry = properties.take("TimeToLiveSpecification");
        let facts = BTreeMap::from([
            ("attributes", sorted(&properties.take("AttributeDefinitions"), "AttributeName")),
            ("backups", flag(&properties.take("PointInTimeRecoverySpecification")["PointInTimeRecoveryEnabled"])),
            ("billing", properties.take("BillingMode")),
            ("deletion protection", flag(&properties.take("DeletionProtectionEnabled"))),
            ("encryption", flag(&properties.take("SSESpecification")["SSEEnabled"])),
            ("expiry", expiring(expiry["Enabled"] == json!(true), &expiry)),
            ("indexes", indexes(&properties.take("GlobalSecondaryIndexes"))),
            ("key", properties.take("KeySchema")),
            ("stream", stream["StreamViewType"].clone()),
            ("tags", tags(&properties.take("Tags"))),
        ]);
        properties.end();
        (name, named(facts))
    });
    tables.collect()
}

/// What the endpoint says of each table.
async fn described(provisioned: &Provisioned) -> Facts {
    let names = &provisioned.stack.names.tables;
    let ours = Table::ALL.map(|table| names.name(table));
    let mut tables = Facts::new();
    for name in ours.into_iter().chain([names.leases()]) {
        let facts = describe(provisioned, &name).await;
        tables.insert(name, facts);
    }
    tables
}

async fn describe(provisioned: &Provisioned, name: &str) -> BTreeMap<String, Value> {
    let table = json!({"TableName": name});
    let ask = async |operation: &str, body: &Value| {
        let target = format!("DynamoDB_20120810.{operation}");
        provisioned.relay.ask(&target, body).await
    };
    let answer = ask("DescribeTable", &table).await;
    let mut found = Taken::new(name, &answer["Table"]);
    let arn = json!({"ResourceArn": found.take("TableArn")});
    let expiry = &ask("DescribeTimeToLive", &table).await["TimeToLiveDescription"];
    let backups = &ask("DescribeContinuousBackups", &table).await["ContinuousBackupsDescription"];
    let recovery = &backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"];
    let facts = BTreeMap::from([
        (
            "attributes",
            sorted(&found.take("AttributeDefinitions"), "AttributeName"),
        ),
        ("backups", (recovery == "ENABLED").into()),
        (
            "billing",
            found.take("BillingModeSummary")["BillingMode"].clone(),
        ),
        (
            "deletion protection",
            found.take("DeletionProtectionEnabled"),
        ),
        (
            "encryption",
            (found.take("SSEDescription")["Status"] == "ENABLED").into(),
        ),
        (
            "expiry",
            expiring(expiry["TimeToLiveStatus"] == "ENABLED", expiry),
        ),
        ("indexes", indexes(&found.take("GlobalSecondaryIndexes"))),
        ("key", found.take("KeySchema")),
        (
            "stream",
            found.take("StreamSpecification")["StreamViewType"].clone(),
        ),
        ("tags", tags(&ask("ListTagsOfResource", &arn).await["Tags"])),
    ]);
    // What differs from table to table or from moment to moment, and what on-demand billing leaves at nothing.
    found.ignore(&[
        "CreationDateTime",
        "ItemCount",
        "LatestStreamArn",
        "LatestStreamLabel",
        "ProvisionedThroughput",
        "TableId",
        "TableName",
        "TableSizeBytes",
        "TableStatus",
        "TableThroughputModeSummary",
        "WarmThroughput",
    ]);
    found.end();
    named(facts)
}

fn named(facts: BTreeMap<&str, Value>) -> BTreeMap<String, Value> {
    facts
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// A parameter's text counts as the flag that it spells.
fn flag(value: &Value) -> Value {
    match value.as_str() {
        Some(text) => text.parse::<bool>().expect("true or false").into(),
        None => value.clone(),
    }
}

fn expiring(enabled: bool, expiry: &Value) -> Value {
    if enabled {
        expiry["AttributeName"].clone()
    } else {
        Value::Null
    }
}

fn indexes(list: &Value) -> Value {
    let indexes = list.as_array().into_iter().flatten().map(|index| {
        let mut index = Taken::new("an index", index);
        let facts = json!({
            "name": index.take("IndexName"),
            "key": index.take("KeySchema"),
            "projection": index.take("Projection"),
        });
        index.ignore(&[
            "IndexArn",
            "IndexSizeBytes",
            "IndexStatus",
            "ItemCount",
            "ProvisionedThroughput",
            "WarmThroughput",
        ]);
        index.end();
        facts
    });
    indexes.collect()
}
