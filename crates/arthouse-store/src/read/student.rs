use std::collections::HashSet;

use arthouse_core::{
    Application, ChargeId, CourseId, Duration, Enrollment, Session, SessionId, UserId,
};
use aws_sdk_dynamodb::types::AttributeValue;

use super::batch::batch_get_with;
use super::{Enrolling, Page, PageStart};
use crate::error::read;
use crate::items::{Item, Record};
use crate::session_loader::MAX_KEYS;
use crate::{Key, Store, StoreError, Table};

/// All records of one student in one course.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StudentRecords {
    /// The application that waits for payment.
    pub application: Option<Application>,
    /// The paid enrolment.
    pub enrollment: Option<Enrollment>,
    /// Its sessions, in their order.
    pub sessions: Vec<Session>,
}

impl Store {
    /// Reads all records of one student in one course. The keys of the sessions are computed, so the cost depends on the student's own
    /// sessions only.
    ///
    /// # Errors
    /// Returns the failed request.
    pub async fn student(
        &self,
        user_id: &UserId,
        course_id: &CourseId,
    ) -> Result<StudentRecords, StoreError> {
        let key = Key::Enrollment(user_id.clone(), course_id.clone());
        let output = self
            .client
            .query()
            .table_name(self.table(Table::UsersCourses))
            .key_condition_expression("PK = :user AND begins_with(SK, :course)")
            .expression_attribute_values(":user", AttributeValue::S(key.pk()))
            .expression_attribute_values(
                ":course",
                AttributeValue::S(format!("COURSE#{course_id}#")),
            )
            .consistent_read(true)
            .send()
            .await
            .map_err(|e| StoreError::request("Query", e))?;
        let mut records = StudentRecords::default();
        for item in output.items.unwrap_or_default() {
            records.add(&item)?;
        }
        if let Some(enrollment) = &records.enrollment {
            records.sessions = self
                .sessions_of(user_id, course_id, enrollment.duration)
                .await?;
        }
        Ok(records)
    }

    /// Reads a page of a student's applications and enrolments, by course (strongly consistent): one Query, whatever courses and other students
    /// there are.
    ///
    /// # Errors
    /// Returns the failed request, or the item that can't be read.
    pub async fn courses_of(
        &self,
        user_id: &UserId,
        start: Option<PageStart>,
    ) -> Result<Page<Enrolling>, StoreError> {
        let output = self
            .client
            .query()
            .table_name(self.table(Table::UsersCourses))
            .key_condition_expression("PK = :user AND begins_with(SK, :course)")
            .expression_attribute_values(":user", AttributeValue::S(format!("USER#{user_id}")))
            .expression_attribute_values(":course", AttributeValue::S("COURSE#".to_owned()))
            .consistent_read(true)
            .set_exclusive_start_key(start.map(|start| start.0))
            .send()
            .await
            .map_err(|e| StoreError::request("Query", e))?;
        let mut items = Vec::new();
        for item in output.items.unwrap_or_default() {
            match Key::of_item(Table::UsersCourses, &item) {
                Ok(Key::Application(..)) => {
                    items.push(Enrolling::Application(Box::new(read(&item)?)));
                }
                Ok(Key::Enrollment(..)) => {
                    items.push(Enrolling::Enrollment(Box::new(read(&item)?)));
                }
                Ok(Key::Course(_) | Key::Session(..) | Key::Receipt(..)) | Err(_) => {}
            }
        }
        let next = output.last_evaluated_key.filter(|key| !key.is_empty());
        Ok(Page {
            items,
            next: next.map(PageStart),
        })
    }

