//! What the tables hold, as the school speaks of it (`domain.md`, section 1).

mod application;
mod course;
mod enrollment;
mod session;

pub use application::{Application, Quote};
pub use course::Course;
pub use enrollment::{Charge, ChargeId, ChargeKind, Enrollment};
pub use session::{Rescheduled, Session, SessionStatus};
