//! What a form is about: the course, the student and the session that a link names.

use arthouse_core::{CommandType, Course, CourseId, Session, UserId, Zone};
use arthouse_store::StudentRecords;
use maud::{Markup, html};

use crate::pages::show;
use crate::pages::values::Values;
use crate::problem::Problem;
use crate::{Role, Viewer, Web};

/// The records that a form is about.
#[derive(Debug, Default)]
pub(super) struct About {
    course: Option<Course>,
    records: StudentRecords,
    session: Option<Session>,
    user_id: Option<UserId>,
}

impl About {
    /// Reads them: a GetItem of the course, a Query of the student's records, a BatchGetItem of the sessions if there are any.
    pub(super) async fn read(web: &Web, values: &Values) -> Result<Self, Problem> {
        let Ok(course_id) = values.get("course_id").parse::<CourseId>() else {
            return Ok(Self::default());
        };
        let course = web.store().course(&course_id).await?;
        let mut about = Self {
            course,
            user_id: values.get("user_id").parse().ok(),
            ..Self::default()
        };
        if let Some(user_id) = &about.user_id {
            about.records = web.store().student(user_id, &course_id).await?;
            let is_it =
                |session: &&Session| session.session_id.as_str() == values.get("session_id");
            about.session = about.records.sessions.iter().find(is_it).cloned();
        }
        Ok(about)
    }

    /// Returns the clock that its times are on.
    pub(super) fn zone(&self) -> Zone {
        match (&self.records.enrollment, &self.course) {
            (Some(enrollment), _) => enrollment.schedule.zone(),
            (None, Some(course)) => course.schedule.zone(),
            (None, None) => Zone::utc(),
        }
    }

    /// Puts into a form what the records say, where the link says nothing.
    pub(super) fn fill(&self, command_type: CommandType, values: &mut Values) {
        let decimal = |currency: arthouse_core::Currency, amount| {
            let text = currency.format(amount);
            text.split(' ').next().unwrap_or_default().to_owned()
        };
        match command_type {
            CommandType::CreateCourse => {
                values.or_set("currency", "GBP");
                values.or_set("schedule.every", "weekly");
                values.or_set("schedule.zone", "Europe/London");
            }
            CommandType::UpdateCourse => {
                let Some(course) = &self.course else { return };
                values.or_set("expected_version", course.version.to_string());
                values.or_set("title", course.title.as_str());
                values.or_set("description", course.description.as_str());
                values.or_set("cost", decimal(course.currency, course.cost));
                values.or_set("currency", course.currency.code());
                values.or_set("duration", course.duration.get().to_string());
                values.or_set("session_minutes", course.session_minutes.get().to_string());
                values.or_set("schedule", course.schedule.as_str());
                values.or_set("payment_method", course.payment_method.as_str());
                let link = course.payment_link.as_ref();
                values.or_set("payment_link", link.map_or("", |link| link.as_str()));
                values.or_set("open", course.open.to_string());
            }
            CommandType::ConfirmPayment => {
                let Some(application) = &self.records.application else {
                    return;
                };
                let quote = &application.quote;
                values.or_set("amount", decimal(quote.currency, quote.cost));
                values.or_set("currency", quote.currency.code());
            }
            CommandType::ApplyForCourse
            | CommandType::AttendSession
            | CommandType::SkipSession
            | CommandType::RescheduleSession => {}
        }
    }

    /// Says what the form is about.
    pub(super) fn line(&self, viewer: &Viewer) -> Markup {
        let title = match (&self.records.enrollment, &self.course) {
            (Some(enrollment), _) => Some(&enrollment.title),
            (None, course) => course.as_ref().map(|course| &course.title),
        };
        let user = self
            .user_id
            .as_ref()
            .filter(|_| viewer.role != Role::Student);
        html! {
            @if let Some(title) = title {
                p.about {
                    strong { (title) }
                    @if let Some(session) = &self.session {
                        ", session " (session.session_id.ordinal().unwrap_or_default())
                        " on " (show::time(session.session_date, self.zone()))
                        ", " (session.currency.format(session.cost))
                    } @else if let Some(course) = &self.course {
                        ", " (course.currency.format(course.cost)) " for " (course.duration.get()) " sessions"
                    }
                    @if let Some(user) = user { ", student " (user) }
                }
            }
        }
    }
}
