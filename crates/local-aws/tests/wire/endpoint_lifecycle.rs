//! Starting, stopping and telling requests apart.

use std::net::TcpListener;
use std::time::Duration;

use crate::local::{Local, create_table, s};
use local_aws::{Config, Error, LocalAws, Pace};
use tempfile::tempdir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Sends one request over a bare socket and returns the answer's text.
async fn raw(aws: &LocalAws, head: &str, body: &str) -> String {
    let address = aws.endpoint_url().strip_prefix("http://").unwrap();
    let mut socket = TcpStream::connect(address).await.unwrap();
    let length = body.len();
    let request = format!(
        "{head}\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn an_item_put_before_a_restart_is_read_after_it() {
    let local = Local::start().await;
    let client = local.dynamodb();
    create_table(&client, "Things", None).await;
    client
        .put_item()
        .table_name("Things")
        .item("PK", s("a"))
        .item("SK", s("b"))
        .item("V", s("kept"))
        .send()
        .await
        .unwrap();

    let local = local.restart().await;

    let got = local
        .dynamodb()
        .get_item()
        .table_name("Things")
        .key("PK", s("a"))
        .key("SK", s("b"))
        .consistent_read(true)
        .send()
        .await
        .unwrap();
    assert_eq!(got.item.unwrap()["V"], s("kept"));
}

#[tokio::test]
async fn a_port_in_use_is_refused_with_the_port_in_the_text() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let dir = tempdir().unwrap();

    let data_dir = dir.path().to_path_buf();
    let refused = LocalAws::start(Config { data_dir, port }).await;

    let error = refused.unwrap_err();
    assert!(matches!(error, Error::PortInUse { port: p } if p == port));
    assert!(error.to_string().contains(&port.to_string()), "{error}");
}

#[tokio::test]
async fn a_data_folder_that_is_a_file_is_refused() {
    let file = tempfile::NamedTempFile::new().unwrap();

    let data_dir = file.path().to_path_buf();
    let refused = LocalAws::start(Config { data_dir, port: 0 }).await;

    assert!(matches!(refused, Err(Error::DataDirNotWritable { .. })));
}

#[tokio::test]
async fn a_data_folder_has_one_running_instance_and_is_free_after_its_shutdown() {
    let local = Local::start().await;
    let data_dir = local.dir.path().join("data");
    let config = Config { data_dir, port: 0 };

    let refused = LocalAws::start(config.clone()).await;
    assert!(matches!(refused, Err(Error::DataDirInUse { .. })));

    local.aws.shutdown().await.unwrap();
    let again = LocalAws::start(config).await.unwrap();
    again.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_get_of_the_root_tells_that_all_is_well() {
    let local = Local::start().await;

    let answer = raw(&local.aws, "GET / HTTP/1.1", "").await;

    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("\"ok\""), "{answer}");
}

#[tokio::test]
async fn a_target_of_another_service_is_an_unknown_operation() {
    let local = Local::start().await;
    for target in [
        "Kinesis_20131202.PutRecord",
        "DynamoDB_20120810.Nonsense",
        "DynamoDB_20120810.GetRecords",
        "DynamoDBStreams_20120810.PutItem",
        "AmazonSQS",
    ] {
        let head = format!("POST / HTTP/1.1\r\nx-amz-target: {target}");

        let answer = raw(&local.aws, &head, "{}").await;

        assert!(answer.starts_with("HTTP/1.1 400"), "{target}: {answer}");
        assert!(
            answer.contains("UnknownOperationException"),
            "{target}: {answer}"
        );
    }
}

#[tokio::test]
async fn a_request_needs_no_credentials_at_all() {
    let local = Local::start().await;

    let head = "POST / HTTP/1.1\r\nx-amz-target: DynamoDB_20120810.ListTables";
    let answer = raw(&local.aws, head, "{}").await;

    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("\"TableNames\":[]"), "{answer}");
}

#[tokio::test]
async fn a_body_over_16_megabytes_is_too_large() {
    let local = Local::start().await;
    let head = "POST / HTTP/1.1\r\nx-amz-target: DynamoDB_20120810.ListTables";
    let address = local.aws.endpoint_url().strip_prefix("http://").unwrap();
    let mut socket = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "{head}\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n",
        17 * 1024 * 1024
    );
    socket.write_all(request.as_bytes()).await.unwrap();

    let mut answer = vec![0; 12];
    socket.read_exact(&mut answer).await.unwrap();

    assert_eq!(String::from_utf8_lossy(&answer), "HTTP/1.1 413");
}

