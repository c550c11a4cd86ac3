//! What was acknowledged survives `kill -9`: this test program starts itself again, lets that process send and delete,
//! kills it, and looks at what it left.

use std::collections::BTreeSet;
use std::env;
use std::io::{BufRead, BufReader, Lines};
use std::path::Path;
use std::process::{ChildStdout, Command, Stdio};

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::QueueAttributeName;

use crate::local::{client, create, open};

const FOLDER: &str = "SQS_KILLED_FOLDER";
const QUEUE: &str = "q";
const SENDERS: usize = 4;
const ACKNOWLEDGED: usize = 400;

#[tokio::test]
async fn what_was_acknowledged_is_there_after_the_process_was_killed() {
    let directory = tempfile::tempdir().unwrap();
    let mut told = Told::default();
    for _ in 0..2 {
        kill_one(directory.path(), &mut told);
    }
    let Told {
        sent,
        deleting,
        deleted,
    } = told;
    let aws = open(directory.path()).await;
    let left = drain(&client(&aws)).await;
    // A deletion that was under way may have happened or not.
    let lost: Vec<&String> = sent
        .difference(&deleting)
        .filter(|id| !left.contains(*id))
        .collect();
    assert!(lost.is_empty(), "sent, never deleted, and gone: {lost:?}");
    let back: Vec<&String> = deleted.intersection(&left).collect();
    assert!(back.is_empty(), "deleted, and back: {back:?}");
    aws.shutdown().await.unwrap();
}

/// The ids of messages that the killed processes said something of.
#[derive(Default)]
struct Told {
    sent: BTreeSet<String>,
    deleting: BTreeSet<String>,
    deleted: BTreeSet<String>,
}

impl Told {
    fn note(&mut self, line: &str) {
        match line.split_once(' ') {
            Some(("sent", id)) => self.sent.insert(id.to_owned()),
            Some(("deleting", id)) => self.deleting.insert(id.to_owned()),
            Some(("deleted", id)) => self.deleted.insert(id.to_owned()),
            Some(_) | None => false,
        };
    }
}

/// Runs the other process until enough was acknowledged, kills it, and notes what it told until then.
fn kill_one(directory: &Path, told: &mut Told) {
    let mut child = Command::new(env::current_exe().unwrap())
        .args([
            "killed::the_process_that_is_killed",
            "--exact",
            "--ignored",
            "--nocapture",
        ])
        .env(FOLDER, directory)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let (sent, deleted) = (told.sent.len() + ACKNOWLEDGED, told.deleted.len());
    while told.sent.len() < sent || told.deleted.len() == deleted {
        told.note(&next(&mut lines).expect("the process goes on until it is killed"));
    }
    child.kill().unwrap();
    while let Some(line) = next(&mut lines) {
        told.note(&line);
    }
    assert!(!child.wait().unwrap().success());
}

fn next(lines: &mut Lines<BufReader<ChildStdout>>) -> Option<String> {
    lines.next().transpose().unwrap()
}

/// The ids of all messages, deleted one by one until there are none.
async fn drain(client: &Client) -> BTreeSet<String> {
    let url = create(client, QUEUE, &[]).await;
    let mut ids = BTreeSet::new();
    loop {
        let receive = client
            .receive_message()
            .queue_url(&url)
            .max_number_of_messages(10);
        let received = receive.send().await.unwrap();
        if received.messages().is_empty() {
            return ids;
        }
        for message in received.messages() {
            ids.insert(message.message_id().unwrap().to_owned());
            let delete = client.delete_message().queue_url(&url);
            delete
                .receipt_handle(message.receipt_handle().unwrap())
                .send()
                .await
                .unwrap();
        }
    }
}

#[test]
#[ignore = "it runs until it is killed by the test above, which starts it"]
fn the_process_that_is_killed() {
    let directory = env::var_os(FOLDER).expect("this test is started by another one");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let aws = open(Path::new(&directory)).await;
        let client = client(&aws);
        // What this process holds when it dies is visible at once for the next.
        let url = create(
            &client,
            QUEUE,
            &[(QueueAttributeName::VisibilityTimeout, "0")],
        )
        .await;
        for _ in 0..SENDERS {
            tokio::spawn(send_on_and_on(client.clone(), url.clone()));
        }
        delete_on_and_on(client, url).await;
    });
}

async fn send_on_and_on(client: Client, url: String) {
    loop {
        let sent = client
            .send_message()
            .queue_url(&url)
            .message_body("kept")
            .send()
            .await
            .unwrap();
        println!("\nsent {}", sent.message_id.unwrap());
    }
}

async fn delete_on_and_on(client: Client, url: String) {
    loop {
        let received = client
            .receive_message()
            .queue_url(&url)
            .wait_time_seconds(20)
            .send()
            .await
            .unwrap();
        for message in received.messages() {
            let id = message.message_id().unwrap();
            println!("\ndeleting {id}");
            let delete = client.delete_message().queue_url(&url);
            delete
                .receipt_handle(message.receipt_handle().unwrap())
                .send()
                .await
                .unwrap();
            println!("\ndeleted {id}");
        }
    }
}
