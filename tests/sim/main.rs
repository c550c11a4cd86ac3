//! Seeded simulation of the real program on an in-process AWS: see `README.md` beside `Cargo.toml`.

mod aws;

mod clock;
mod connector;
mod fault;
mod network;
mod node;
mod operator;
mod probe;
mod world;

mod audit;
mod school;
mod students;
mod zoo;

mod alone;
mod crew;
mod tally;

mod determinism;
mod exhaustive;
mod logs;
mod loss;
mod replay;
mod scenario;
mod swarm;
