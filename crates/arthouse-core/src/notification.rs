//! The notifications to other systems (`RULES.md`, "Notifications"). They never hold contact details.
//!
//! A notification's file says all of it. Its line in the list below makes it known to `react` and to the contracts.

mod application_received;
mod course_completed;
mod payment_confirmed;
mod session_charged;
mod session_rescheduled;
mod sessions_scheduled;

pub use sessions_scheduled::ScheduledSession;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::{Change, CloudEvent, CourseId, EventId, Timestamp, UserId, json_schema};

/// The notifications. A change that is told by several is told in this order.
pub(crate) const KINDS: &[Kind] = &[
    Kind::of::<application_received::ApplicationReceived>(),
    Kind::of::<payment_confirmed::PaymentConfirmed>(),
    Kind::of::<sessions_scheduled::SessionsScheduled>(),
    Kind::of::<session_charged::SessionCharged>(),
    Kind::of::<session_rescheduled::SessionRescheduled>(),
    Kind::of::<course_completed::CourseCompleted>(),
];

/// All that one notification says of itself; its fields are its data on the wire, without the student and the course.
trait NotificationData: Serialize + JsonSchema {
    /// What has happened, such as `session.rescheduled`; several names, if happenings of several kinds are told with the same data.
    const NAMES: &'static [&'static str];

    /// Returns what is to be told of a change.
    fn told(change: &Change) -> Vec<Notification>;

    /// Returns changes that are told by it, under each of its names.
    #[cfg(test)]
    fn examples() -> Vec<Change>;
}

/// An entry of the list.
pub(crate) struct Kind {
    pub(crate) names: &'static [&'static str],
    pub(crate) data_schema: fn() -> Value,
    told: fn(&Change) -> Vec<Notification>,
    #[cfg(test)]
    pub(crate) examples: fn() -> Vec<Change>,
}

impl Kind {
    const fn of<T: NotificationData>() -> Self {
        Self {
            names: T::NAMES,
            data_schema: json_schema::notification_data::<T>,
            told: T::told,
            #[cfg(test)]
            examples: T::examples,
        }
    }
}

/// Returns all that is to be told of a change.
pub(crate) fn told(change: &Change) -> impl Iterator<Item = Notification> {
    KINDS.iter().flat_map(|kind| (kind.told)(change))
}

/// Something that has happened to a student's enrolment. On the wire it is a [`CloudEvent`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    user_id: UserId,
    course_id: CourseId,
    name: &'static str,
    event: CloudEvent,
}

impl Notification {
    /// Derives the id from the name, the student, the course, the change's own date and what tells it from others of its name.
    fn new(
        name: &'static str,
        (user_id, course_id): (&UserId, &CourseId),
        time: Timestamp,
        change: &[&str],
        data: &impl NotificationData,
    ) -> Self {
        let date = time.to_string();
        let parts = [&[name, user_id.as_str(), course_id.as_str(), &date], change].concat();
        let mut data =
            serde_json::to_value(data).expect("a notification holds texts and numbers only");
        data["user_id"] = Value::from(user_id.as_str());
        data["course_id"] = Value::from(course_id.as_str());
        let subject = format!("{user_id}/{course_id}");
        Self {
            user_id: user_id.clone(),
            course_id: course_id.clone(),
            name,
            event: CloudEvent::new(EventId::derive(&parts), name, subject, time, data),
        }
    }

    /// Returns the student; notifications to one student keep their order.
    pub fn user_id(&self) -> &UserId {
        &self.user_id
    }

    /// Returns the course.
    pub fn course_id(&self) -> &CourseId {
        &self.course_id
    }

    /// Returns the id, the same for every telling of the same happening.
    pub fn id(&self) -> &EventId {
        &self.event.id
    }

    /// Returns when it happened, by the queue's clock where a command caused it.
    pub fn time(&self) -> Timestamp {
        self.event.time
    }

    /// Returns what has happened, such as `session.attended`.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the notification as an event.
    pub fn event(&self) -> &CloudEvent {
        &self.event
    }
}

#[cfg(test)]
mod tests;
