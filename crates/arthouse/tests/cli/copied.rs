//! A deployment whose tables hold a healthy school and on which nothing runs, for foreign writes.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::rig::{Ended, Local, arthouse, run, run_with_input};

pub(crate) type Item = HashMap<String, AttributeValue>;

const PREFIX: &str = "x-";
const TABLES: [&str; 4] = ["Courses", "UsersCourses", "Sessions", "Commands"];

/// Ada has attended the first of three sessions and moved the second; bob waits for his payment.
pub(crate) struct Copied {
    pub(crate) local: Local,
    client: Client,
    runtime: Runtime,
    _data: TempDir,
}

fn command(id: &str, kind: &str, fields: &Value) -> String {
    let mut data = json!({"course_id": "oils", "actor": {"type": "system", "id": "test"}});
    let fields = fields.as_object().unwrap().clone();
    data.as_object_mut().unwrap().extend(fields);
    let event = json!({
        "specversion": "1.0", "id": id, "source": "urn:test", "type": format!("com.digitalarthouse.{kind}.v1"),
        "time": "2026-11-22T12:00:00Z", "data": data,
    });
    format!("{event}\n")
}

fn life() -> String {
    let of = |user: &str, extra: Value| {
        let mut data = json!({"user_id": user});
        let extra = extra.as_object().unwrap().clone();
        data.as_object_mut().unwrap().extend(extra);
        data
    };
    let contact = json!({"contact_info": {"name": "N", "email": "n@example.com"}});
    let course = json!({
        "title": "Oils", "description": "Oils", "cost": 1000, "currency": "GBP", "duration": 3, "payment_method": "card",
        "schedule": "DTSTART:20991001T180000Z\nRRULE:FREQ=WEEKLY",
    });
    let moved = json!({"session_id": "0002", "new_session_date": "2099-12-01T18:00:00Z"});
    [
        command("create", "course.create", &course),
        command("apply-ada", "course.apply", &of("ada", contact.clone())),
        command("apply-bob", "course.apply", &of("bob", contact)),
        command("pay-ada", "payment.confirm", &of("ada", json!({}))),
        command(
            "attend",
            "session.attend",
            &of("ada", json!({"session_id": "0001"})),
        ),
        command("move", "session.reschedule", &of("ada", moved)),
    ]
    .concat()
}

impl Copied {
    pub(crate) fn new() -> Self {
        let data = tempfile::tempdir().unwrap();
        let local = Local::start(data.path());
        let send = ["send", "--file", "-", "--wait", "--timeout", "60s"];
        let (course, rest) = life()
            .split_once('\n')
            .map(|(a, b)| (a.to_owned(), b.to_owned()))
            .unwrap();
        for lines in [course, rest] {
            let mut command = arthouse(&send);
            run_with_input(command.env("AWS_ENDPOINT_URL", &local.endpoint), &lines).check(0, &[]);
        }
        let settled = || local.call(&["audit", "--json"]).json()["pending"] == json!(0);
        crate::daemon::until("settled tables", settled, |settled| *settled);
        let client = arthouse::Clients::for_endpoint(&local.endpoint).dynamodb;
        let copied = Self {
            local,
            client,
            runtime: Runtime::new().unwrap(),
            _data: data,
        };
        copied.call(&["provision"]).check(0, &[]);
        for table in TABLES {
            let scan = copied.client.scan().table_name(table).consistent_read(true);
            let items = copied.runtime.block_on(scan.send()).unwrap().items.unwrap();
            items.into_iter().for_each(|item| copied.put(table, item));
        }
        copied
    }

    pub(crate) fn call(&self, arguments: &[&str]) -> Ended {
        run(&mut self.command(arguments))
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> std::process::Command {
        let mut command = arthouse(&[&["--prefix", PREFIX], arguments].concat());
        command.env("AWS_ENDPOINT_URL", &self.local.endpoint);
        command
    }

    pub(crate) fn put(&self, table: &str, item: Item) {
        let put = self
            .client
            .put_item()
            .table_name(format!("{PREFIX}{table}"))
            .set_item(Some(item));
        self.runtime.block_on(put.send()).unwrap();
    }

    pub(crate) fn get(&self, table: &str, pk: &str, sk: Option<&str>) -> Option<Item> {
        let get = self
            .client
            .get_item()
            .table_name(format!("{PREFIX}{table}"))
            .set_key(Some(key(pk, sk)));
        let get = get.consistent_read(true).send();
        self.runtime.block_on(get).unwrap().item
    }

    pub(crate) fn delete(&self, table: &str, pk: &str, sk: Option<&str>) {
        let delete = self
            .client
            .delete_item()
            .table_name(format!("{PREFIX}{table}"))
            .set_key(Some(key(pk, sk)));
        self.runtime.block_on(delete.send()).unwrap();
    }

    /// Writes an item in another way and returns it as it was.
    pub(crate) fn rewrite(
        &self,
        table: &str,
        pk: &str,
        sk: Option<&str>,
        change: impl FnOnce(&mut Item),
    ) -> Item {
        let before = self.get(table, pk, sk).unwrap();
        let mut item = before.clone();
        change(&mut item);
        self.put(table, item);
        before
    }

    pub(crate) fn stream_arn(&self, table: &str) -> String {
        let describe = self.client.describe_table();
        let describe = describe.table_name(format!("{PREFIX}{table}")).send();
        let described = self.runtime.block_on(describe).unwrap();
        described.table.unwrap().latest_stream_arn.unwrap()
    }
}

fn key(pk: &str, sk: Option<&str>) -> Item {
    let sk = sk.map(|sk| ("SK".to_owned(), s(sk)));
    sk.into_iter().chain([("PK".to_owned(), s(pk))]).collect()
}

pub(crate) fn s(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

pub(crate) fn n(number: i64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}
