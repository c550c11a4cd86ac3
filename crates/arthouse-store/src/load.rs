//! Loads the records that a command is decided on.

use arthouse_core::{Action, Course, CourseId, SessionId, State, Subject, UpdateCourse, UserId};
use aws_sdk_dynamodb::types::{AttributeValue, Get, TransactGetItem};
use futures::future::try_join_all;

use crate::error::read;
use crate::items::{Item, attribute};
use crate::{Key, Store, StoreError, Table, Unreadable};

/// The records that were loaded for a command, and what its commit needs to know about them.
#[derive(Debug, Clone, Default)]
pub struct Loaded {
    /// The records that the command is decided on.
    pub state: State,
    /// Whether the application has the long form of its key.
    pub(crate) long_application: bool,
    /// The course's version as it is in the table, if that is no version.
    pub(crate) course_version: Option<AttributeValue>,
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
            Subject::SessionMove(user_id, course_id, session_id) => {
                self.load_move(user_id, course_id, session_id).await?
            }
        };
        Ok(Loaded {
            state,
            ..Loaded::default()
        })
    }

    /// Loads the records that an action is decided on. A course that can't be read may be mended: what an update gives anew need not be
    /// readable.
    ///
    /// # Errors
    /// The same as of [`load`](Self::load).
    pub async fn load_for(&self, action: &Action) -> Result<Loaded, StoreError> {
        let Action::UpdateCourse(update) = action else {
            return self.load(action.subject()).await;
        };
        let key = Key::Course(update.course_id.clone());
        let item = self.get_item(Table::Courses, key.attributes()).await?;
        let Some(item) = item else {
            return Ok(Loaded::default());
        };
        let mut loaded = Loaded::default();
        loaded.state.course = Some(to_update(item, update, &mut loaded.course_version)?);
        Ok(loaded)
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
                ..State::default()
            },
            long_application: is_long,
            ..Loaded::default()
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

    /// Reads the enrolment and then its sessions. If the enrolment is initialised, all sessions are there to be read.
    async fn load_move(
        &self,
        user_id: &UserId,
        course_id: &CourseId,
        session_id: &SessionId,
    ) -> Result<State, StoreError> {
        let Some(enrollment) = self.enrollment(user_id, course_id).await? else {
            return Ok(State::default());
        };
        let duration = match enrollment.sessions_initialized_at {
            Some(_) => enrollment.duration.get(),
            None => 0,
        };
        let ids = (1..=duration).map(SessionId::from_ordinal);
        let loads = ids
            .filter(|id| id != session_id)
            .chain([session_id.clone()])
            .map(|id| {
                let key = Key::Session(course_id.clone(), id, user_id.clone());
                self.sessions.load(key)
            });
        let mut sessions = try_join_all(loads).await?;
        Ok(State {
            enrollment: Some(enrollment),
            session: sessions.pop().flatten(),
            other_sessions: sessions.into_iter().flatten().collect(),
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

/// Reads a course. If it can't be read, the attributes that the update replaces are filled in; the decision uses none of these. What is no
/// version is kept for the condition, and the course is at the first one.
fn to_update(
    mut item: Item,
    update: &UpdateCourse,
    version: &mut Option<AttributeValue>,
) -> Result<Course, Box<Unreadable>> {
    if let Ok(course) = read(&item) {
        return Ok(course);
    }
    let is_version = |text: &String| text.parse::<u64>().is_ok();
    *version = item.remove("Version");
    if let Some(version) = version.take_if(|it| it.is_null() || it.as_n().is_ok_and(is_version)) {
        item.insert("Version".to_owned(), version);
    }
    let text = attribute("-");
    for (name, is_given, filled_in) in [
        ("Title", update.title.is_some(), text.clone()),
        ("Description", update.description.is_some(), text.clone()),
        ("Cost", update.cost.is_some(), attribute(0)),
        ("Currency", update.currency.is_some(), attribute("GBP")),
        // With the least duration, the given one needs dates in the timetable.
        ("Duration", update.duration.is_some(), attribute(1)),
        ("PaymentMethod", update.payment_method.is_some(), text),
        ("PaymentLink", update.payment_link.is_some(), None),
        ("Schedule", update.schedule.is_some(), attribute("")),
        ("SessionMinutes", update.session_minutes.is_some(), None),
        ("Open", update.open.is_some(), None),
    ] {
        if is_given {
            item.remove(name);
            item.extend(filled_in.map(|value| (name.to_owned(), value)));
        }
    }
    read(&item)
}
