//! Who is served: programs of this machine, and no web page that a browser of this machine shows.

use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, StatusCode};

use crate::reply::{Reply, fault};

/// Names of this machine: itself, and as containers call it.
const NAMES: [&str; 3] = [
    "localhost",
    "host.docker.internal",
    "host.containers.internal",
];

/// Returns the refusal of a request that a web page makes.
///
/// A browser sends `Origin` with each request to another site that can change anything, and no SDK does. Without it (DNS rebinding), the page's
/// own name stands in `Host`.
pub(super) fn refusal(headers: &HeaderMap) -> Option<Reply> {
    let refused = |why: &str| {
        let code = "com.amazon.coral.service#AccessDeniedException";
        Some(fault(StatusCode::FORBIDDEN, code, why))
    };
    if headers.contains_key(ORIGIN) {
        return refused("requests of web pages (with an Origin header) are not served");
    }
    match headers.get(HOST) {
        Some(host) if !host.to_str().is_ok_and(is_this_machine) => {
            refused("the Host header must name this machine: localhost, 127.0.0.1 or [::1]")
        }
        Some(_) | None => None,
    }
}

/// Says whether a `Host` header, a name or an address with or without a port, is of this machine.
fn is_this_machine(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let address = name.trim_start_matches('[').trim_end_matches(']');
    NAMES.contains(&name.as_str())
        || name.ends_with(".localhost")
        || address
            .parse()
            .is_ok_and(|address: std::net::IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_this_machine_or_not() {
        for ours in [
            "127.0.0.1:4566",
            "localhost",
            "LOCALHOST:80",
            "sqs.eu-west-1.localhost:4566",
            "[::1]:4566",
            "[::1]",
            "127.9.9.9",
            "host.docker.internal:4566",
        ] {
            assert!(is_this_machine(ours), "{ours}");
        }
        for other in [
            "evil.example",
            "evil.example:4566",
            "127.0.0.1.evil.example",
            "localhost.evil.example:4566",
            "10.0.0.1:4566",
            "[::2]:1",
            "",
            ":4566",
        ] {
            assert!(!is_this_machine(other), "{other}");
        }
    }
}
