//! Each line of what a correct consumer does, on whole workers over fakes and a paused clock.

mod delivering;
mod discovering;
mod leasing;
mod living;
mod reading;
mod starting;
