//! A school of its own for each test: an emulator in a temporary folder, a client that counts, and the store.

use std::collections::HashMap;

use arthouse_core::{
    Command, Enrollment, Outcome, Receipt, Refusal, State, Timestamp, Transition, decide,
};
use arthouse_store::{Commit, Key, Loaded, Store, Table, TableNames, provision};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_dynamodb::types::AttributeValue;
use local_aws::{Config, LocalAws};
use tempfile::TempDir;

use crate::commands::{apply, confirm, create, id, now};
use crate::counter::Counter;

pub(crate) type Item = HashMap<String, AttributeValue>;

/// Makes an attribute NULL.
pub(crate) fn is_null(name: &'static str) -> impl Fn(&mut Item) {
    move |item| drop(item.insert(name.to_owned(), AttributeValue::Null(true)))
}

/// Tables, and what speaks to them; it ends with the test.
pub(crate) struct School {
    pub(crate) client: Client,
    pub(crate) store: Store,
    pub(crate) counter: Counter,
    _aws: LocalAws,
    _dir: TempDir,
}

/// A command that was decided and not yet written.
#[derive(Clone)]
pub(crate) struct Decision {
    pub(crate) loaded: Loaded,
    pub(crate) transition: Transition,
    pub(crate) receipt: Receipt,
}

pub(crate) fn names() -> TableNames {
    TableNames::with_prefix("test-")
}

impl School {
    /// Starts without tables.
    pub(crate) async fn bare() -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let data_dir = dir.path().join("data");
        let aws = LocalAws::start(Config { data_dir, port: 0 }).await;
        let aws = aws.expect("the emulator starts");
        let counter = Counter::default();
        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .credentials_provider(Credentials::new("any", "thing", None, None, "test"))
            .retry_config(RetryConfig::disabled())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .endpoint_url(aws.endpoint_url())
            .interceptor(counter.clone())
            .build();
        let client = Client::from_conf(config);
        Self {
            store: Store::new(client.clone(), names()),
            client,
            counter,
            _aws: aws,
            _dir: dir,
        }
    }

    /// Starts with empty tables.
    pub(crate) async fn open() -> Self {
        let school = Self::bare().await;
        let made = provision(&school.client, &names()).await;
        made.expect("the tables are made");
        school
    }

    /// Starts with the course `oils`.
    pub(crate) async fn with_course(duration: u16) -> Self {
        let school = Self::open().await;
        school.carry_out(&create("create", "oils", duration)).await;
        school
    }

    /// Starts with the course, and Ada's enrolment in it with its sessions.
    pub(crate) async fn with_ada(duration: u16) -> Self {
        let school = Self::with_course(duration).await;
        school.enroll("ada").await;
        school
    }

    /// Takes a student from the application to the sessions.
    pub(crate) async fn enroll(&self, user_id: &str) -> Enrollment {
        let enrollment = self.pay(user_id).await;
        let initialised = self.store.initialise_sessions(&enrollment, now()).await;
        initialised.expect("the sessions are put");
        enrollment
    }

    /// Takes a student from the application to the payment.
    pub(crate) async fn pay(&self, user_id: &str) -> Enrollment {
        self.carry_out(&apply(&format!("apply-{user_id}"), user_id))
            .await;
        let paid = confirm(&format!("confirm-{user_id}"), user_id, "pay-1");
        self.carry_out(&paid).await;
        let enrollment = self.state(&paid).await.enrollment;
        enrollment.expect("the payment is confirmed")
    }

    /// Loads what a command needs, as it is now.
    pub(crate) async fn state(&self, command: &Command) -> State {
        let loaded = self.store.load(command.action.subject()).await;
        loaded.expect("it loads").state
    }

    /// Loads and decides a command.
    pub(crate) async fn decide(&self, command: &Command) -> Decision {
        self.decide_at(command, now()).await
    }

    pub(crate) async fn decide_at(&self, command: &Command, at: Timestamp) -> Decision {
        let loaded = self
            .store
            .load_for(&command.action)
            .await
            .unwrap_or_else(|e| panic!("{e}"));
        let (transition, outcome) = match decide(&loaded.state, command, at) {
            Ok(transition) => (transition, Outcome::Applied),
            Err(Refusal::Rejected(rejection)) => (Transition::Unchanged, Outcome::from(&rejection)),
            Err(Refusal::SessionsNotInitialized) => panic!("the sessions are not there yet"),
        };
        Decision {
            receipt: Receipt::new(command, outcome, at),
            loaded,
            transition,
        }
    }

    pub(crate) async fn commit(&self, decision: &Decision) -> Commit {
        let Decision {
            loaded,
            transition,
            receipt,
        } = decision;
        let commit = self.store.commit(loaded, transition, receipt).await;
        commit.unwrap_or_else(|e| panic!("{e}: {e:?}"))
    }

    /// Loads, decides and commits a command that must be applied.
    pub(crate) async fn carry_out(&self, command: &Command) -> Decision {
        let decision = self.decide(command).await;
        assert_eq!(decision.receipt.outcome, Outcome::Applied);
        assert_eq!(self.commit(&decision).await, Commit::Committed);
        decision
    }

    /// Returns the code that a command is rejected with.
    pub(crate) async fn rejection(&self, command: &Command) -> String {
        match self.decide(command).await.receipt.outcome {
            Outcome::Rejected { code, .. } => code,
            Outcome::Applied => panic!("it is applied"),
        }
    }

    pub(crate) async fn receipt_of(&self, command_id: &str) -> Option<Receipt> {
        let receipt = self.store.receipt(&id("/test"), &id(command_id)).await;
        receipt.expect("it reads")
    }

    /// Reads Ada's enrolment, or whose it is.
    pub(crate) async fn enrollment(&self, user_id: &str) -> Enrollment {
        let records = self.store.student(&id(user_id), &id("oils")).await;
        let records = records.expect("they read");
        records.enrollment.expect("the student is enrolled")
    }

    /// Reads an item as it lies in its table.
    pub(crate) async fn item(&self, table: Table, key: Item) -> Option<Item> {
        let request = self.client.get_item().table_name(names().name(table));
        let request = request.set_key(Some(key)).consistent_read(true);
        request.send().await.expect("it is read").item
    }

    pub(crate) async fn put(&self, table: Table, item: Item) {
        let request = self.client.put_item().table_name(names().name(table));
        request
            .set_item(Some(item))
            .send()
            .await
            .expect("it is put");
    }

    pub(crate) async fn delete(&self, table: Table, key: Item) {
        let request = self.client.delete_item().table_name(names().name(table));
        request
            .set_key(Some(key))
            .send()
            .await
            .expect("it is deleted");
    }

    /// Writes an item of the tables in another way.
    pub(crate) async fn rewrite(&self, key: &Key, change: impl FnOnce(&mut Item)) {
        let found = self.item(key.table(), key.attributes()).await;
        let mut item = found.unwrap_or_else(|| panic!("there is no {key}"));
        self.delete(key.table(), key.attributes()).await;
        change(&mut item);
        self.put(key.table(), item).await;
    }
}

pub(crate) fn s(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

pub(crate) fn n(number: u64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

pub(crate) fn course_key() -> Key {
    Key::Course(id("oils"))
}

pub(crate) fn application_key(user_id: &str) -> Key {
    Key::Application(id(user_id), id("oils"))
}

pub(crate) fn enrollment_key(user_id: &str) -> Key {
    Key::Enrollment(id(user_id), id("oils"))
}

pub(crate) fn session_key(user_id: &str, session_id: &str) -> Key {
    Key::Session(id("oils"), id(session_id), id(user_id))
}
