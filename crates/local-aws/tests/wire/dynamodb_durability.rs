//! What was acknowledged survives the process's violent end.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use aws_sdk_dynamodb::types::StreamViewType;
use local_aws::{Config, LocalAws};

use crate::local::{create_table, dynamodb, n, put, streams};
use crate::reading::read_all;

const FOLDER: &str = "LOCAL_AWS_TEST_FOLDER";
const READY: &str = "endpoint ";

/// Not a test of its own: the process that the test below kills.
#[tokio::test(flavor = "multi_thread")]
async fn serves_until_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let config = Config {
        data_dir: folder.into(),
        port: 0,
    };
    let aws = LocalAws::start(config).await.unwrap();
    println!("\n{READY}{}", aws.endpoint_url());
    std::future::pending::<()>().await;
}

/// Starts this test binary as a server on the folder and returns it with its URL.
fn serve(folder: &Path) -> (Child, String) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "dynamodb_durability::serves_until_killed",
            "--nocapture",
        ])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let url = lines
        .map_while(Result::ok)
        .find_map(|line| line.strip_prefix(READY).map(str::to_owned));
    (child, url.unwrap())
}

#[tokio::test]
async fn every_acknowledged_write_and_its_record_survive_a_kill_and_the_folder_is_free_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut stream = String::new();
    for round in 0..3 {
        let (mut server, url) = serve(folder.path());
        let client = dynamodb(&url);
        if round == 0 {
            let both = Some(StreamViewType::NewAndOldImages);
            stream = create_table(&client, "Things", both).await.unwrap();
        }
        for number in 0..50 {
            put(&client, "Things", &format!("{round}-{number}"), n(number)).await;
        }
        server.kill().unwrap();
        server.wait().unwrap();
    }

    let (mut server, url) = serve(folder.path());
    let items = dynamodb(&url)
        .scan()
        .table_name("Things")
        .send()
        .await
        .unwrap();
    let records = read_all(&streams(&url), &stream).await;
    server.kill().unwrap();
    server.wait().unwrap();

    assert_eq!(items.count(), 150);
    assert_eq!(records.len(), 150);
}
