//! Values that are checked where they enter and right from then on.

mod contact;
mod currency;
mod digest;
mod id;
mod money;
mod text;
mod timestamp;

pub use contact::ContactInfo;
pub use currency::Currency;
pub use digest::EventId;
pub(crate) use digest::sha256_hex;
pub use id::{CommandId, CourseId, SessionId, Source, UserId};
pub use money::{Amount, MAX_AMOUNT};
pub use text::{Duration, MAX_DURATION, SessionMinutes, Text};
pub(crate) use text::{MAX_CONTEXT, NOT_CARRIED, carried_by_none, is_carried, is_refused};
pub use timestamp::Timestamp;

/// Says why a value is not what its type asks; never holds the value itself, which may be private.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidValue(pub(crate) &'static str);
