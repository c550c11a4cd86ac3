#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

mod values;

mod schedule;

mod records;

mod command;
mod malformed;

mod outcome;
mod rejection;
mod source_rules;
mod transition;

mod event;
mod notification;
mod reaction;

mod audit;
mod owed;
mod progress;
mod summary;

mod json_schema;
pub mod schema;

// By this name the samples know the crate, wherever they are included.
#[cfg(test)]
extern crate self as arthouse_core;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod world;

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
    SessionStatus, initial_sessions,
};

pub use command::*;
pub use malformed::{Malformed, Reason, without_values};

pub use outcome::{Outcome, OutcomeContext, Receipt};
pub use rejection::Rejection;
pub use source_rules::{InvalidSourceRule, SourceRules};
pub use transition::{Refusal, State, Transition};

pub use event::{CloudEvent, EVENT_SOURCE};
pub use notification::{Notification, ScheduledSession};
pub use reaction::{Change, Reaction, react};

pub use audit::{
    AuditSubject, Invariant, OffTimetable, Violation, audit, audit_receipt, off_timetable,
    stray_session,
};
pub use owed::{Owed, owed};
pub use progress::{Progress, SessionProgress, Stage, StatementLine, project};
pub use summary::{CourseDetails, CourseSummary, summarise};
