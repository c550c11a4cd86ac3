use std::future::IntoFuture;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{Web, pages, router};

/// How long requests may take once the server stops: clients that keep a connection open are not waited for.
const DRAIN: Duration = Duration::from_secs(10);

/// Answers on a listener until `shutdown` fires, then finishes what it has begun.
///
/// # Errors
/// Returns why it can't go on.
pub async fn serve(web: Web, listener: TcpListener, shutdown: CancellationToken) -> io::Result<()> {
    let sampling =
        tokio_util::task::AbortOnDropHandle::new(tokio::spawn(pages::sample(web.clone())));
    let app = router(web).into_make_service_with_connect_info::<SocketAddr>();
    let stop = shutdown.clone();
    let serving = axum::serve(listener, app)
        .with_graceful_shutdown(async move { stop.cancelled().await })
        .into_future();
    let late = async {
        shutdown.cancelled().await;
        tokio::time::sleep(DRAIN).await;
    };
    let ended = tokio::select! {
        ended = serving => ended,
        () = late => Ok(()),
    };
    drop(sampling);
    ended
}
