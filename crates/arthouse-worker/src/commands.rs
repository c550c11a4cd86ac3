//! The command worker: a message becomes a decision, the decision a transaction, the transaction an outcome.

mod handler;
mod send;

pub use handler::CommandHandler;
pub use send::command_message;
