//! One suite for every implementation of a port.

#[path = "../tests/wire/local/service.rs"]
mod service;
mod source;
mod store;
