//! The HTTP endpoint: reads a whole request, dispatches it by `X-Amz-Target` and writes the response.

mod guard;
mod peek;
mod query;
mod target;

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::header::{AUTHORIZATION, HOST};
use axum::http::{HeaderMap, Method, Request, Response, StatusCode, Uri};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::dynamodb::Caller;
use crate::loopback::Listener;
use crate::place::Place;
use crate::reply::{self, Reply, fault};
use crate::services::{Regional, Services};
use crate::sqs::Address;
use target::Target;

/// The largest request body that DynamoDB accepts, in bytes. SQS checks its own limit of 1 MiB.
const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;
/// How long a body may take.
const BODY_TIMEOUT: Duration = Duration::from_secs(60);
/// The pause after a connection could not be accepted, which is so while the process has no file descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// The shutdown timeout for requests in flight.
const GRACE: Duration = Duration::from_secs(10);

/// What is behind the endpoint.
struct Behind {
    services: Arc<Services>,
    /// The endpoint's own URL, with which those of queues begin.
    url: String,
}

/// The running endpoint.
#[derive(Debug)]
pub(crate) struct Endpoint {
    url: String,
    stop: DropGuard,
    served: JoinHandle<()>,
}

impl Endpoint {
    /// Serves until [`stop`](Self::stop) is called or the endpoint is dropped.
    pub(crate) fn serve(
        listener: Listener,
        services: Arc<Services>,
        head_timeout: Duration,
    ) -> Self {
        let stop = CancellationToken::new();
        let Listener { socket, url } = listener;
        let stopped = stop.clone();
        let behind = Arc::new(Behind {
            services,
            url: url.clone(),
        });
        let served = tokio::spawn(accept(socket, stop.clone(), move |connection| {
            converse(
                connection,
                Arc::clone(&behind),
                head_timeout,
                stopped.clone(),
            )
        }));
        Self {
            url,
            stop: stop.drop_guard(),
            served,
        }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Stops accepting and waits up to [`GRACE`] for requests in flight.
    pub(crate) async fn stop(self) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        drop(self.stop);
        match timeout(GRACE, self.served).await {
            Ok(served) => Ok(served?),
            Err(_) => Err("a request was still running after 10 seconds".into()),
        }
    }
}

/// Accepts connections until `stop` fires, and then waits for their requests in flight.
async fn accept<F: Future<Output = ()> + Send + 'static>(
    socket: TcpListener,
    stop: CancellationToken,
    converse: impl Fn(TcpStream) -> F,
) {
    let mut connections = JoinSet::new();
    while let Some(accepted) = stop.run_until_cancelled(socket.accept()).await {
        match accepted {
            Ok((connection, _)) => drop(connections.spawn(converse(connection))),
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
        while connections.try_join_next().is_some() {}
    }
    drop(socket);
    while connections.join_next().await.is_some() {}
}

/// Answers the requests of one connection, one after another.
async fn converse(
    connection: TcpStream,
    behind: Arc<Behind>,
    head_timeout: Duration,
    stop: CancellationToken,
) {
    // A socket without `TCP_NODELAY` works, but more slowly.
    let _ = connection.set_nodelay(true);
    let answering = service_fn(|request: Request<Incoming>| {
        let behind = Arc::clone(&behind);
        async move { Ok::<_, Infallible>(answer(&behind, request.map(Body::new)).await) }
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(head_timeout)
        .serve_connection(TokioIo::new(connection), answering);
    let mut serving = pin!(serving);
    // A connection that breaks is its client's affair.
    if stop.run_until_cancelled(serving.as_mut()).await.is_none() {
        serving.as_mut().graceful_shutdown();
        let _ = serving.await;
    }
}

async fn answer(behind: &Behind, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    if let Some(refusal) = guard::refusal(&parts.headers) {
        return refusal.into_response();
    }
    if parts.method == Method::GET || parts.method == Method::HEAD {
        return behind.get(&parts.uri, &parts.headers).await.into_response();
    }
    let announced = body.size_hint().lower();
    let read = if announced > MAX_BODY_BYTES as u64 {
        None
    } else {
        let reading = axum::body::to_bytes(body, MAX_BODY_BYTES);
        timeout(BODY_TIMEOUT, reading)
            .await
            .ok()
            .and_then(Result::ok)
    };
    let reply = match read {
        Some(body) => behind.dispatch(&parts.headers, body).await,
        None => fault(
            StatusCode::PAYLOAD_TOO_LARGE,
            "com.amazon.coral.service#RequestEntityTooLargeException",
            "the request is larger than 16 MB or was cut off",
        ),
    };
    reply.into_response()
}

impl Behind {
    /// Answers a read: the health check, the messages of a queue, or an action of the query protocol.
    async fn get(&self, uri: &Uri, headers: &HeaderMap) -> Reply {
        if let Some((action, version)) = uri.query().and_then(query::action) {
            let (_, place) = match self.services.of(signed(headers)).await {
                Ok(found) => found,
                Err(refusal) => return refusal,
            };
            return query::answer(&action, &version, &place);
        }
        let Some((place, queue)) = peek::wanted(uri) else {
            return reply::health(uri.path());
        };
        match self.services.of(place.or_else(|| signed(headers))).await {
            Ok((here, place)) => {
                let address = Address::new(&self.url, &place);
                Reply::from(here.sqs.peek(&queue, &address).await)
            }
            Err(refusal) => refusal,
        }
    }

    async fn dispatch(&self, headers: &HeaderMap, body: Bytes) -> Reply {
        let (here, place) = match self.services.of(signed(headers)).await {
            Ok(found) => found,
            Err(refusal) => return refusal,
        };
        let Some(named) = headers.get("x-amz-target") else {
            let form = std::str::from_utf8(&body).ok().and_then(query::action);
            return match form {
                Some((action, version)) => query::answer(&action, &version, &place),
                None => reply::unknown_operation("without a name"),
            };
        };
        let named = named.to_str().unwrap_or_default();
        match Target::parse(named) {
            Some(target) => self.answer(&here, target, headers, place, body).await,
            None => reply::unknown_operation(named),
        }
    }

    async fn answer(
        &self,
        here: &Regional,
        target: Target<'_>,
        headers: &HeaderMap,
        place: Place,
        body: Bytes,
    ) -> Reply {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        match target {
            Target::Sqs(operation) => {
                let address = Address::new(&self.url, &place);
                let trace = text("x-amzn-trace-id");
                Reply::from(here.sqs.handle(operation, &body, &address, trace).await)
            }
            Target::DynamoDb(operation) => {
                let endpoint = text(HOST.as_str()).unwrap_or_default().to_owned();
                let caller = Caller { place, endpoint };
                here.dynamodb.answer(operation, body, &caller).await
            }
            Target::Streams(operation) => {
                let streams = here.dynamodb.streams();
                streams.answer(operation, body, &place).await
            }
        }
    }
}

/// The account and region of a request's signature.
fn signed(headers: &HeaderMap) -> Option<Place> {
    let authorization = headers.get(AUTHORIZATION)?.to_str().ok()?;
    Place::of_signature(authorization)
}
