//! The store over real connections to an emulator of its own for each test.

mod commands;
mod counter;
mod school;

mod charges;
mod commits;
mod costs;
mod initialising;
mod loader;
mod long_keys;
mod old_items;
mod provisioning;
mod races;
mod reads;
mod scans;
mod sweeps;
