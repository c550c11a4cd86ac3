//! One suite for every implementation of a port.

mod service;
mod source;
mod store;
