//! Accounts and regions apart, the query protocol, and looking at a queue.

use serde_json::{Value, json};

use crate::local::Local;
use crate::raw::send;

fn signed(key: &str, region: &str) -> String {
    format!(
        "authorization: AWS4-HMAC-SHA256 Credential={key}/20260101/{region}/sqs/aws4_request, SignedHeaders=host, Signature=x\r\n"
    )
}

/// Calls an operation with a signature of this access key and region.
async fn call(local: &Local, by: (&str, &str), target: &str, request: Value) -> (u16, Value) {
    let headers = format!("{}x-amz-target: {target}\r\n", signed(by.0, by.1));
    let (status, body) = send(&local.aws, "POST /", &headers, &request.to_string()).await;
    (status, serde_json::from_str(&body).unwrap())
}

async fn done(local: &Local, by: (&str, &str), target: &str, request: Value) -> Value {
    let (status, answer) = call(local, by, target, request).await;
    assert_eq!(status, 200, "{target}: {answer}");
    answer
}

const IRELAND: (&str, &str) = ("local", "eu-west-1");
const VIRGINIA: (&str, &str) = ("local", "us-east-1");
const ANOTHER: (&str, &str) = ("123456789012", "eu-west-1");

#[tokio::test]
async fn a_queue_and_a_table_are_seen_in_their_own_account_and_region() {
    let local = Local::start().await;
    let table = json!({
        "TableName": "Tab", "KeySchema": [{ "AttributeName": "pk", "KeyType": "HASH" }], "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{ "AttributeName": "pk", "AttributeType": "S" }], "StreamSpecification": { "StreamEnabled": true, "StreamViewType": "KEYS_ONLY" },
    });
    for (by, account) in [
        (IRELAND, "000000000000"),
        (VIRGINIA, "000000000000"),
        (ANOTHER, "123456789012"),
    ] {
        let place = format!("{}:{account}", by.1);
        let tables = done(&local, by, "DynamoDB_20120810.ListTables", json!({})).await;
        assert_eq!(tables["TableNames"], json!([]), "{place}");
        let made = done(&local, by, "DynamoDB_20120810.CreateTable", table.clone()).await;
        assert_eq!(
            made["TableDescription"]["TableArn"],
            format!("arn:aws:dynamodb:{place}:table/Tab")
        );
        let streams = done(
            &local,
            by,
            "DynamoDBStreams_20120810.ListStreams",
            json!({}),
        )
        .await;
        let stream = streams["Streams"][0]["StreamArn"].as_str().unwrap();
        assert!(
            stream.starts_with(&format!("arn:aws:dynamodb:{place}:table/Tab/stream/")),
            "{stream}"
        );
        done(
            &local,
            by,
            "DynamoDBStreams_20120810.DescribeStream",
            json!({ "StreamArn": stream }),
        )
        .await;

        let none = call(
            &local,
            by,
            "AmazonSQS.GetQueueUrl",
            json!({ "QueueName": "q" }),
        )
        .await;
        assert_eq!(none.0, 400, "{place}");
        let url = done(
            &local,
            by,
            "AmazonSQS.CreateQueue",
            json!({ "QueueName": "q" }),
        )
        .await;
        assert!(
            url["QueueUrl"]
                .as_str()
                .unwrap()
                .ends_with(&format!("/{account}/q")),
            "{url}"
        );
        let ask = json!({ "QueueUrl": url["QueueUrl"], "AttributeNames": ["QueueArn"] });
        let told = done(&local, by, "AmazonSQS.GetQueueAttributes", ask).await;
        assert_eq!(
            told["Attributes"]["QueueArn"],
            format!("arn:aws:sqs:{place}:q")
        );
    }
}

#[tokio::test]
async fn an_arn_of_another_region_is_no_queue_of_this_one() {
    let local = Local::start().await;
    done(
        &local,
        IRELAND,
        "AmazonSQS.CreateQueue",
        json!({ "QueueName": "dead" }),
    )
    .await;
    for (region, works) in [("eu-west-1", true), ("us-east-1", false)] {
        let policy = json!({ "deadLetterTargetArn": format!("arn:aws:sqs:{region}:000000000000:dead"), "maxReceiveCount": 1 }).to_string();
        let create = json!({ "QueueName": format!("q-{region}"), "Attributes": { "RedrivePolicy": policy } });
        let (status, answer) = call(&local, IRELAND, "AmazonSQS.CreateQueue", create).await;
        assert_eq!(status == 200, works, "{region}: {answer}");
    }
    let q = format!("{}/000000000000/q-eu-west-1", local.aws.endpoint_url());
    let dead = format!("{}/000000000000/dead", local.aws.endpoint_url());
    let body = "arn:aws:sqs:us-east-1:000000000000:mentioned";
    done(
        &local,
        IRELAND,
        "AmazonSQS.SendMessage",
        json!({ "QueueUrl": q, "MessageBody": body }),
    )
    .await;
    for _ in 0..2 {
        done(
            &local,
            IRELAND,
            "AmazonSQS.ReceiveMessage",
            json!({ "QueueUrl": q, "VisibilityTimeout": 0 }),
        )
        .await;
    }
    let receive = json!({ "QueueUrl": dead, "AttributeNames": ["All"] });
    let received = done(&local, IRELAND, "AmazonSQS.ReceiveMessage", receive).await;
    let message = &received["Messages"][0];
    assert_eq!(message["Body"], body);
    assert_eq!(
        message["Attributes"]["DeadLetterQueueSourceArn"],
        "arn:aws:sqs:eu-west-1:000000000000:q-eu-west-1"
    );
}

