//! A stream for each item, and the processor that reacts to what it reads there.

use std::collections::{BTreeMap, BTreeSet};

use super::{Key, World};
use crate::samples::at;
use crate::{
    Change, Charge, ChargeId, ChargeKind, CloudEvent, Enrollment, Notification, Owed, Reaction,
    initial_sessions, owed, react,
};

/// The records of each item in their order, and how many of them are done with.
#[derive(Default)]
pub(super) struct Streams {
    items: BTreeMap<String, (Vec<Change>, usize)>,
}

impl Streams {
    pub(super) fn append(&mut self, change: Change) {
        let item = match &change {
            Change::Applied(application) => {
                format!("{}/{}/applied", application.user_id, application.course_id)
            }
            Change::Enrolled(enrollment)
            | Change::EnrollmentUpdated {
                after: enrollment, ..
            } => {
                format!("{}/{}/paid", enrollment.user_id, enrollment.course_id)
            }
            Change::SessionUpdated { after, .. } => {
                format!("{}/{}/{}", after.user_id, after.course_id, after.session_id)
            }
        };
        self.items.entry(item).or_default().0.push(change);
    }

    fn nth(&mut self, n: usize) -> Option<&mut (Vec<Change>, usize)> {
        let count = self.items.len().max(1);
        self.items.values_mut().nth(n % count)
    }

    /// Has the records of an item read again from the first.
    pub(super) fn rewind(&mut self, n: usize) {
        if let Some((_, done)) = self.nth(n) {
            *done = 0;
        }
    }

    /// Finds an item with records to react to.
    fn pending(&self) -> Option<usize> {
        self.items
            .values()
            .position(|(records, done)| *done < records.len())
    }
}

impl World {
    /// Reacts to the next record of an item, and crashes on the way after so many writes.
    pub(super) fn react_to(&mut self, item: usize, mut writes: usize) {
        let Some((records, done)) = self.streams.nth(item) else {
            return;
        };
        let Some(change) = records.get(*done).cloned() else {
            return;
        };
        let sessions = change.initialised().map(|paid| {
            let key = (paid.user_id.clone(), paid.course_id.clone());
            self.sessions[&key].values().cloned().collect()
        });
        for reaction in react(&change.with_sessions(sessions.unwrap_or_default())) {
            if !self.carry_out(reaction, &mut writes) {
                return;
            }
        }
        if let Some((_, done)) = self.streams.nth(item) {
            *done += 1;
        }
    }

    /// Reacts to all records, and says whether there were any.
    pub(super) fn react_to_all(&mut self) -> bool {
        let mut any = false;
        while let Some(item) = self.streams.pending() {
            any = true;
            self.react_to(item, usize::MAX);
        }
        any
    }

    /// Says whether it got to the end with the writes that it may still make.
    fn carry_out(&mut self, reaction: Reaction, writes: &mut usize) -> bool {
        match reaction {
            Reaction::InitialiseSessions(enrollment) => self.initialise(&enrollment, writes),
            Reaction::Charge {
                user_id,
                course_id,
                charge_id,
                charge,
            } => write_one(writes) && self.charge((user_id, course_id), charge_id, charge),
            Reaction::Notify(notification) => write_one(writes) && self.publish(&notification),
        }
    }

    fn initialise(&mut self, enrollment: &Enrollment, writes: &mut usize) -> bool {
        let key = (enrollment.user_id.clone(), enrollment.course_id.clone());
        for session in initial_sessions(enrollment).expect("dates enough") {
            if !write_one(writes) {
                return false;
            }
            let all = self.sessions.entry(key.clone()).or_default();
            all.entry(session.session_id.clone()).or_insert(session);
        }
        if !write_one(writes) {
            return false;
        }
        let before = self.enrollments[&key].clone();
        if before.sessions_initialized_at.is_none() {
            let after = Enrollment {
                sessions_initialized_at: Some(at("2026-09-30T00:00:00Z")),
                version: before.version + 1,
                ..before.clone()
            };
            self.enrollments.insert(key, after.clone());
            let change = Change::EnrollmentUpdated {
                before: Box::new(before),
                after: Box::new(after),
                sessions: Vec::new(),
            };
            self.note(change, "sessions.scheduled");
        }
        true
    }

