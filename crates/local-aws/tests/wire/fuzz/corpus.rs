//! The requests from which others are made: each operation of the three services, with most of what it takes.

use serde_json::{Value, json};

use super::mutation::Chance;

/// What the requests name.
pub(super) fn made_before() -> [(&'static str, Value); 4] {
    let key = |name: &str| json!([{ "AttributeName": name, "KeyType": "HASH" }]);
    let table = json!({
        "TableName": "Things", "KeySchema": key("pk"), "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{ "AttributeName": "pk", "AttributeType": "S" }, { "AttributeName": "g", "AttributeType": "S" }],
        "GlobalSecondaryIndexes": [{ "IndexName": "gix", "KeySchema": key("g"), "Projection": { "ProjectionType": "ALL" } }],
        "StreamSpecification": { "StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES" },
    });
    [
        ("DynamoDB_20120810.CreateTable", table),
        (
            "DynamoDB_20120810.DescribeTable",
            json!({ "TableName": "Things" }),
        ),
        ("AmazonSQS.CreateQueue", json!({ "QueueName": "q" })),
        (
            "AmazonSQS.CreateQueue",
            json!({ "QueueName": "q.fifo", "Attributes": { "FifoQueue": "true", "ContentBasedDeduplication": "true" } }),
        ),
    ]
}

/// One of the requests, as it is to be.
pub(super) fn request(chance: &mut Chance, url: &str) -> (&'static str, Value) {
    match chance.below(4) {
        0 => sqs(chance, url),
        1 => chance.one(&streams()).clone(),
        _ => chance.one(&dynamodb()).clone(),
    }
}

fn sqs(chance: &mut Chance, url: &str) -> (&'static str, Value) {
    let queue = format!(
        "{url}/000000000000/{}",
        chance.one(&["q", "q.fifo", "none"])
    );
    let attribute = json!({ "A": { "DataType": "Number", "StringValue": "1" }, "B": { "DataType": "Binary", "BinaryValue": "eA==" } });
    let message = json!({ "Id": "a", "MessageBody": "x", "MessageGroupId": "g", "MessageAttributes": attribute });
    let arn = "arn:aws:sqs:us-east-1:000000000000:q";
    let requests = [
        (
            "AmazonSQS.SendMessage",
            json!({ "QueueUrl": queue, "MessageBody": "x", "DelaySeconds": 0, "MessageAttributes": attribute }),
        ),
        (
            "AmazonSQS.SendMessage",
            json!({ "QueueUrl": queue, "MessageBody": "x", "MessageGroupId": "g", "MessageDeduplicationId": "d" }),
        ),
        (
            "AmazonSQS.SendMessageBatch",
            json!({ "QueueUrl": queue, "Entries": [message] }),
        ),
        (
            "AmazonSQS.ReceiveMessage",
            json!({ "QueueUrl": queue, "MaxNumberOfMessages": 10, "WaitTimeSeconds": 0, "AttributeNames": ["All"], "MessageAttributeNames": ["*"] }),
        ),
        (
            "AmazonSQS.DeleteMessage",
            json!({ "QueueUrl": queue, "ReceiptHandle": "AAAA" }),
        ),
        (
            "AmazonSQS.DeleteMessageBatch",
            json!({ "QueueUrl": queue, "Entries": [{ "Id": "a", "ReceiptHandle": "AAAA" }] }),
        ),
        (
            "AmazonSQS.ChangeMessageVisibility",
            json!({ "QueueUrl": queue, "ReceiptHandle": "AAAA", "VisibilityTimeout": 1 }),
        ),
        (
            "AmazonSQS.CreateQueue",
            json!({ "QueueName": "other", "Attributes": { "RedrivePolicy": json!({ "deadLetterTargetArn": arn, "maxReceiveCount": 1 }).to_string() }, "tags": { "a": "b" } }),
        ),
        (
            "AmazonSQS.SetQueueAttributes",
            json!({ "QueueUrl": queue, "Attributes": { "VisibilityTimeout": "1", "Policy": "{}" } }),
        ),
        (
            "AmazonSQS.GetQueueAttributes",
            json!({ "QueueUrl": queue, "AttributeNames": ["All"] }),
        ),
        (
            "AmazonSQS.ListQueues",
            json!({ "QueueNamePrefix": "q", "MaxResults": 1, "NextToken": "cQ==" }),
        ),
        (
            "AmazonSQS.StartMessageMoveTask",
            json!({ "SourceArn": arn, "MaxNumberOfMessagesPerSecond": 1 }),
        ),
        (
            "AmazonSQS.CancelMessageMoveTask",
            json!({ "TaskHandle": "e30=" }),
        ),
        (
            "AmazonSQS.AddPermission",
            json!({ "QueueUrl": queue, "Label": "l", "AWSAccountIds": ["1"], "Actions": ["*"] }),
        ),
        ("AmazonSQS.PurgeQueue", json!({ "QueueUrl": queue })),
    ];
    chance.one(&requests).clone()
}

fn streams() -> [(&'static str, Value); 4] {
    let stream = "arn:aws:dynamodb:us-east-1:000000000000:table/Things/stream/1";
    [
        (
            "DynamoDBStreams_20120810.ListStreams",
            json!({ "TableName": "Things", "Limit": 1, "ExclusiveStartStreamArn": stream }),
        ),
        (
            "DynamoDBStreams_20120810.DescribeStream",
            json!({ "StreamArn": stream, "Limit": 1, "ShardFilter": { "Type": "CHILD_SHARDS", "ShardId": "s" } }),
        ),
        (
            "DynamoDBStreams_20120810.GetShardIterator",
            json!({ "StreamArn": stream, "ShardId": "s", "ShardIteratorType": "AT_TIMESTAMP", "Timestamp": 1.5, "SequenceNumber": "1" }),
        ),
        (
            "DynamoDBStreams_20120810.GetRecords",
            json!({ "ShardIterator": "MSAxIDIgc2hhcmQ", "Limit": 1 }),
        ),
    ]
}

#[expect(clippy::too_many_lines, reason = "it is a list")]
fn dynamodb() -> Vec<(&'static str, Value)> {
    let table = "Things";
    let key = json!({ "pk": { "S": "a" } });
    let item = json!({ "pk": { "S": "a" }, "g": { "S": "x" }, "a": { "M": { "b": { "L": [{ "N": "1" }, { "SS": ["x"] }] } } }, "n": { "N": "1" } });
    let names = json!({ "#n": "n" });
    let values = json!({ ":v": { "N": "1" }, ":w": { "S": "x" } });
    let update = json!({
        "TableName": table, "Key": key, "UpdateExpression": "SET a.b[0] = if_not_exists( #n , :v ) , x = :w REMOVE y , a.b[1]",
        "ConditionExpression": "( #n >= :v OR size( g ) < :v ) AND NOT contains( g , :w )",
        "ExpressionAttributeNames": names, "ExpressionAttributeValues": values, "ReturnValues": "UPDATED_NEW",
    });
    let removal = json!({ "TableName": table, "Key": key, "UpdateExpression": "REMOVE x , a.b[0]", "ConditionExpression": "( attribute_exists( pk ) )", "ReturnValues": "ALL_OLD" });
    let query = json!({
        "TableName": table, "IndexName": "gix", "KeyConditionExpression": "g = :w", "FilterExpression": "#n BETWEEN :v AND :v OR #n IN ( :v , :v )",
        "ProjectionExpression": "pk , a.b[0] , #n", "ExpressionAttributeNames": names, "ExpressionAttributeValues": values, "Limit": 5,
    });
    let put = json!({ "TableName": table, "Item": item, "ConditionExpression": "attribute_not_exists( pk ) OR attribute_type( a , :w )", "ExpressionAttributeValues": { ":w": { "S": "M" } } });
    vec![
        ("DynamoDB_20120810.PutItem", put.clone()),
        (
            "DynamoDB_20120810.PutItem",
            json!({ "TableName": table, "Item": item, "Expected": { "n": { "ComparisonOperator": "EQ", "AttributeValueList": [{ "N": "1" }] } } }),
        ),
        (
            "DynamoDB_20120810.GetItem",
            json!({ "TableName": table, "Key": key, "ProjectionExpression": "a.b[0] , #n", "ExpressionAttributeNames": names }),
        ),
        ("DynamoDB_20120810.UpdateItem", update.clone()),
        ("DynamoDB_20120810.UpdateItem", removal.clone()),
        (
            "DynamoDB_20120810.UpdateItem",
            json!({ "TableName": table, "Key": key, "AttributeUpdates": { "n": { "Action": "ADD", "Value": { "N": "1" } }, "x": { "Action": "DELETE" } } }),
        ),
        (
            "DynamoDB_20120810.DeleteItem",
            json!({ "TableName": table, "Key": key, "ReturnValues": "ALL_OLD" }),
        ),
        ("DynamoDB_20120810.Query", query),
        (
            "DynamoDB_20120810.Query",
            json!({ "TableName": table, "KeyConditions": { "pk": { "AttributeValueList": [{ "S": "a" }], "ComparisonOperator": "EQ" } }, "ProjectionExpression": "n" }),
        ),
        (
            "DynamoDB_20120810.Scan",
            json!({ "TableName": table, "FilterExpression": "begins_with( g , :w )", "ExpressionAttributeValues": values, "Segment": 0, "TotalSegments": 2, "ExclusiveStartKey": key }),
        ),
        (
            "DynamoDB_20120810.BatchGetItem",
            json!({ "RequestItems": { table: { "Keys": [key], "ProjectionExpression": "n" } } }),
        ),
        (
            "DynamoDB_20120810.BatchWriteItem",
            json!({ "RequestItems": { table: [{ "PutRequest": { "Item": item } }, { "DeleteRequest": { "Key": { "pk": { "S": "b" } } } }] } }),
        ),
        (
            "DynamoDB_20120810.TransactWriteItems",
            json!({ "ClientRequestToken": "t", "TransactItems": [{ "Put": put }, { "Update": update }, { "Update": removal }] }),
        ),
        (
            "DynamoDB_20120810.TransactGetItems",
            json!({ "TransactItems": [{ "Get": { "TableName": table, "Key": key, "ProjectionExpression": "a.b[0]" } }] }),
        ),
        (
            "DynamoDB_20120810.ExecuteStatement",
            json!({ "Statement": "SELECT * FROM \"Things\" WHERE pk = 'a' AND n IN [ 1 , 2 ]" }),
        ),
        (
            "DynamoDB_20120810.ExecuteStatement",
            json!({ "Statement": "UPDATE \"Things\" SET n = n + ? WHERE pk = 'a'", "Parameters": [{ "N": "1" }] }),
        ),
        (
            "DynamoDB_20120810.BatchExecuteStatement",
            json!({ "Statements": [{ "Statement": "INSERT INTO \"Things\" VALUE { 'pk' : 'c' , 'a' : << 1 >> }" }] }),
        ),
        (
            "DynamoDB_20120810.ExecuteTransaction",
            json!({ "TransactStatements": [{ "Statement": "DELETE FROM \"Things\" WHERE pk = 'a'" }] }),
        ),
        (
            "DynamoDB_20120810.DescribeTable",
            json!({ "TableName": table }),
        ),
        (
            "DynamoDB_20120810.ListTables",
            json!({ "Limit": 1, "ExclusiveStartTableName": "A" }),
        ),
        (
            "DynamoDB_20120810.CreateTable",
            json!({ "TableName": "New", "KeySchema": [{ "AttributeName": "k", "KeyType": "HASH" }], "AttributeDefinitions": [{ "AttributeName": "k", "AttributeType": "S" }], "BillingMode": "PAY_PER_REQUEST" }),
        ),
        (
            "DynamoDB_20120810.UpdateTable",
            json!({ "TableName": "New", "StreamSpecification": { "StreamEnabled": true, "StreamViewType": "KEYS_ONLY" } }),
        ),
        (
            "DynamoDB_20120810.DeleteTable",
            json!({ "TableName": "New" }),
        ),
        (
            "DynamoDB_20120810.UpdateTimeToLive",
            json!({ "TableName": table, "TimeToLiveSpecification": { "Enabled": true, "AttributeName": "e" } }),
        ),
        (
            "DynamoDB_20120810.TagResource",
            json!({ "ResourceArn": "arn:aws:dynamodb:us-east-1:000000000000:table/Things", "Tags": [{ "Key": "a", "Value": "b" }] }),
        ),
    ]
}
