//! Loads the records that a command is decided on.

use arthouse_core::{CourseId, SessionId, State, Subject, UserId};
use aws_sdk_dynamodb::types::{Get, TransactGetItem};

use crate::error::read;
use crate::items::Item;
use crate::{Key, Store, StoreError, Table};

/// The records that were loaded for a command, and what its commit needs to know about them.
#[derive(Debug, Clone, Default)]
pub struct Loaded {
    /// The records that the command is decided on.
    pub state: State,
    /// Whether the application has the long form of its key.
    pub(crate) long_application: bool,
}

impl Store {
    /// Loads the records that a command is decided on, strongly consistent. Records that must be of one moment are read in one transaction.
    ///
    /// # Errors
    /// Returns the failed request; all failures except unreadable items may pass.
    pub async fn load(&self, subject: Subject<'_>) -> Result<Loaded, StoreError> {
        let state = match subject {
            Subject::Course(course_id) => State {
                course: self.course(course_id).await?,
                ..State::default()
            },
            Subject::Enrollment(user_id, course_id) => {
                return self.load_enrolling(user_id, course_id).await;
            }
            Subject::Session(user_id, course_id, session_id) => {
                self.load_session(user_id, course_id, session_id).await?
            }
        };
        Ok(Loaded {
            state,
            ..Loaded::default()
        })
    }

    /// Reads the course, the application and the enrolment in one transaction, so a payment that is confirmed meanwhile can't hide both.
    async fn load_enrolling(
        &self,
        user_id: &UserId,
        course_id: &CourseId,
    ) -> Result<Loaded, StoreError> {
        let application = Key::Application(user_id.clone(), course_id.clone());
        let enrollment = Key::Enrollment(user_id.clone(), course_id.clone());
        let [
            course,
            short_application,
            long_application,
            short_enrollment,
            long_enrollment,
        ] = self
            .transact_get([
                (Table::Courses, Key::Course(course_id.clone()).attributes()),
                (Table::UsersCourses, application.attributes()),
                (Table::UsersCourses, application.long_attributes()),
                (Table::UsersCourses, enrollment.attributes()),
                (Table::UsersCourses, enrollment.long_attributes()),
            ])
            .await?;
        let is_long = short_application.is_none() && long_application.is_some();
        Ok(Loaded {
            state: State {
                course: course.as_ref().map(read).transpose()?,
                application: short_application
                    .or(long_application)
                    .as_ref()
                    .map(read)
                    .transpose()?,
                enrollment: short_enrollment
                    .or(long_enrollment)
                    .as_ref()
                    .map(read)
                    .transpose()?,
                session: None,
            },
            long_application: is_long,
        })
    }

    /// Reads the session. If it is absent, reads the enrolment; if the enrolment's sessions are initialised, reads the session again, because it
    /// may have been put between the two reads.
    async fn load_session(
        &self,
        user_id: &UserId,
        course_id: &CourseId,
        session_id: &SessionId,
    ) -> Result<State, StoreError> {
        let key = Key::Session(course_id.clone(), session_id.clone(), user_id.clone());
        if let Some(session) = self.sessions.load(key.clone()).await? {
            return Ok(State {
                session: Some(session),
                ..State::default()
            });
        }
        let enrollment = self.enrollment(user_id, course_id).await?;
        let initialised = enrollment
            .as_ref()
            .is_some_and(|found| found.sessions_initialized_at.is_some());
        let session = if initialised {
            self.sessions.load(key).await?
        } else {
            None
        };
        Ok(State {
            enrollment,
            session,
            ..State::default()
        })
    }

    pub(crate) async fn transact_get<const N: usize>(
        &self,
        keys: [(Table, Item); N],
    ) -> Result<[Option<Item>; N], StoreError> {
        let gets = keys.map(|(table, key)| {
            let get = Get::builder()
                .table_name(self.table(table))
                .set_key(Some(key))
                .build();
            TransactGetItem::builder()
                .get(get.expect("table and key are set"))
                .build()
        });
        let output = self
            .client
            .transact_get_items()
            .set_transact_items(Some(gets.into()))
            .send()
            .await;
        let output = output.map_err(|e| StoreError::request("TransactGetItems", e))?;
        let mut found = output.responses.unwrap_or_default().into_iter();
        Ok([(); N].map(|()| {
            found
                .next()
                .and_then(|response| response.item)
                .filter(|item| !item.is_empty())
        }))
    }
}
