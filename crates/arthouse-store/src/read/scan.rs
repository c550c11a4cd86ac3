//! Scans whole tables, page by page and in parallel segments, for the audit and the reconciliation.

use std::collections::HashMap;
use std::num::NonZeroU16;

use arthouse_core::{
    Application, Course, CourseId, Enrollment, Receipt, Session, SessionId, UserId,
};
use aws_sdk_dynamodb::types::AttributeValue;

use super::student::{session_keys, uncharged_keys};
use super::{Page, PageStart, StudentRecords, batch_get};
use crate::error::{raw_key, read};
use crate::items::{Item, expiry};
use crate::session_loader::MAX_KEYS;
use crate::{DecodeError, Key, Store, StoreError, Table, Unreadable};

/// A segment of a table, and how consistently it is read. Segments are scanned in parallel.
#[derive(Debug, Clone, Copy)]
pub struct Segment {
    index: u16,
    of: NonZeroU16,
    consistent: bool,
}

impl Segment {
    /// The whole table.
    pub const WHOLE: Self = Self {
        index: 0,
        of: NonZeroU16::MIN,
        consistent: true,
    };

    /// Returns the segments of a table that is divided into `of`.
    pub fn all(of: NonZeroU16) -> impl Iterator<Item = Self> {
        (0..of.get()).map(move |index| Self {
            index,
            of,
            consistent: true,
        })
    }

    /// Returns the same segment, read eventually consistent for half the read units.
    #[must_use]
    pub const fn eventually(self) -> Self {
        Self {
            consistent: false,
            ..self
        }
    }
}

/// An item of a scan: a record, or why it can't be read.
pub type Scanned<T> = Result<T, Box<Unreadable>>;

/// An item of UsersCourses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Enrolling {
    /// An application that waits for payment.
    Application(Box<Application>),
    /// A paid enrolment.
    Enrollment(Box<Enrollment>),
}

/// The receipt of a command, and when it expires, in seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptReceipt {
    /// The receipt.
    pub receipt: Receipt,
    /// When it expires; never if `None`.
    pub expires_at: Option<i64>,
}

impl Store {
    /// Reads a page of UsersCourses with at most `limit` items, unordered.
    ///
    /// # Errors
    /// Returns the failed request; an unreadable item is part of the page.
    pub async fn scan_enrolling(
        &self,
        segment: Segment,
        limit: u16,
        start: Option<PageStart>,
    ) -> Result<Page<Scanned<Enrolling>>, StoreError> {
        self.scan(
            Table::UsersCourses,
            segment,
            limit,
            start,
            None,
            |item| match Key::of_item(Table::UsersCourses, item) {
                Ok(Key::Application(..)) => {
                    read(item).map(|record| Enrolling::Application(Box::new(record)))
                }
                Ok(Key::Enrollment(..)) => {
                    read(item).map(|record| Enrolling::Enrollment(Box::new(record)))
                }
                Ok(Key::Course(_) | Key::Session(..) | Key::Receipt(..)) | Err(_) => {
                    Err(foreign(Table::UsersCourses, item))
                }
            },
        )
        .await
    }

    /// Reads a page of the courses, at most `limit`, unordered.
    ///
    /// # Errors
    /// The same.
    pub async fn scan_courses(
        &self,
        segment: Segment,
        limit: u16,
        start: Option<PageStart>,
    ) -> Result<Page<Scanned<Course>>, StoreError> {
        self.scan(Table::Courses, segment, limit, start, None, read)
            .await
    }

    /// Reads a page of the keys of Sessions, at most `limit`, unordered.
    ///
    /// # Errors
    /// The same.
    pub async fn scan_session_keys(
        &self,
        segment: Segment,
        limit: u16,
        start: Option<PageStart>,
    ) -> Result<Page<Scanned<(UserId, CourseId, SessionId)>>, StoreError> {
        let keys = Some("PK, SK");
        self.scan(
            Table::Sessions,
            segment,
            limit,
            start,
            keys,
            |item| match Key::of_item(Table::Sessions, item) {
                Ok(Key::Session(course_id, session_id, user_id)) => {
                    Ok((user_id, course_id, session_id))
                }
                Ok(
                    Key::Course(_) | Key::Application(..) | Key::Enrollment(..) | Key::Receipt(..),
                )
                | Err(_) => Err(foreign(Table::Sessions, item)),
            },
        )
        .await
    }

    /// Reads a page of the receipts, at most `limit`, unordered.
    ///
    /// # Errors
    /// The same.
    pub async fn scan_receipts(
        &self,
        segment: Segment,
        limit: u16,
        start: Option<PageStart>,
    ) -> Result<Page<Scanned<KeptReceipt>>, StoreError> {
        self.scan(Table::Commands, segment, limit, start, None, |item| {
            Ok(KeptReceipt {
                expires_at: expiry(item),
                receipt: read(item)?,
            })
        })
        .await
    }

    async fn scan<T>(
        &self,
        table: Table,
        segment: Segment,
        limit: u16,
        start: Option<PageStart>,
        projection: Option<&str>,
        read: impl Fn(&Item) -> Scanned<T>,
    ) -> Result<Page<Scanned<T>>, StoreError> {
        let output = self
            .client
            .scan()
            .table_name(self.table(table))
            .segment(segment.index.into())
            .total_segments(segment.of.get().into())
            .limit(limit.into())
            .set_projection_expression(projection.map(str::to_owned))
            .consistent_read(segment.consistent)
            .set_exclusive_start_key(start.map(|start| start.0))
            .send()
            .await
            .map_err(|e| StoreError::request("Scan", e))?;
        let items = output.items.unwrap_or_default();
        Ok(Page {
            items: items.iter().map(read).collect(),
            next: output
                .last_evaluated_key
                .filter(|key| !key.is_empty())
                .map(PageStart),
        })
    }

