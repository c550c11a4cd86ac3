use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Student;

/// The most enrolments that are remembered, some 2 MB. Sessions are scanned ordinal by ordinal, so students come round again and
/// again: those who came first are kept, since dropping the oldest would drop each just before it is asked for.
const REMEMBERED: usize = 10_000;

/// Which students have a paid enrolment, and of how many sessions. Neither ever changes, so remembering it is as good as reading.
#[derive(Default)]
pub(super) struct Seen(Mutex<HashMap<Student, u16>>);

impl Seen {
    pub(super) fn note(&self, student: &Student, duration: u16) {
        let mut known = self.known();
        if known.len() < REMEMBERED {
            known.insert(student.clone(), duration);
        }
    }

    pub(super) fn duration(&self, student: &Student) -> Option<u16> {
        self.known().get(student).copied()
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Student, u16>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
