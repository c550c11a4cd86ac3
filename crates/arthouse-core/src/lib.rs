#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

mod values;

mod schedule;

mod records;

mod command;
mod envelope;
mod malformed;

mod outcome;
mod rejection;
mod transition;
mod workflow;

mod event;
mod notification;
mod reaction;

mod audit;
mod owed;
mod progress;

pub mod schema;

#[cfg(test)]
mod samples;

pub use values::{
    Amount, CommandId, ContactInfo, CourseId, Currency, Duration, EventId, InvalidValue,
    MAX_AMOUNT, MAX_DURATION, SessionId, SessionMinutes, Source, Text, Timestamp, UserId,
};

pub use schedule::{
    Occurrence, Schedule, ScheduleError, TimeZoneData, TimeZoneVersion, Zone, time_zone_data,
    use_time_zone_data,
};

pub use records::{
    Application, Charge, ChargeId, ChargeKind, Course, Enrollment, Quote, Rescheduled, Session,
    SessionStatus,
};

pub use command::{
    Action, Actor, ActorType, ApplyForCourse, Command, CommandType, ConfirmPayment, CreateCourse,
    RescheduleSession, SessionTarget, SkipSession, UpdateCourse,
};
pub use envelope::{MAX_BODY_BYTES, Metadata, PayloadHash};
pub use malformed::{Malformed, Reason, without_values};

pub use outcome::{Outcome, Receipt};
pub use rejection::Rejection;
pub use transition::{Needs, Refusal, State, Transition};
pub use workflow::{decide, initial_sessions};

pub use event::{CloudEvent, EVENT_SOURCE};
pub use notification::{Notification, ScheduledSession};
pub use reaction::{Change, Reaction, react};

pub use audit::{
    Invariant, OffTimetable, Subject, Violation, audit, audit_receipt, off_timetable, stray_session,
};
pub use owed::{Owed, owed};
pub use progress::{Progress, SessionProgress, Stage, StatementLine, project};
