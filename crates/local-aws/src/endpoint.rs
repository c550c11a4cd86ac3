//! The HTTP endpoint: reads a whole request, dispatches it by `X-Amz-Target` and writes the response.

mod target;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::State;
use axum::http::{HeaderMap, Method, Request, Response, StatusCode};
use axum::serve::ListenerExt;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::dynamodb::DynamoDb;
use crate::loopback::Listener;
use crate::reply::{self, Reply, fault};
use crate::sqs::SqsService;
use target::Target;

/// The largest request body that DynamoDB accepts, in bytes. SQS checks its own limit of 1 MiB.
const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;
/// The shutdown timeout for requests in flight.
const GRACE: Duration = Duration::from_secs(10);

/// The services behind the endpoint.
#[derive(Debug)]
pub(crate) struct Services {
    pub(crate) dynamodb: DynamoDb,
    pub(crate) sqs: SqsService,
}

/// The running endpoint.
#[derive(Debug)]
pub(crate) struct Endpoint {
    url: String,
    stop: DropGuard,
    served: JoinHandle<io::Result<()>>,
}

impl Endpoint {
    /// Serves until [`stop`](Self::stop) is called or the endpoint is dropped.
    pub(crate) fn serve(listener: Listener, services: Arc<Services>) -> Self {
        let stop = CancellationToken::new();
        let router = Router::new().fallback(answer).with_state(services);
        let Listener { socket, url } = listener;
        let socket = socket.tap_io(|connection| {
            // A socket without `TCP_NODELAY` works, but more slowly.
            let _ = connection.set_nodelay(true);
        });
        let serving =
            axum::serve(socket, router).with_graceful_shutdown(stop.clone().cancelled_owned());
        Self {
            url,
            stop: stop.drop_guard(),
            served: tokio::spawn(serving.into_future()),
        }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Stops accepting and waits up to [`GRACE`] for requests in flight.
    pub(crate) async fn stop(self) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        drop(self.stop);
        match tokio::time::timeout(GRACE, self.served).await {
            Ok(served) => Ok(served??),
            Err(_) => Err("a request was still running after 10 seconds".into()),
        }
    }
}

async fn answer(State(services): State<Arc<Services>>, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    if parts.method == Method::GET || parts.method == Method::HEAD {
        return reply::health(parts.uri.path()).into_response();
    }
    let announced = body.size_hint().lower();
    let read = if announced > MAX_BODY_BYTES as u64 {
        None
    } else {
        axum::body::to_bytes(body, MAX_BODY_BYTES).await.ok()
    };
    let reply = match read {
        Some(body) => dispatch(&services, &parts.headers, body).await,
        None => fault(
            StatusCode::PAYLOAD_TOO_LARGE,
            "com.amazon.coral.service#RequestEntityTooLargeException",
            "the request is larger than 16 MB or was cut off",
        ),
    };
    reply.into_response()
}

async fn dispatch(services: &Services, headers: &HeaderMap, body: Bytes) -> Reply {
    let named = headers.get("x-amz-target").and_then(|v| v.to_str().ok());
    match named.and_then(Target::parse) {
        Some(Target::Sqs(operation)) => Reply::from(services.sqs.handle(operation, &body).await),
        Some(Target::DynamoDb(operation)) => services.dynamodb.answer(operation, body).await,
        Some(Target::Streams(operation)) => {
            services.dynamodb.streams().answer(operation, body).await
        }
        None => reply::unknown_operation(),
    }
}
