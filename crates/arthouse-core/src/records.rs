//! The records of the school, as the tables hold them (`TABLES.md` of arthouse-store).

mod application;
mod course;
mod enrollment;
mod initial_sessions;
mod session;
mod status;

pub use application::{Application, Quote};
pub use course::Course;
pub use enrollment::{Charge, ChargeId, Enrollment};
pub use initial_sessions::initial_sessions;
pub use session::{Rescheduled, Session};
pub use status::{ChargeKind, SessionStatus};
