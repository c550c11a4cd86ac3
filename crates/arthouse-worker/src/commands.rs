//! The command worker: a message becomes a decision, the decision a transaction, the transaction an outcome.

mod handler;
mod redrive;
mod send;

pub use handler::CommandHandler;
pub use redrive::{CommandRedrive, CommandRedriveReport, RemainingDeadLetter};
pub use send::command_message;