#[tokio::test]
async fn a_body_of_just_under_16_megabytes_is_read() {
    let local = Local::start().await;
    let filler = "x".repeat(16 * 1024 * 1024 - 1024);

    let head = "POST / HTTP/1.1\r\nx-amz-target: DynamoDB_20120810.ListTables";
    let answer = raw(&local.aws, head, &format!("{{\"Ignored\":\"{filler}\"}}")).await;

    assert!(answer.starts_with("HTTP/1.1 200"), "{}", &answer[..200]);
}

#[tokio::test]
async fn a_long_poll_does_not_hold_up_the_shutdown() {
    let local = Local::start().await;
    let target =
        |operation: &str| format!("POST / HTTP/1.1\r\nx-amz-target: AmazonSQS.{operation}");
    let created = raw(&local.aws, &target("CreateQueue"), r#"{"QueueName":"q"}"#).await;
    assert!(created.starts_with("HTTP/1.1 200"), "{created}");
    let url = format!("{}/000000000000/q", local.aws.endpoint_url());
    let address = local.aws.endpoint_url().strip_prefix("http://").unwrap();
    let mut socket = TcpStream::connect(address).await.unwrap();
    let body = format!(r#"{{"QueueUrl":"{url}","WaitTimeSeconds":20}}"#);
    let head = target("ReceiveMessage");
    let request = format!(
        "{head}\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    // By the time a later request is answered, the poll waits.
    raw(&local.aws, &target("ListQueues"), "{}").await;

    let stopped = tokio::time::timeout(Duration::from_secs(5), local.aws.shutdown()).await;

    stopped.unwrap().unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn a_web_page_is_not_served_whatever_name_it_has_for_this_machine() {
    let local = Local::start().await;
    let address = local.aws.endpoint_url().strip_prefix("http://").unwrap();
    let ask = async |headers: &str| {
        let mut socket = TcpStream::connect(address).await.unwrap();
        let head =
            "POST / HTTP/1.1\r\nconnection: close\r\nx-amz-target: DynamoDB_20120810.ListTables";
        let request = format!("{head}\r\n{headers}\r\ncontent-length: 2\r\n\r\n{{}}");
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.unwrap();
        answer
    };
    for page in [
        "host: 127.0.0.1\r\norigin: https://evil.example",
        "host: 127.0.0.1\r\norigin: null",
        "host: rebound.evil.example:4566",
    ] {
        let answer = ask(page).await;
        assert!(answer.starts_with("HTTP/1.1 403"), "{page}: {answer}");
        assert!(
            answer.contains("AccessDeniedException") && !answer.contains("TableNames"),
            "{answer}"
        );
        assert!(
            !answer.to_ascii_lowercase().contains("access-control"),
            "{answer}"
        );
    }
    let answer = ask("host: localhost:4566").await;
    assert!(answer.contains("TableNames"), "{answer}");
}

#[tokio::test]
async fn a_connection_that_asks_nothing_is_closed() {
    let pace = Pace {
        head_timeout: Duration::from_millis(200),
        ..Pace::default()
    };
    let local = Local::start_with(pace).await;
    let address = local.aws.endpoint_url().strip_prefix("http://").unwrap();
    for begun in [
        "",
        "POST / HTTP/1.1\r\nhost: localhost\r\n",
        "GET / HTTP/1.1\r\nhost: localhost\r\n\r\n",
    ] {
        let mut socket = TcpStream::connect(address).await.unwrap();
        socket.write_all(begun.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let closed = tokio::time::timeout(Duration::from_secs(20), socket.read_to_end(&mut answer));
        closed
            .await
            .unwrap_or_else(|_| panic!("{begun:?} holds its connection"))
            .unwrap();
    }
}

#[tokio::test]
async fn an_expression_nested_beyond_reason_is_refused_and_ends_nothing() {
    let local = Local::start().await;
    create_table(&local.dynamodb(), "Things", None).await;
    // 300 levels are passed on.
    for text in [
        "(".repeat(300),
        "(".repeat(4_096),
        "NOT ".repeat(1_000),
        "(".repeat(1_000_000),
    ] {
        let asked = local
            .dynamodb()
            .scan()
            .table_name("Things")
            .filter_expression(&text);
        let refused = asked.send().await.unwrap_err().into_service_error();
        let code = refused.meta().code();
        assert_eq!(code, Some("ValidationException"), "{} bytes", text.len());
    }
    for text in ["(".repeat(8_000), "[".repeat(8_000), "{'a':".repeat(1_500)] {
        let statement = format!("SELECT * FROM Things WHERE a = {text}");
        let asked = local.dynamodb().execute_statement().statement(statement);
        let refused = asked.send().await.unwrap_err().into_service_error();
        assert_eq!(
            refused.meta().code(),
            Some("ValidationException"),
            "{:.9}",
            text
        );
    }
    local.dynamodb().list_tables().send().await.unwrap();
}
