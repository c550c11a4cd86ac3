use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// The most askers that are remembered; those that may ask as often as anyone are forgotten first.
const MAX_ASKERS: usize = 10_000;

/// Limits how often one person, or one address without a valid token, may ask.
#[derive(Debug)]
pub struct Limiter {
    a_minute: f64,
    askers: Mutex<HashMap<String, Bucket>>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    left: f64,
    at: Instant,
}

impl Limiter {
    /// Allows so many requests a minute, of which as many may come at once.
    pub fn new(requests_a_minute: NonZeroU32) -> Self {
        Self {
            a_minute: requests_a_minute.get().into(),
            askers: Mutex::new(HashMap::new()),
        }
    }

    /// Says whether one more request may be answered, and counts it.
    pub(crate) fn allows(&self, asker: &str, now: Instant) -> bool {
        let mut askers = self.askers.lock().unwrap_or_else(PoisonError::into_inner);
        if askers.len() >= MAX_ASKERS && !askers.contains_key(asker) {
            askers.retain(|_, bucket| self.left(bucket, now) < self.a_minute);
            if askers.len() >= MAX_ASKERS {
                return false;
            }
        }
        let full = Bucket {
            left: self.a_minute,
            at: now,
        };
        let bucket = askers.entry(asker.to_owned()).or_insert(full);
        let left = self.left(bucket, now);
        let allowed = left >= 1.0;
        *bucket = Bucket {
            left: if allowed { left - 1.0 } else { left },
            at: now,
        };
        allowed
    }

    fn left(&self, bucket: &Bucket, now: Instant) -> f64 {
        let passed = now.saturating_duration_since(bucket.at).as_secs_f64();
        (bucket.left + passed * self.a_minute / 60.0).min(self.a_minute)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn one_asker_gets_as_many_answers_as_a_minute_has_and_does_not_use_up_anothers() {
        let limiter = Limiter::new(NonZeroU32::new(60).expect("not zero"));
        let now = Instant::now();
        let answered = (0..100).filter(|_| limiter.allows("ada", now)).count();
        assert_eq!(answered, 60);
        assert!(limiter.allows("bea", now));
        let later = now + Duration::from_secs(2);
        let answered = (0..100).filter(|_| limiter.allows("ada", later)).count();
        assert_eq!(answered, 2);
    }

    #[test]
    fn its_memory_is_bounded() {
        let limiter = Limiter::new(NonZeroU32::new(60).expect("not zero"));
        let now = Instant::now();
        for asker in 0..MAX_ASKERS + 10 {
            limiter.allows(&asker.to_string(), now);
        }
        let count = || limiter.askers.lock().expect("no holder panics").len();
        assert_eq!(count(), MAX_ASKERS);
        assert!(limiter.allows("new", now + Duration::from_secs(60)));
        assert_eq!(count(), 1);
    }
}
