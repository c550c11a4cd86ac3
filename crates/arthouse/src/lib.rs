#![doc = include_str!("../README.md")]

mod aws;
mod stack;

mod exit;

pub use exit::Exit;
pub use stack::{Clients, Names, RunSummary, Stack, local_settings};