    /// Reads the sessions of enrolments that have no charge yet, by their computed keys (strongly consistent): a request for each 100 of
    /// them, over all enrolments. The sessions of the others are told by their charges.
    ///
    /// # Errors
    /// Returns the failed request, or the session that can't be read.
    pub async fn uncharged_sessions<'a>(
        &self,
        enrollments: impl IntoIterator<Item = &'a Enrollment>,
    ) -> Result<Vec<Session>, StoreError> {
        let keys = enrollments.into_iter().flat_map(uncharged_keys).collect();
        let items = self.session_items(keys, true).await?;
        Ok(items.iter().map(read).collect::<Result<_, _>>()?)
    }

    /// Reads a student's sessions by their computed keys (strongly consistent).
    async fn sessions_of(
        &self,
        user_id: &UserId,
        course_id: &CourseId,
        duration: Duration,
    ) -> Result<Vec<Session>, StoreError> {
        let keys = session_keys(user_id, course_id, duration);
        let items = self.session_items(keys, true).await?;
        let mut sessions = items
            .iter()
            .map(read)
            .collect::<Result<Vec<Session>, _>>()?;
        sessions.sort_by(|a, b| a.session_id.cmp(&b.session_id));
        Ok(sessions)
    }

    pub(super) async fn session_items(
        &self,
        keys: Vec<Item>,
        consistent: bool,
    ) -> Result<Vec<Item>, StoreError> {
        let mut items = Vec::with_capacity(keys.len());
        for chunk in keys.chunks(MAX_KEYS) {
            let table = self.table(Table::Sessions);
            let found = batch_get_with(&self.client, &table, chunk.to_vec(), consistent);
            items.extend(found.await?);
        }
        Ok(items)
    }

    /// Reads the sessions of an enrolment that was initialised, to tell of their first dates. These never change, so an eventually consistent
    /// read, which costs half, is enough for the sessions that it finds; the others are read strongly consistent.
    ///
    /// # Errors
    /// Returns the failed request, or the session that can't be read.
    pub async fn initialised_sessions(
        &self,
        enrollment: &Enrollment,
    ) -> Result<Vec<Session>, StoreError> {
        let Enrollment {
            user_id, course_id, ..
        } = enrollment;
        let mut keys = session_keys(user_id, course_id, enrollment.duration);
        let mut sessions: Vec<Session> = Vec::with_capacity(keys.len());
        for consistent in [false, true] {
            for item in self.session_items(keys.clone(), consistent).await? {
                sessions.push(read(&item)?);
            }
            let found: HashSet<_> = sessions.iter().map(|found| found.key().sk()).collect();
            let is_found = |key: &Item| found.contains(&key["SK"].as_s().ok().cloned());
            keys.retain(|key| !is_found(key));
        }
        Ok(sessions)
    }

    /// Reads an enrolment under either form of its key (strongly consistent).
    pub(crate) async fn enrollment(
        &self,
        user_id: &UserId,
        course_id: &CourseId,
    ) -> Result<Option<Enrollment>, StoreError> {
        let key = Key::Enrollment(user_id.clone(), course_id.clone());
        match self.get(key.attributes()).await? {
            Some(enrollment) => Ok(Some(enrollment)),
            None => self.get(key.long_attributes()).await,
        }
    }
}

/// The keys of the sessions that have no charge yet, once there are sessions.
pub(super) fn uncharged_keys(enrollment: &Enrollment) -> Vec<Item> {
    let is_charged = |id: SessionId| enrollment.charges.contains_key(&ChargeId::of_session(id));
    let ids = (1..=enrollment.duration.get()).map(SessionId::from_ordinal);
    let open =
        ids.filter(|id| enrollment.sessions_initialized_at.is_some() && !is_charged(id.clone()));
    open.map(|id| {
        Key::Session(enrollment.course_id.clone(), id, enrollment.user_id.clone()).attributes()
    })
    .collect()
}

pub(super) fn session_keys(
    user_id: &UserId,
    course_id: &CourseId,
    duration: Duration,
) -> Vec<Item> {
    let key = |ordinal| {
        let session_id = SessionId::from_ordinal(ordinal);
        Key::Session(course_id.clone(), session_id, user_id.clone()).attributes()
    };
    (1..=duration.get()).map(key).collect()
}

impl StudentRecords {
    fn add(&mut self, item: &Item) -> Result<(), StoreError> {
        match Key::of_item(Table::UsersCourses, item) {
            Ok(Key::Application(..)) => self.application = Some(read(item)?),
            Ok(Key::Enrollment(..)) => self.enrollment = Some(read(item)?),
            Ok(Key::Course(_) | Key::Session(..) | Key::Receipt(..)) | Err(_) => {}
        }
        Ok(())
    }
}
