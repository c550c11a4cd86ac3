//! Each line of what a correct consumer does, on whole workers over fakes and a paused clock.
//! `tests/README.md` says which test holds which line.

mod delivering;
mod discovering;
mod failing;
mod leasing;
mod living;
mod reading;
mod required;
mod stalling;
mod starting;
