//! Seeded simulation of the real program on an in-process AWS.

#[expect(dead_code, reason = "the driver on top of it is still to come")]
mod aws;
