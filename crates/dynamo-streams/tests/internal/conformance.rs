//! One suite for every implementation of a port.

#[path = "../wire/local/service.rs"]
mod service;
mod source;
mod store;
