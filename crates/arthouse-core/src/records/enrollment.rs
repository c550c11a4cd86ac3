use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::{
    Amount, ChargeKind, ContactInfo, CourseId, Currency, Duration, InvalidValue, Schedule,
    SessionId, SessionMinutes, Text, Timestamp, UserId,
};

/// A paid enrolment: the price and the timetable as they were at confirmation, and the statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrollment {
    /// Who is enrolled.
    pub user_id: UserId,
    /// In which course.
    pub course_id: CourseId,
    /// When the payment was confirmed.
    pub paid_date: Timestamp,
    /// What is left of the payment.
    pub balance: Amount,
    /// How many sessions have not been attended.
    pub sessions_remaining: u16,
    /// When the student applied.
    pub applied_date: Timestamp,
    /// How to reach the student.
    pub contact_info: ContactInfo,
    /// What the course was called.
    pub title: Text,
    /// What was paid.
    pub cost: Amount,
    /// The currency of the cost.
    pub currency: Currency,
    /// How many sessions were bought.
    pub duration: Duration,
    /// The timetable that the sessions follow.
    pub schedule: Schedule,
    /// How long a session lasts.
    pub session_minutes: SessionMinutes,
    /// No session takes place until after this.
    pub first_session_after: Option<Timestamp>,
    /// The payment's reference at its provider.
    pub payment_reference: Option<Text>,
    /// The statement: what was charged, for what and when. It only grows.
    pub charges: BTreeMap<ChargeId, Charge>,
    /// When all sessions were there.
    pub sessions_initialized_at: Option<Timestamp>,
    /// Counts the changes, from 1.
    pub version: u64,
}

impl Enrollment {
    /// Returns what has been charged.
    pub fn charged(&self) -> Amount {
        self.charges.values().map(|charge| charge.amount).sum()
    }

    /// Returns how many charges are of a kind.
    pub fn count(&self, kind: ChargeKind) -> usize {
        self.charges
            .values()
            .filter(|charge| charge.kind == kind)
            .count()
    }

    /// Returns the charges that an earlier version did not have.
    pub(crate) fn charges_since(&self, before: &Self) -> Vec<(&ChargeId, &Charge)> {
        let is_added = |(id, _): &(&ChargeId, &Charge)| !before.charges.contains_key(id);
        self.charges.iter().filter(is_added).collect()
    }

    /// Says whether every session has been attended or skipped and charged.
    pub fn is_complete(&self) -> bool {
        self.charges.len() == usize::from(self.duration.get())
    }
}

/// A line of the statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Charge {
    /// How much.
    pub amount: Amount,
    /// For what.
    pub kind: ChargeKind,
    /// When the session was attended or skipped.
    pub at: Timestamp,
}

/// Names a charge by what it is for, `<session>#<number>`, so that a replay names the same one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChargeId {
    session_id: SessionId,
    number: u32,
}

impl ChargeId {
    /// Names the one charge of a session. (Its number leaves room for a session charged anew, which no rule has yet.)
    pub fn of_session(session_id: SessionId) -> Self {
        Self {
            session_id,
            number: 1,
        }
    }

    /// Returns the session that is charged.
    pub fn session_id(&self) -> &SessionId {
        &self.session_id
    }
}

impl fmt::Display for ChargeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.session_id, self.number)
    }
}

impl FromStr for ChargeId {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let invalid = InvalidValue("must be a session id, # and a number");
        let (session_id, number) = text.split_once('#').ok_or(invalid)?;
        let session_id = session_id.parse().map_err(|_| invalid)?;
        let number = number.parse().map_err(|_| invalid)?;
        Ok(Self { session_id, number })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_charge_id_reads_back_what_it_writes() {
        let id = ChargeId::of_session(SessionId::from_ordinal(3));
        assert_eq!(id.to_string(), "0003#1");
        assert_eq!("0003#1".parse(), Ok(id));
        for bad in ["", "0003", "0003#", "#1", "0003#x"] {
            assert!(bad.parse::<ChargeId>().is_err(), "{bad}");
        }
    }
}
