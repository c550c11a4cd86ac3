//! A small world that the rules live in: tables, a stream for each item, and workers that are late, crash and repeat.

mod lives;
mod streams;

use std::collections::{BTreeMap, BTreeSet};

use streams::Streams;

use crate::samples::PRIVATE;
use crate::{
    Application, Change, CloudEvent, Command, CommandId, Course, CourseId, Enrollment, EventId,
    Malformed, Outcome, Receipt, Refusal, Session, SessionId, Source, State, Subject, Timestamp,
    Transition, UserId, Violation, audit, decide,
};

type Key = (UserId, CourseId);

#[derive(Default)]
struct World {
    courses: BTreeMap<CourseId, Course>,
    applications: BTreeMap<Key, Application>,
    enrollments: BTreeMap<Key, Enrollment>,
    sessions: BTreeMap<Key, BTreeMap<SessionId, Session>>,
    receipts: BTreeMap<(Source, CommandId), Receipt>,
    /// Commands that came before their sessions, with the time at which the queue took them.
    waiting: Vec<(Command, Timestamp)>,
    streams: Streams,
    outcomes: BTreeMap<EventId, CloudEvent>,
    notifications: BTreeMap<EventId, CloudEvent>,
    /// How often something happened that calls for a notification of this name.
    happened: BTreeMap<&'static str, usize>,
}

impl World {
    /// Handles a delivery of a command.
    fn handle(&mut self, command: Command, sent: Timestamp) -> Result<(), Malformed> {
        let id = (command.metadata.source.clone(), command.metadata.id.clone());
        if !self.receipts.contains_key(&id) {
            let outcome = match decide(&self.load(&command), &command, sent) {
                Ok(transition) => {
                    self.commit(transition);
                    Outcome::Applied
                }
                Err(Refusal::Rejected(rejection)) => Outcome::from(&rejection),
                Err(Refusal::SessionsNotInitialized) => {
                    self.waiting.push((command, sent));
                    return Ok(());
                }
            };
            self.receipts
                .insert(id.clone(), Receipt::new(&command, outcome, sent));
        }
        let event = self.receipts[&id].event_for(&command)?;
        let told = self
            .outcomes
            .entry(event.id.clone())
            .or_insert_with(|| event.clone());
        assert_eq!(*told, event, "a command has one outcome");
        Ok(())
    }

    /// Handles the commands once more that came too early.
    fn retry(&mut self) {
        for (command, sent) in std::mem::take(&mut self.waiting) {
            self.handle(command, sent)
                .expect("it was not malformed before");
        }
    }

    fn load(&self, command: &Command) -> State {
        match command.action.subject() {
            Subject::Course(course_id) => State {
                course: self.courses.get(course_id).cloned(),
                ..State::default()
            },
            Subject::Enrollment(user_id, course_id) => {
                let course = self.courses.get(course_id).cloned();
                let key = (user_id.clone(), course_id.clone());
                let application = self.applications.get(&key).cloned();
                State {
                    course,
                    application,
                    enrollment: self.enrollments.get(&key).cloned(),
                    ..State::default()
                }
            }
            Subject::SessionMove(user_id, course_id, session_id) => {
                let key = (user_id.clone(), course_id.clone());
                let mut sessions = self.sessions.get(&key).cloned().unwrap_or_default();
                State {
                    session: sessions.remove(session_id),
                    enrollment: self.enrollments.get(&key).cloned(),
                    other_sessions: sessions.into_values().collect(),
                    ..State::default()
                }
            }
            Subject::Session(user_id, course_id, session_id) => {
                let key = (user_id.clone(), course_id.clone());
                let session = self
                    .sessions
                    .get(&key)
                    .and_then(|all| all.get(session_id))
                    .cloned();
                let enrollment = self
                    .enrollments
                    .get(&key)
                    .filter(|_| session.is_none())
                    .cloned();
                State {
                    session,
                    enrollment,
                    ..State::default()
                }
            }
        }
    }

