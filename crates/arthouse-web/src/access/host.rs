//! The names by which the server may be called: a page of a foreign name that resolves to this machine (DNS rebinding) is refused.

use std::net::{IpAddr, SocketAddr};

/// Says whether an address can be reached from this machine only.
pub fn is_loopback(address: SocketAddr) -> bool {
    address.ip().is_loopback()
}

/// Returns a host without its port and the brackets of an IPv6 address, in lower case.
fn name(host: &str) -> String {
    let host = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => host.split_once(':').map_or(host, |(name, _)| name),
    };
    host.to_ascii_lowercase()
}

/// Says whether a `Host` header names this server: one of the given names, or loopback if `loopback` is allowed.
pub(crate) fn allowed_host(host: &str, names: &[String], loopback: bool) -> bool {
    let name = name(host);
    let is_local = name == "localhost" || name.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
    names.iter().any(|known| known.eq_ignore_ascii_case(&name)) || (loopback && is_local)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_one_of_those_named_or_loopback() {
        let names = ["school.example.com".to_owned()];
        for (host, loopback, allowed) in [
            ("school.example.com", false, true),
            ("School.Example.com:443", false, true),
            ("127.0.0.1:4567", true, true),
            ("[::1]:4567", true, true),
            ("localhost", true, true),
            ("127.0.0.1:4567", false, false),
            ("evil.example.com", true, false),
            ("127.0.0.1.evil.example.com", true, false),
            ("school.example.com.evil.com", false, false),
            ("", true, false),
        ] {
            assert_eq!(allowed_host(host, &names, loopback), allowed, "{host}");
        }
    }
}
