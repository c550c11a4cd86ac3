//! The connection of one process: the SDK's clients think it is HTTP.

use std::io;
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use serde_json::json;
use tokio::time::sleep;

use crate::aws::{ApiCall, ApiReply};
use crate::clock::ProcessClock;
use crate::fault::Fault;
use crate::network::{Admission, Network, Order};

/// How wrong a wall clock may be: within what SQS and DynamoDB still accept.
const SKEW_SECONDS: i64 = 240;

/// A process's connection to the services, for one life.
#[derive(Clone, Debug)]
pub(crate) struct Connector {
    pub(crate) network: Network,
    pub(crate) clock: ProcessClock,
    pub(crate) node: u32,
    pub(crate) life: u32,
}

impl HttpClient for Connector {
    fn http_connector(
        &self,
        _settings: &HttpConnectorSettings,
        _components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let connection = self.clone();
        HttpConnectorFuture::new(async move {
            let call = ApiCall {
                node: connection.node,
                target: request
                    .headers()
                    .get("x-amz-target")
                    .unwrap_or_default()
                    .to_owned(),
                body: request.body().bytes().unwrap_or_default().to_vec().into(),
            };
            connection.exchange(call).await.map(response)
        })
    }
}

impl Connector {
    async fn exchange(&self, call: ApiCall) -> Result<ApiReply, ConnectorError> {
        let Some(admission) = self.network.admit(self.node, self.life) else {
            return std::future::pending().await;
        };
        sleep(admission.latency.0).await;
        let number = admission.number;
        let Some(fault) = admission.fault else {
            return Ok(self.answered(&call, &admission).await);
        };
        let now = self.clock.since_start();
        self.network
            .struck(fault, &call.target, now, self.node, number);
        if let Some(answer) = self.network.ignored(fault, &call) {
            return Ok(answer);
        }
        match fault {
            Fault::NotSent => Err(broken()),
            Fault::ResponseLost => {
                self.network.carry_out(call, number, now);
                Err(broken())
            }
            Fault::Unanswered => {
                self.network.carry_out(call, number, now);
                std::future::pending().await
            }
            Fault::Delayed => {
                self.network.send_late(call, now);
                std::future::pending().await
            }
            Fault::Throttled | Fault::Conflict => Ok(fault.refusal(&call.target, &call.json())),
            Fault::CrashBefore => self.halt(Order::Crash).await,
            Fault::CrashAfter => {
                self.network.carry_out(call, number, now);
                self.halt(Order::Crash).await
            }
            Fault::FreezeBefore => {
                self.freeze().await;
                Ok(self.answered(&call, &admission).await)
            }
            Fault::FreezeAfter => {
                let reply = self.network.carry_out(call, number, now);
                self.freeze().await;
                Ok(reply)
            }
            Fault::Skewed => {
                let ahead = number.is_multiple_of(2);
                self.clock
                    .skew(if ahead { SKEW_SECONDS } else { -SKEW_SECONDS });
                Ok(self.answered(&call, &admission).await)
            }
            Fault::Redelivered => {
                self.network.redeliver(self.node, now);
                Ok(self.answered(&call, &admission).await)
            }
        }
    }

    async fn answered(&self, call: &ApiCall, admission: &Admission) -> ApiReply {
        let reply = if call.target == "AmazonSQS.ReceiveMessage" {
            self.poll(call, admission.number).await
        } else {
            self.network
                .carry_out(call.clone(), admission.number, self.clock.since_start())
        };
        sleep(admission.latency.1).await;
        reply
    }

    /// Waits for messages as the service does for a long poll.
    async fn poll(&self, call: &ApiCall, number: u64) -> ApiReply {
        let request = call.json();
        let queue_url = request["QueueUrl"].as_str().unwrap_or_default().to_owned();
        let wait = Duration::from_secs(request["WaitTimeSeconds"].as_u64().unwrap_or_default());
        let until = self.clock.since_start() + wait;
        loop {
            let changed = self.network.aws.queue_changed();
            let now = self.clock.since_start();
            let reply = self.network.carry_out(call.clone(), number, now);
            let messages = &reply.json()["Messages"];
            let empty = messages.as_array().is_none_or(Vec::is_empty);
            if reply.status != 200 || !empty || now >= until {
                return reply;
            }
            let arrival = self.network.aws.next_arrival(&queue_url);
            let wake_at = arrival.map_or(until, |at| at.min(until));
            // A moment passes in any case, or a message that can't be had yet would be asked for without end.
            let wake_at = wake_at.max(now + Duration::from_millis(1));
            tokio::select! {
                biased;
                () = changed => {}
                () = tokio::time::sleep_until(self.clock.instant(wake_at)) => {}
            }
        }
    }

    async fn halt<T>(&self, order: Order) -> T {
        self.network.order(self.node, order);
        std::future::pending().await
    }

    /// Stands still: the process is not run until long after this sleep is over.
    async fn freeze(&self) {
        self.network.order(self.node, Order::Freeze);
        sleep(Duration::from_millis(1)).await;
    }
}

fn broken() -> ConnectorError {
    ConnectorError::io(io::Error::from(io::ErrorKind::ConnectionReset).into())
}

fn response(reply: ApiReply) -> HttpResponse {
    let status = reply
        .status
        .try_into()
        .expect("the services answer with a status");
    let mut response = HttpResponse::new(status, reply.body.into());
    if let Some(error) = reply.query_error {
        response.headers_mut().insert("x-amzn-query-error", error);
    }
    response
}

/// What it asks for.
impl ApiCall {
    pub(crate) fn operation(&self) -> &str {
        self.target.rsplit('.').next().unwrap_or_default()
    }

    /// The body as JSON; an empty object if it is none.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| json!({}))
    }
}