    /// Writes what was decided, on the conditions that the store sets.
    fn commit(&mut self, transition: Transition) {
        match transition {
            Transition::Unchanged => {}
            Transition::CreateCourse(course) => {
                assert_eq!(course.version, 1);
                assert!(
                    self.courses
                        .insert(course.course_id.clone(), course)
                        .is_none()
                );
            }
            Transition::UpdateCourse(course) => {
                let version = course.version;
                let before = self.courses.insert(course.course_id.clone(), course);
                assert_eq!(before.expect("a course").version + 1, version);
            }
            Transition::Apply(application) => {
                let key = (application.user_id.clone(), application.course_id.clone());
                assert!(!self.enrollments.contains_key(&key));
                self.note(
                    Change::Applied(Box::new(application.clone())),
                    "application.received",
                );
                assert!(self.applications.insert(key, application).is_none());
            }
            Transition::Enroll {
                application,
                enrollment,
            } => {
                let key = (enrollment.user_id.clone(), enrollment.course_id.clone());
                assert_eq!(self.applications.remove(&key), Some(*application));
                self.note(Change::Enrolled(enrollment.clone()), "payment.confirmed");
                assert!(self.enrollments.insert(key, *enrollment).is_none());
            }
            Transition::UpdateSession(session) => {
                let key = (session.user_id.clone(), session.course_id.clone());
                let all = self.sessions.get_mut(&key).expect("sessions");
                let before = all
                    .insert(session.session_id.clone(), session.clone())
                    .expect("a session");
                assert_eq!(before.version + 1, session.version);
                if before.session_date != session.session_date {
                    *self.happened.entry("session.rescheduled").or_default() += 1;
                }
                self.streams.append(Change::SessionUpdated {
                    before: Box::new(before),
                    after: Box::new(session),
                });
            }
        }
    }

    /// Puts a change on its stream; it calls for a notification.
    fn note(&mut self, change: Change, name: &'static str) {
        *self.happened.entry(name).or_default() += 1;
        self.streams.append(change);
    }

    fn violations(&self) -> Vec<Violation> {
        let keys: BTreeSet<_> = self
            .applications
            .keys()
            .chain(self.enrollments.keys())
            .chain(self.sessions.keys())
            .collect();
        let of_key = |key: &Key| {
            let sessions: Vec<_> = self
                .sessions
                .get(key)
                .into_iter()
                .flat_map(BTreeMap::values)
                .cloned()
                .collect();
            audit(
                &key.0,
                &key.1,
                self.applications.get(key),
                self.enrollments.get(key),
                &sessions,
            )
        };
        keys.into_iter().flat_map(of_key).collect()
    }

    /// Panics unless everything holds that must hold while reactions are under way.
    fn assert_sound(&self) {
        let wrong: Vec<_> = self
            .violations()
            .into_iter()
            .filter(|found| !found.pending)
            .collect();
        assert_eq!(wrong, []);
    }

    /// Lets all reactions come to their end; panics unless everything holds then.
    fn settle(&mut self) {
        while self.react_to_all() || !self.waiting.is_empty() {
            self.retry();
        }
        assert_eq!(self.violations(), []);
        assert_eq!(self.outcomes.len(), self.receipts.len());
        self.assert_told(&[]);
        for event in self.notifications.values().chain(self.outcomes.values()) {
            assert!(!event.to_body().contains(PRIVATE), "{}", event.to_body());
        }
    }

    /// Panics unless all that has happened was told; of these names some may be missing, for they can't be told from the tables.
    fn assert_told(&self, lossy: &[&str]) {
        let mut told: BTreeMap<&str, usize> = BTreeMap::new();
        for event in self.notifications.values() {
            let name = event.r#type.trim_start_matches("com.digitalarthouse.");
            *told.entry(name.trim_end_matches(".v1")).or_default() += 1;
        }
        let is_exact = |name: &&str| !lossy.contains(name);
        let names = self.happened.keys().copied().chain(told.keys().copied());
        for name in names.filter(is_exact) {
            assert_eq!(told.get(name), self.happened.get(name), "{name}");
        }
        for name in lossy {
            assert!(told.get(name) <= self.happened.get(name), "{name}");
        }
    }
}
