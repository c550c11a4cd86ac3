//! The server over real connections, beside a stack of its own for each test.

mod browser;
mod rig;
mod tokens;

mod api;
mod calendar;
mod costs;
mod pages;
mod refused;
mod waiting;
