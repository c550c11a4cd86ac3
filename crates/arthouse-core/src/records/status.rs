use serde::{Deserialize, Serialize};

use crate::Amount;

/// How a session stands. All that depends on it is said here, status by status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum SessionStatus {
    /// It is still to come.
    Scheduled,
    /// The student came.
    Attended,
    /// The student did not come.
    Skipped,
}

/// What a session is charged for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ChargeKind {
    /// The student came.
    Attended,
    /// The student did not come.
    Skipped,
}

impl SessionStatus {
    /// Returns the status in lower case, for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Attended => "attended",
            Self::Skipped => "skipped",
        }
    }

    /// Returns what a session in this state is charged for; nothing while it is still to come.
    pub fn charge_kind(self) -> Option<ChargeKind> {
        match self {
            Self::Scheduled => None,
            Self::Attended => Some(ChargeKind::Attended),
            Self::Skipped => Some(ChargeKind::Skipped),
        }
    }

    /// Says whether the session is not to come any more.
    pub fn is_over(self) -> bool {
        self.charge_kind().is_some()
    }

    /// Says whether the session's cost is owed, and so paid.
    pub fn is_paid(self) -> bool {
        match self {
            Self::Scheduled => false,
            Self::Attended | Self::Skipped => true,
        }
    }

    /// Returns what is owed for a session of this cost.
    pub fn owed(self, cost: Amount) -> Amount {
        if self.is_paid() { cost } else { Amount::ZERO }
    }
}

impl ChargeKind {
    /// Returns the kind in lower case, for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Attended => "attended",
            Self::Skipped => "skipped",
        }
    }

    /// Returns by how much the charge lowers the sessions remaining.
    pub fn counted(self) -> u16 {
        match self {
            Self::Attended => 1,
            Self::Skipped => 0,
        }
    }

    /// Returns the notification that tells the charge and the balance after it.
    pub(crate) fn told_as(self) -> Option<&'static str> {
        match self {
            Self::Attended => Some("session.attended"),
            Self::Skipped => Some("session.skipped"),
        }
    }
}