    /// Reads the sessions of an enrolment by their computed keys, in their order (strongly consistent).
    ///
    /// # Errors
    /// The same.
    pub async fn sessions(
        &self,
        enrollment: &Enrollment,
    ) -> Result<Vec<Scanned<Session>>, StoreError> {
        self.scan_sessions(all_keys(enrollment), true).await
    }

    /// Reads the same for half the read units (eventually consistent).
    ///
    /// # Errors
    /// The same.
    pub async fn sessions_eventually(
        &self,
        enrollment: &Enrollment,
    ) -> Result<Vec<Scanned<Session>>, StoreError> {
        self.scan_sessions(all_keys(enrollment), false).await
    }

    /// Reads those of them that have no charge yet, once there are sessions (eventually consistent).
    ///
    /// # Errors
    /// The same.
    pub async fn uncharged_sessions_eventually(
        &self,
        enrollment: &Enrollment,
    ) -> Result<Vec<Scanned<Session>>, StoreError> {
        self.scan_sessions(uncharged_keys(enrollment), false).await
    }

    async fn scan_sessions(
        &self,
        keys: Vec<Item>,
        consistent: bool,
    ) -> Result<Vec<Scanned<Session>>, StoreError> {
        let mut items = self.session_items(keys, consistent).await?;
        items.sort_by_cached_key(raw_key);
        Ok(items.iter().map(read).collect())
    }

    /// Returns the students with a paid enrolment, with its number of sessions; `u16::MAX` if that can't be read.
    ///
    /// # Errors
    /// Returns the failed request.
    pub async fn enrolled(
        &self,
        students: &[(UserId, CourseId)],
    ) -> Result<HashMap<(UserId, CourseId), u16>, StoreError> {
        let mut found = HashMap::with_capacity(students.len());
        for attributes in [Key::attributes, Key::long_attributes] {
            let open: Vec<_> = students
                .iter()
                .filter(|student| !found.contains_key(*student))
                .map(|(user_id, course_id)| Key::Enrollment(user_id.clone(), course_id.clone()))
                .map(|key| attributes(&key))
                .collect();
            for keys in open.chunks(MAX_KEYS) {
                let table = self.table(Table::UsersCourses);
                for item in batch_get(&self.client, &table, keys.to_vec()).await? {
                    if let Ok(Key::Enrollment(user_id, course_id)) =
                        Key::of_item(Table::UsersCourses, &item)
                    {
                        found.insert((user_id, course_id), duration(&item));
                    }
                }
            }
        }
        Ok(found)
    }

    /// Reads all records of one student in one course: the application and the enrolment in one transaction, then the sessions. The
    /// sessions are therefore never older than the enrolment.
    ///
    /// # Errors
    /// Returns the failed request; unreadable items are returned beside the records.
    pub async fn student_at_once(
        &self,
        user_id: &UserId,
        course_id: &CourseId,
    ) -> Result<(StudentRecords, Vec<Unreadable>), StoreError> {
        let application = Key::Application(user_id.clone(), course_id.clone());
        let enrollment = Key::Enrollment(user_id.clone(), course_id.clone());
        let table = Table::UsersCourses;
        let [short, long, short_paid, long_paid] = self
            .transact_get([
                (table, application.attributes()),
                (table, application.long_attributes()),
                (table, enrollment.attributes()),
                (table, enrollment.long_attributes()),
            ])
            .await?;
        let mut unreadable = Vec::new();
        for (key, short, long) in [
            (application, &short, &long),
            (enrollment, &short_paid, &long_paid),
        ] {
            if short.is_some() && long.is_some() {
                unreadable.push(Unreadable {
                    table,
                    raw_key: key.to_string(),
                    key: Some(key),
                    error: DecodeError::Twice,
                });
            }
        }
        let mut records = StudentRecords::default();
        if let Some(item) = short.or(long) {
            records.application = kept(read(&item), &mut unreadable);
        }
        if let Some(item) = short_paid.or(long_paid) {
            records.enrollment = kept(read(&item), &mut unreadable);
        }
        if let Some(enrollment) = &records.enrollment {
            for session in self.sessions(enrollment).await? {
                records.sessions.extend(kept(session, &mut unreadable));
            }
        }
        Ok((records, unreadable))
    }
}

fn all_keys(enrollment: &Enrollment) -> Vec<Item> {
    session_keys(
        &enrollment.user_id,
        &enrollment.course_id,
        enrollment.duration,
    )
}

fn kept<T>(scanned: Scanned<T>, unreadable: &mut Vec<Unreadable>) -> Option<T> {
    scanned.map_err(|defect| unreadable.push(*defect)).ok()
}

fn foreign(table: Table, item: &Item) -> Box<Unreadable> {
    Unreadable::new(table, item, DecodeError::Key)
}

fn duration(item: &Item) -> u16 {
    let number = item
        .get("Duration")
        .and_then(|value: &AttributeValue| value.as_n().ok());
    number
        .and_then(|text| text.parse().ok())
        .unwrap_or(u16::MAX)
}
