//! The records of the school, as the tables hold them (`TABLES.md` of arthouse-store).

mod application;
mod course;
mod enrollment;
mod session;

pub use application::{Application, Quote};
pub use course::Course;
pub use enrollment::{Charge, ChargeId, ChargeKind, Enrollment};
pub use session::{Rescheduled, Session, SessionStatus};
