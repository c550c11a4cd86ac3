use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Student;

/// The maximum of cached enrolments, some 2 MB. Sessions are scanned ordinal by ordinal, so each student recurs. The first ones are
/// kept, because evicting the oldest would evict each student just before its next use.
const REMEMBERED: usize = 10_000;

/// A cache of the students with a paid enrolment and its number of sessions. Neither ever changes.
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
