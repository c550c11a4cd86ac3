use arthouse_core::{Application, CourseId, Duration, Enrollment, Session, SessionId, UserId};
use aws_sdk_dynamodb::types::AttributeValue;

use super::batch_get;
use crate::error::read;
use crate::items::Item;
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

    /// Reads a student's sessions by their computed keys (strongly consistent).
    async fn sessions_of(
        &self,
        user_id: &UserId,
        course_id: &CourseId,
        duration: Duration,
    ) -> Result<Vec<Session>, StoreError> {
        let items = self.session_items(user_id, course_id, duration).await?;
        let mut sessions = items
            .iter()
            .map(read)
            .collect::<Result<Vec<Session>, _>>()?;
        sessions.sort_by(|a, b| a.session_id.cmp(&b.session_id));
        Ok(sessions)
    }

    pub(super) async fn session_items(
        &self,
        user_id: &UserId,
        course_id: &CourseId,
        duration: Duration,
    ) -> Result<Vec<Item>, StoreError> {
        let key = |ordinal| {
            let session_id = SessionId::from_ordinal(ordinal);
            Key::Session(course_id.clone(), session_id, user_id.clone()).attributes()
        };
        let keys: Vec<Item> = (1..=duration.get()).map(key).collect();
        let mut items = Vec::with_capacity(keys.len());
        for chunk in keys.chunks(MAX_KEYS) {
            let table = self.table(Table::Sessions);
            items.extend(batch_get(&self.client, &table, chunk.to_vec()).await?);
        }
        Ok(items)
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
