//! A school of its own for each test: services, workers that can be stopped, and the server.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arthouse_core::UserId;
use arthouse_web::{Identity, Limiter, Secret, Settings, Web, serve};
use arthouse_worker::{
    Clients, Clock, LOCAL_CREDENTIALS, LOCAL_REGION, Names, Stack, local_settings,
};
use aws_sdk_dynamodb::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_dynamodb::config::{
    BehaviorVersion, ConfigBag, Credentials, Intercept, Region, RuntimeComponents,
};
use aws_sdk_dynamodb::error::BoxError;
use local_aws::{Config, LocalAws};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::browser::Browser;

/// The secret of the tests' servers.
pub(crate) const SECRET: &str = "a secret for the tests, long enough";

pub(crate) struct School {
    pub(crate) address: String,
    pub(crate) counter: Counter,
    stack: Stack,
    workers: Option<(CancellationToken, JoinHandle<()>)>,
    stop: CancellationToken,
    _aws: LocalAws,
    _dir: TempDir,
}

pub(crate) fn settings(identity: Identity) -> Settings {
    Settings {
        identity,
        hosts: Vec::new(),
        secret: Secret::parse(SECRET).expect("it is long enough"),
        revoked_feeds: BTreeMap::new(),
        limiter: Limiter::new(NonZeroU32::new(10_000).expect("not zero")),
        clock: Clock::system(),
    }
}

impl School {
    /// Starts everything, with roles that are chosen.
    pub(crate) async fn open() -> Self {
        Self::with(settings(Identity::Chosen)).await
    }

    /// Starts everything.
    pub(crate) async fn with(settings: Settings) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let config = Config {
            data_dir: dir.path().join("data"),
            port: 0,
        };
        let aws = LocalAws::start(config).await.expect("the services start");
        let mut clients = Clients::for_endpoint(aws.endpoint_url());
        let stack = Stack::provision(clients.clone(), Names::default()).await;
        let stack = stack.expect("the tables and queues are made");
        let counter = Counter::default();
        clients.dynamodb = counted(aws.endpoint_url(), &counter);
        let seen = Stack::find(clients, Names::default())
            .await
            .expect("they are found");
        let stop = CancellationToken::new();
        let address = listen(seen, settings, &stop).await;
        let mut school = Self {
            address,
            counter,
            stack,
            workers: None,
            stop,
            _aws: aws,
            _dir: dir,
        };
        school.start_workers();
        school
    }

    /// Serves the same school once more, in another way; the address is returned.
    pub(crate) async fn also_with(&self, settings: Settings) -> String {
        listen(self.stack.clone(), settings, &self.stop).await
    }

    pub(crate) fn start_workers(&mut self) {
        let stop = CancellationToken::new();
        let (stack, token) = (self.stack.clone(), stop.clone());
        let running = tokio::spawn(async move {
            let ended = stack.run(&local_settings(), token).await;
            ended.expect("the workers run");
        });
        self.workers = Some((stop, running));
    }

    pub(crate) async fn stop_workers(&mut self) {
        let (stop, running) = self.workers.take().expect("they run");
        stop.cancel();
        running.await.expect("they end");
    }

    pub(crate) fn browser(&self, role: &str) -> Browser {
        Browser::new(&self.address).with_role(role)
    }

    /// Sends a command as the office and waits until it is carried out.
    pub(crate) async fn carry_out(&self, kind: &str, data: Value) {
        let office = self.browser("admin:office");
        let sent = office
            .post_json("/api/commands", &json!({"type": kind, "data": data}))
            .await;
        assert_eq!(sent.status, 202, "{sent:?}");
        let at = sent.header("location");
        let state = eventually(async || {
            let state = office.get(&at).await.json();
            (state["state"] != "waiting").then_some(state)
        });
        let state = state.await;
        assert_eq!(state["state"], "applied", "{kind} {state}");
    }

    /// A course of weekly evenings in London from next week on, 3 sessions of 90.00 GBP.
    pub(crate) async fn create(&self, course_id: &str) {
        let first = (chrono::Utc::now() + chrono::TimeDelta::days(7)).format("%Y%m%d");
        let data = json!({
            "course_id": course_id, "title": format!("Painting, {course_id}"), "description": "At the easel.",
            "cost": 9_000, "currency": "GBP", "duration": 3, "payment_method": "card",
            "schedule": format!("DTSTART;TZID=Europe/London:{first}T180000\nRRULE:FREQ=WEEKLY"),
        });
        self.carry_out("course.create", data).await;
    }

    pub(crate) async fn apply(&self, user_id: &str, course_id: &str) {
        let contact = json!({"name": format!("Name of {user_id}"), "email": format!("{user_id}@private.example")});
        let data = json!({"user_id": user_id, "course_id": course_id, "contact_info": contact});
        self.carry_out("course.apply", data).await;
    }

    /// Takes a student to the sessions of a course.
    pub(crate) async fn enroll(&self, user_id: &str, course_id: &str) {
        self.apply(user_id, course_id).await;
        let data = json!({"user_id": user_id, "course_id": course_id});
        self.carry_out("payment.confirm", data).await;
        let (user_id, course_id) = (
            user_id.parse().expect("an id"),
            course_id.parse().expect("an id"),
        );
        eventually(async || {
            let records = self
                .stack
                .store
                .student(&user_id, &course_id)
                .await
                .expect("they read");
            let enrollment = records.enrollment?;
            enrollment.sessions_initialized_at.map(|_| ())
        })
        .await;
    }
}

impl Drop for School {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some((stop, _)) = &self.workers {
            stop.cancel();
        }
    }
}

async fn listen(stack: Stack, settings: Settings, stop: &CancellationToken) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address").to_string();
    let web = Web::new(stack, settings);
    tokio::spawn(serve(web, listener, stop.clone()));
    address
}

/// Asks until there is an answer.
pub(crate) async fn eventually<T>(mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    for _ in 0..600 {
        if let Some(answer) = ask().await {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("there is no answer in 30 seconds");
}

pub(crate) fn user(id: &str) -> UserId {
    id.parse().expect("an id")
}

/// Counts the requests of the server to DynamoDB, by operation.
#[derive(Debug, Default, Clone)]
pub(crate) struct Counter(Arc<Mutex<BTreeMap<String, usize>>>);

impl Counter {
    /// Returns what was counted and starts anew.
    pub(crate) fn take(&self) -> BTreeMap<String, usize> {
        std::mem::take(&mut *self.0.lock().expect("no holder panics"))
    }
}

impl Intercept for Counter {
    fn name(&self) -> &'static str {
        "Counter"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let target = context.request().headers().get("x-amz-target");
        let operation = target.and_then(|target| target.split_once('.'));
        let (_, operation) = operation.ok_or("a request without a target")?;
        let mut counts = self.0.lock().expect("no holder panics");
        *counts.entry(operation.to_owned()).or_default() += 1;
        Ok(())
    }
}

fn counted(endpoint: &str, counter: &Counter) -> aws_sdk_dynamodb::Client {
    let credentials = Credentials::new(LOCAL_CREDENTIALS, LOCAL_CREDENTIALS, None, None, "test");
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(LOCAL_REGION))
        .credentials_provider(credentials)
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .endpoint_url(endpoint)
        .interceptor(counter.clone())
        .build();
    aws_sdk_dynamodb::Client::from_conf(config)
}
