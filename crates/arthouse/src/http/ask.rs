use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, Result};
use axum::http::{Request, StatusCode, header};
use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

/// What a daemon is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Probe {
    /// Whether it is alive.
    Health,
    /// Whether it does its work.
    Readiness,
    /// Whether its start has succeeded.
    Startup,
}

/// How long an answer may take: a daemon that takes longer is unhealthy.
const PATIENCE: Duration = Duration::from_secs(3);

/// Asks the daemon that answers at this address, and returns whether all is well and what it said.
///
/// # Errors
/// Says why there is no answer.
pub(crate) async fn ask(address: SocketAddr, probe: Probe) -> Result<(bool, String)> {
    let asked = reachable(address);
    let answer = timeout(PATIENCE, get(asked, probe.path())).await;
    answer
        .context("no answer within 3 seconds")
        .flatten()
        .with_context(|| format!("can't ask {asked}"))
}

impl Probe {
    fn path(self) -> &'static str {
        match self {
            Self::Health => "/healthz",
            Self::Readiness => "/readyz",
            Self::Startup => "/startupz",
        }
    }
}

async fn get(address: SocketAddr, path: &str) -> Result<(bool, String)> {
    let stream = TcpStream::connect(address).await?;
    let (mut requests, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let _connection = AbortOnDropHandle::new(tokio::spawn(connection));
    let request = Request::get(path)
        .header(header::HOST, address.to_string())
        .body(Empty::<Bytes>::new())?;
    let response = requests.send_request(request).await?;
    let is_good = response.status() == StatusCode::OK;
    let body = response.into_body().collect().await?.to_bytes();
    let text = String::from_utf8_lossy(&body).trim().to_owned();
    Ok((is_good, text))
}

/// Turns the address that a daemon listens on into one that it can be asked at from the same machine.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
            SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
        });
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_daemon_that_listens_everywhere_is_asked_on_this_machine() {
        for (listens, asked) in [
            ("0.0.0.0:8080", "127.0.0.1:8080"),
            ("[::]:8080", "[::1]:8080"),
            ("10.1.2.3:80", "10.1.2.3:80"),
        ] {
            let listens: SocketAddr = listens.parse().unwrap();
            assert_eq!(reachable(listens).to_string(), asked);
        }
    }
}
