//! The faults that may still happen.

/// How many of each kind may still happen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Faults {
    /// A worker dies. What it sent last may still arrive.
    pub(super) crash: u8,
    /// A worker is frozen for longer than its lease, and goes on without knowing it.
    pub(super) zombie: u8,
    /// A worker's heartbeats fail for longer than its lease, and it knows it.
    pub(super) silence: u8,
    /// A write is sent again, and the first sending arrives as well, at any later time.
    pub(super) echo: u8,
    /// A worker is told to shut down, and drains.
    pub(super) drain: u8,
    /// Whether the first fault has struck. The workers are alike, so it strikes the first of them.
    pub(super) struck: bool,
}

impl Faults {
    pub(super) const NONE: Self = Self {
        crash: 0,
        zombie: 0,
        silence: 0,
        echo: 0,
        drain: 0,
        struck: false,
    };
}
