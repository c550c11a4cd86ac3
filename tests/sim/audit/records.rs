//! The school's records as they were committed: the invariants (README, "What always holds") at every version.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use arthouse_core::{
    Application, Change, ChargeId, Enrollment, Notification, Reaction, Session, SessionId, audit,
    owed, react,
};
use arthouse_store::{DecodeError, Image, TableNames, change};
use serde_json::Value;

use super::images::{item, text};
use super::{Check, Findings};
use crate::aws::CommittedWrite;

type Who = (String, String);

#[derive(Debug, Default)]
pub(super) struct Records {
    students: BTreeMap<Who, Student>,
    touched: BTreeSet<Who>,
    /// By the receipt's key: what has become of the command.
    receipts: BTreeMap<String, Value>,
}

#[derive(Debug, Default)]
struct Student {
    application: Option<Application>,
    enrollment: Option<Enrollment>,
    sessions: BTreeMap<SessionId, Session>,
}

impl Records {
    /// Takes in a write; returns what others must be told of it.
    pub(super) fn committed(
        &mut self,
        write: &CommittedWrite,
        now: Duration,
        findings: &mut Findings,
    ) -> Vec<Notification> {
        if write.changes_nothing() {
            return Vec::new();
        }
        if write.table == "Commands" {
            self.receipt(write, now, findings);
            return Vec::new();
        }
        match self.take_in(write) {
            Ok(notifications) => notifications,
            Err(error) => {
                let number = match &error {
                    DecodeError::Inconsistent { invariant, .. } => invariant.number(),
                    DecodeError::Key | DecodeError::Attribute { .. } | DecodeError::Twice => 0,
                };
                findings.add(Check::Invariant(number), now, error.to_string());
                Vec::new()
            }
        }
    }

    /// What a sweep over the tables may tell of the students whose records were written, as they are now.
    pub(super) fn derivable(&self) -> Vec<Notification> {
        let touched = self.touched.iter().map(|who| &self.students[who]);
        let owed = touched.map(|student| {
            let sessions: Vec<_> = student.sessions.values().cloned().collect();
            owed(
                student.application.as_ref(),
                student.enrollment.as_ref(),
                &sessions,
            )
        });
        owed.flat_map(|owed| owed.notifications).collect()
    }

    /// Checks the students whose records were written.
    pub(super) fn check_touched(&mut self, now: Duration, findings: &mut Findings) {
        for who in std::mem::take(&mut self.touched) {
            for violation in self.violations(&who) {
                if !violation.pending {
                    let check = Check::Invariant(violation.invariant.number());
                    findings.add(check, now, violation.to_string());
                }
            }
        }
    }

    /// What is under way.
    pub(super) fn pending(&self) -> Vec<String> {
        self.students
            .keys()
            .flat_map(|who| self.violations(who))
            .map(|violation| violation.to_string())
            .collect()
    }

    pub(super) fn is_initialised(&self, user: &str, course: &str) -> bool {
        self.enrollment(user, course)
            .is_some_and(|it| it.sessions_initialized_at.is_some())
    }

    pub(super) fn is_charged(&self, user: &str, course: &str, session: u32) -> bool {
        let id = ChargeId::of_session(SessionId::from_ordinal(
            session.try_into().unwrap_or(u16::MAX),
        ));
        self.enrollment(user, course)
            .is_some_and(|it| it.charges.contains_key(&id))
    }

    /// A command's stored outcome: its kind, and the code if it was rejected.
    pub(super) fn outcome(&self, command: &str) -> Option<(String, Option<String>)> {
        let key = format!("COMMAND#urn:sim#{command}");
        let image = self.receipts.get(&key)?;
        let kind = text(image, "Outcome")?.to_owned();
        Some((kind, text(image, "Rejection").map(str::to_owned)))
    }

    fn enrollment(&self, user: &str, course: &str) -> Option<&Enrollment> {
        let who = (user.to_owned(), course.to_owned());
        self.students.get(&who)?.enrollment.as_ref()
    }

    fn receipt(&mut self, write: &CommittedWrite, now: Duration, findings: &mut Findings) {
        let key = text(&write.key, "PK").unwrap_or_default().to_owned();
        if write.old.is_some() {
            findings.add(
                Check::Receipt,
                now,
                format!("the receipt {key} was written again"),
            );
        }
        if let Some(new) = &write.new {
            self.receipts.insert(key, (**new).clone());
        }
    }

    fn take_in(&mut self, write: &CommittedWrite) -> Result<Vec<Notification>, DecodeError> {
        let Some(table) = TableNames::default().table(&write.table) else {
            return Ok(Vec::new());
        };
        let (old, new) = (
            write.old.as_deref().map(item),
            write.new.as_deref().map(item),
        );
        let seen = change(
            table,
            Image {
                old: old.as_ref(),
                new: new.as_ref(),
            },
        );
        let seen = seen.map_err(|defect| defect.error)?;
        // A session that is put, and what goes, calls for nothing; here it is to be read all the same.
        let whole = match (&seen, &new, &old) {
            (None, Some(new), _) => change(
                table,
                Image {
                    old: Some(new),
                    new: Some(new),
                },
            )
            .map_err(|defect| defect.error)?,
            (None, None, Some(_)) => {
                self.remove(write);
                None
            }
            _ => seen.clone(),
        };
        if let Some(whole) = whole {
            self.put(whole);
        }
        let reactions = seen.as_ref().map(react).unwrap_or_default();
        Ok(reactions
            .into_iter()
            .filter_map(|reaction| match reaction {
                Reaction::Notify(notification) => Some(notification),
                Reaction::Charge { .. } | Reaction::InitialiseSessions(_) => None,
            })
            .collect())
    }

    fn put(&mut self, change: Change) {
        match change {
            Change::Applied(it) => {
                let student = self.student(it.user_id.as_str(), it.course_id.as_str());
                student.application = Some(*it);
            }
            Change::Enrolled(it) | Change::EnrollmentUpdated { after: it, .. } => {
                let student = self.student(it.user_id.as_str(), it.course_id.as_str());
                student.enrollment = Some(*it);
            }
            Change::SessionUpdated { after: it, .. } => {
                let student = self.student(it.user_id.as_str(), it.course_id.as_str());
                student.sessions.insert(it.session_id.clone(), *it);
            }
        }
    }

    /// Only an application ever goes.
    fn remove(&mut self, write: &CommittedWrite) {
        let (user, sort) = (text(&write.key, "PK"), text(&write.key, "SK"));
        let user = user.and_then(|key| key.strip_prefix("USER#"));
        let course = sort.and_then(|key| key.strip_prefix("COURSE#")?.strip_suffix("#APPLIED"));
        if let (Some(user), Some(course)) = (user, course) {
            self.student(user, course).application = None;
        }
    }

    fn student(&mut self, user: &str, course: &str) -> &mut Student {
        let who = (user.to_owned(), course.to_owned());
        self.touched.insert(who.clone());
        self.students.entry(who).or_default()
    }

    fn violations(&self, who: &Who) -> Vec<arthouse_core::Violation> {
        let student = &self.students[who];
        let sessions: Vec<_> = student.sessions.values().cloned().collect();
        audit(
            &who.0.parse().expect("a user id"),
            &who.1.parse().expect("a course id"),
            student.application.as_ref(),
            student.enrollment.as_ref(),
            &sessions,
        )
    }
}