#[tokio::test]
async fn all_regions_outlive_a_restart() {
    let local = Local::start().await;
    for by in [IRELAND, VIRGINIA] {
        done(
            &local,
            by,
            "AmazonSQS.CreateQueue",
            json!({ "QueueName": by.1 }),
        )
        .await;
    }
    let local = local.restart().await;
    for by in [VIRGINIA, IRELAND] {
        let listed = done(&local, by, "AmazonSQS.ListQueues", json!({})).await;
        let urls = listed["QueueUrls"].as_array().unwrap();
        assert_eq!(urls.len(), 1, "{listed}");
        assert!(urls[0].as_str().unwrap().ends_with(by.1), "{listed}");
    }
}

#[tokio::test]
async fn there_is_an_end_to_accounts_and_regions() {
    let local = Local::start().await;
    let mut refused = None;
    for number in 0..20 {
        let region = format!("region-{number}");
        let (status, answer) = call(
            &local,
            ("local", &region),
            "AmazonSQS.ListQueues",
            json!({}),
        )
        .await;
        if status != 200 {
            refused = Some((number, answer.to_string()));
            break;
        }
    }
    let (number, told) = refused.unwrap();
    assert_eq!(number, 17);
    assert!(told.contains("16 accounts and regions"), "{told}");
}

#[tokio::test]
async fn the_query_protocol_tells_who_calls_and_refuses_the_rest_by_name() {
    let local = Local::start().await;
    let form = "content-type: application/x-www-form-urlencoded\r\n";
    let headers = format!("{form}{}", signed("123456789012", "eu-west-1"));
    let (status, body) = send(
        &local.aws,
        "POST /",
        &headers,
        "Action=GetCallerIdentity&Version=2011-06-15",
    )
    .await;
    assert_eq!(status, 200, "{body}");
    assert!(body.contains("<Account>123456789012</Account>"), "{body}");
    let (status, body) = send(
        &local.aws,
        "POST /000000000000/q",
        form,
        "Action=SendMessage&Version=2012-11-05&MessageBody=x",
    )
    .await;
    assert_eq!(status, 400, "{body}");
    assert!(
        body.contains("<ErrorResponse")
            && body.contains("SendMessage")
            && body.contains("Update the SDK"),
        "{body}"
    );
    let (status, body) = send(
        &local.aws,
        "GET /?Action=ListQueues&Version=2012-11-05",
        "",
        "",
    )
    .await;
    assert_eq!(status, 400, "{body}");
    assert!(body.contains("ListQueues"), "{body}");
}

#[tokio::test]
async fn looking_at_a_queue_receives_nothing() {
    let local = Local::start().await;
    let url = done(
        &local,
        IRELAND,
        "AmazonSQS.CreateQueue",
        json!({ "QueueName": "q" }),
    )
    .await["QueueUrl"]
        .as_str()
        .unwrap()
        .to_owned();
    for (body, delay) in [("now", 0), ("later", 900)] {
        let message = json!({ "QueueUrl": url, "MessageBody": body, "DelaySeconds": delay });
        done(&local, IRELAND, "AmazonSQS.SendMessage", message).await;
    }
    let look = async |path: &str| {
        let (status, body) = send(&local.aws, &format!("GET {path}"), "", "").await;
        assert_eq!(status, 200, "{path}: {body}");
        let answer: Value = serde_json::from_str(&body).unwrap();
        let shown = answer["Messages"].as_array().unwrap().iter();
        let shown = shown.map(|message| {
            format!(
                "{} {} {}",
                message["Body"], message["State"], message["Attributes"]["ApproximateReceiveCount"]
            )
        });
        assert!(!body.contains("ReceiptHandle"), "{body}");
        shown.collect::<Vec<_>>().join(", ")
    };
    let expected = "\"now\" \"visible\" \"0\", \"later\" \"delayed\" \"0\"";
    assert_eq!(
        look(&format!("/_aws/sqs/messages?QueueUrl={url}")).await,
        expected
    );
    assert_eq!(
        look("/_aws/sqs/messages/eu-west-1/000000000000/q").await,
        expected
    );
    let received = done(
        &local,
        IRELAND,
        "AmazonSQS.ReceiveMessage",
        json!({ "QueueUrl": url }),
    )
    .await;
    assert_eq!(received["Messages"][0]["Body"], "now");
    let expected = "\"now\" \"in flight\" \"1\", \"later\" \"delayed\" \"0\"";
    assert_eq!(look("/_aws/sqs/messages?QueueUrl=q").await, expected);
}