    /// One conditional update: unless the entry is there, it is added and the balance drops.
    fn charge(&mut self, key: Key, id: ChargeId, charge: Charge) -> bool {
        let before = self.enrollments[&key].clone();
        if before.charges.contains_key(&id) {
            return true;
        }
        let mut after = before.clone();
        after.balance = before
            .balance
            .checked_sub(charge.amount)
            .expect("the balance is never negative");
        let name = match charge.kind {
            ChargeKind::Attended => {
                after.sessions_remaining = before
                    .sessions_remaining
                    .checked_sub(1)
                    .expect("never negative");
                "session.attended"
            }
            ChargeKind::Skipped => "session.skipped",
        };
        after.charges.insert(id, charge);
        after.version += 1;
        if after.charges.len() == usize::from(after.duration.get()) {
            *self.happened.entry("course.completed").or_default() += 1;
        }
        self.enrollments.insert(key, after.clone());
        self.note(
            Change::EnrollmentUpdated {
                before: Box::new(before),
                after: Box::new(after),
                sessions: Vec::new(),
            },
            name,
        );
        true
    }

    fn publish(&mut self, notification: &Notification) -> bool {
        let event = notification.event().clone();
        let told = self
            .notifications
            .entry(event.id.clone())
            .or_insert_with(|| event.clone());
        assert_eq!(*told, event, "a happening is told the same each time");
        true
    }

    /// Forgets the records that nobody has reacted to, as a stream does after 24 hours.
    pub(super) fn lose_records(&mut self) {
        for (records, done) in self.streams.items.values_mut() {
            *done = records.len();
        }
    }

    /// Returns what a sweep over the tables makes of them.
    fn owed(&self) -> Owed {
        let mut all = Owed::default();
        let keys: BTreeSet<_> = self
            .applications
            .keys()
            .chain(self.enrollments.keys())
            .collect();
        for key in keys {
            let sessions: Vec<_> = self
                .sessions
                .get(key)
                .into_iter()
                .flat_map(BTreeMap::values)
                .cloned()
                .collect();
            let (application, enrollment) = (self.applications.get(key), self.enrollments.get(key));
            let owed = owed(application, enrollment, &sessions);
            all.repairs.extend(owed.repairs);
            all.notifications.extend(owed.notifications);
        }
        all
    }

    /// Sweeps over settled tables; panics if that would write anything, or tell anything new or otherwise.
    pub(super) fn sweep(&mut self) {
        let owed = self.owed();
        assert_eq!(owed.repairs, []);
        let before = self.notifications.len();
        for notification in &owed.notifications {
            self.retell(notification);
        }
        assert_eq!(self.notifications.len(), before, "no news");
    }

    /// Sweeps until there is nothing to repair, and reacts to what that changes; then tells what has happened.
    pub(super) fn reconcile(&mut self) {
        loop {
            let owed = self.owed();
            for reaction in &owed.repairs {
                assert!(self.carry_out(reaction.clone(), &mut { usize::MAX }));
            }
            self.react_to_all();
            self.retry();
            if owed.repairs.is_empty() && self.waiting.is_empty() {
                break;
            }
        }
        self.react_to_all();
        for notification in &self.owed().notifications {
            self.retell(notification);
        }
    }

    /// Tells what the tables show. The balance after a charge is told as if charges were made in the order of their sessions' ends,
    /// which the records show; reactions may have made them in another one.
    fn retell(&mut self, notification: &Notification) {
        let without_figures = |mut event: CloudEvent| {
            let data = event.data.as_object_mut().expect("an object");
            for figure in ["balance", "sessions_remaining"] {
                data.remove(figure);
            }
            event
        };
        let event = notification.event().clone();
        let told = self
            .notifications
            .entry(event.id.clone())
            .or_insert_with(|| event.clone())
            .clone();
        assert_eq!(without_figures(told), without_figures(event));
    }
}

fn write_one(writes: &mut usize) -> bool {
    let any = *writes > 0;
    *writes = writes.saturating_sub(1);
    any
}
