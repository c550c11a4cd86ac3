//! The story: a few students, told command by command. Every rejection that a person can cause is in it.

use anyhow::{Context, Result};
use arthouse_core::{
    Action, ActorType, ApplyForCourse, AttendSession, ConfirmPayment, ContactInfo, CourseId,
    CreateCourse, RescheduleSession, Schedule, SkipSession, Text, Timestamp, UpdateCourse, UserId,
};
use chrono::{DateTime, TimeDelta};

use super::calendar;
use super::script::{Post, Script, actor};

/// A part of the story; the next begins when everything in it has its outcome.
pub(super) struct Chapter {
    pub(super) title: &'static str,
    pub(super) posts: Vec<Post>,
}

/// A domain that stands in contact details only, so that it can be searched for everywhere else.
pub(super) const PLANTED_CONTACT: &str = "planted-contact.example";

const PAINTING: &str = "watercolour";
const SKETCHING: &str = "sketching";
const ARCHIVE: &str = "art-history";
const PAINTING_COST: i64 = 10_000;

/// The students whose progress is shown at the end.
pub(super) fn students() -> Result<Vec<(UserId, CourseId)>> {
    [
        ("ada", PAINTING),
        ("ben", PAINTING),
        ("cleo", PAINTING),
        ("dan", SKETCHING),
    ]
    .into_iter()
    .map(|(user, course)| Ok((user.parse()?, course.parse()?)))
    .collect()
}

pub(super) fn chapters(now: Timestamp) -> Result<Vec<Chapter>> {
    let mut story = Story::new(now)?;
    Ok(vec![
        Chapter {
            title: "The school offers courses",
            posts: story.courses()?,
        },
        Chapter {
            title: "The offers change",
            posts: story.changes()?,
        },
        Chapter {
            title: "Students apply",
            posts: story.applications()?,
        },
        Chapter {
            title: "The price goes up; quotes stand",
            posts: story.price_rise()?,
        },
        Chapter {
            title: "Payments come in",
            posts: story.payments()?,
        },
        Chapter {
            title: "Sessions are attended, skipped and moved",
            posts: story.sessions()?,
        },
        Chapter {
            title: "Producers make mistakes",
            posts: story.mistakes()?,
        },
    ])
}

struct Story {
    script: Script,
    painting_schedule: String,
    painting_dates: Vec<Timestamp>,
    now: Timestamp,
    first_attendance: Option<Post>,
}

impl Story {
    fn new(now: Timestamp) -> Result<Self> {
        let painting_schedule = calendar::weekly_across_a_clock_change(now)?;
        let schedule: Schedule = painting_schedule.parse()?;
        let dates = schedule
            .first_after(now, 6.try_into()?)
            .context("six dates")?;
        Ok(Self {
            script: Script::new("story", now),
            painting_dates: dates.iter().map(|date| date.at).collect(),
            painting_schedule,
            now,
            first_attendance: None,
        })
    }

    fn admin(&mut self, action: &Action, code: Option<&'static str>) -> Result<Post> {
        self.script
            .command(&actor(ActorType::Admin, "office"), action, code)
    }

    fn student(&mut self, user: &str, action: &Action, code: Option<&'static str>) -> Result<Post> {
        self.script
            .command(&actor(ActorType::Student, user), action, code)
    }

    fn instructor(&mut self, action: &Action, code: Option<&'static str>) -> Result<Post> {
        self.script
            .command(&actor(ActorType::Instructor, "frida"), action, code)
    }

    fn courses(&mut self) -> Result<Vec<Post>> {
        let painting = course(
            PAINTING,
            "Watercolour for beginners",
            PAINTING_COST,
            6,
            &self.painting_schedule,
        )?;
        let sketching = course(
            SKETCHING,
            "Sketching every day",
            4_500,
            3,
            &calendar::daily_from_today(self.now),
        )?;
        let archive = course(ARCHIVE, "Art history", 8_000, 4, &calendar::all_over())?;
        let spoil = |name: &str, change: fn(&mut CreateCourse)| -> Result<CreateCourse> {
            let mut spoiled = CreateCourse {
                course_id: name.parse()?,
                ..painting.clone()
            };
            change(&mut spoiled);
            Ok(spoiled)
        };
        let free_money = spoil("free-money", |course| course.cost = -1)?;
        let no_sessions = spoil("no-sessions", |course| course.duration = 0)?;
        let some_day = spoil("some-day", |course| {
            course.schedule = "every other Thursday".to_owned()
        })?;
        let too_short = spoil("too-short", |course| course.duration = 9)?;
        let forged = CreateCourse {
            course_id: "forged".parse()?,
            ..painting.clone()
        };
        Ok(vec![
            self.admin(&Action::CreateCourse(painting), None)?,
            self.admin(&Action::CreateCourse(sketching), None)?,
            self.admin(&Action::CreateCourse(archive), None)?,
            self.admin(&Action::CreateCourse(free_money), Some("INVALID_COST"))?,
            self.admin(&Action::CreateCourse(no_sessions), Some("INVALID_DURATION"))?,
            self.admin(&Action::CreateCourse(some_day), Some("INVALID_SCHEDULE"))?,
            self.admin(&Action::CreateCourse(too_short), Some("INVALID_SCHEDULE"))?,
            self.student("eve", &Action::CreateCourse(forged), Some("FORBIDDEN"))?,
        ])
    }

    fn changes(&mut self) -> Result<Vec<Post>> {
        let again = course(
            PAINTING,
            "Watercolour once more",
            PAINTING_COST,
            6,
            &self.painting_schedule,
        )?;
        let described = UpdateCourse {
            expected_version: Some(1),
            description: Some(text("Colour, water, paper, patience.")?),
            ..update(PAINTING)?
        };
        let closed = UpdateCourse {
            open: Some(false),
            ..update("closed-course")?
        };
        let closed_course = course(
            "closed-course",
            "Etching",
            1_000,
            1,
            &self.painting_schedule,
        )?;
        Ok(vec![
            self.admin(&Action::CreateCourse(again), Some("COURSE_EXISTS"))?,
            self.admin(&Action::UpdateCourse(described.clone()), None)?,
            self.admin(&Action::UpdateCourse(described), Some("VERSION_CONFLICT"))?,
            self.admin(
                &Action::UpdateCourse(update("sculpture")?),
                Some("COURSE_NOT_FOUND"),
            )?,
            self.admin(&Action::CreateCourse(closed_course), None)?,
            self.admin(&Action::UpdateCourse(closed), None)?,
        ])
    }

    fn applications(&mut self) -> Result<Vec<Post>> {
        let no_address = ApplyForCourse {
            contact_info: ContactInfo {
                email: "nowhere".to_owned(),
                ..contact("eve")
            },
            ..apply("eve", PAINTING)?
        };
        Ok(vec![
            self.student(
                "ada",
                &Action::ApplyForCourse(apply("ada", PAINTING)?),
                None,
            )?,
            self.student(
                "ben",
                &Action::ApplyForCourse(apply("ben", PAINTING)?),
                None,
            )?,
            self.student(
                "cleo",
                &Action::ApplyForCourse(apply("cleo", PAINTING)?),
                None,
            )?,
            self.student(
                "dan",
                &Action::ApplyForCourse(apply("dan", SKETCHING)?),
                None,
            )?,
            self.student(
                "dan",
                &Action::ApplyForCourse(apply("dan", ARCHIVE)?),
                Some("SCHEDULE_EXHAUSTED"),
            )?,
            self.student(
                "ada",
                &Action::ApplyForCourse(apply("ada", PAINTING)?),
                Some("ALREADY_APPLIED"),
            )?,
            self.student(
                "ben",
                &Action::ApplyForCourse(apply("ada", SKETCHING)?),
                Some("FORBIDDEN"),
            )?,
            self.student(
                "eve",
                &Action::ApplyForCourse(apply("eve", "closed-course")?),
                Some("COURSE_CLOSED"),
            )?,
            self.student(
                "eve",
                &Action::ApplyForCourse(apply("eve", "sculpture")?),
                Some("COURSE_NOT_FOUND"),
            )?,
            self.student(
                "eve",
                &Action::ApplyForCourse(no_address),
                Some("INVALID_CONTACT"),
            )?,
        ])
    }

    fn price_rise(&mut self) -> Result<Vec<Post>> {
        let dearer = UpdateCourse {
            cost: Some(15_000),
            ..update(PAINTING)?
        };
        Ok(vec![self.admin(&Action::UpdateCourse(dearer), None)?])
    }

    fn payments(&mut self) -> Result<Vec<Post>> {
        let paid = |user: &str, course: &str, amount, reference: &str| -> Result<Action> {
            Ok(Action::ConfirmPayment(ConfirmPayment {
                user_id: user.parse()?,
                course_id: course.parse()?,
                amount: Some(amount),
                currency: Some("GBP".parse()?),
                reference: Some(text(reference)?),
                first_session_after: None,
            }))
        };
        let euros = Action::ConfirmPayment(ConfirmPayment {
            user_id: "ada".parse()?,
            course_id: PAINTING.parse()?,
            amount: Some(PAINTING_COST),
            currency: Some("EUR".parse()?),
            reference: None,
            first_session_after: None,
        });
        let forged = paid("eve", PAINTING, PAINTING_COST, "pay-0")?;
        let mut posts = vec![
            self.admin(
                &paid("ada", PAINTING, 15_000, "pay-1")?,
                Some("AMOUNT_MISMATCH"),
            )?,
            self.admin(&euros, Some("CURRENCY_MISMATCH"))?,
            self.student("eve", &forged, Some("FORBIDDEN"))?,
        ];
        let webhook = actor(ActorType::System, "payments");
        for (action, code) in [
            (paid("ada", PAINTING, PAINTING_COST, "pay-1")?, None),
            (paid("ada", PAINTING, PAINTING_COST, "pay-1")?, None),
            (
                paid("ada", PAINTING, PAINTING_COST, "pay-2")?,
                Some("ALREADY_PAID"),
            ),
            (paid("ben", PAINTING, PAINTING_COST, "pay-3")?, None),
            (paid("dan", SKETCHING, 4_500, "pay-4")?, None),
            (
                paid("eve", PAINTING, PAINTING_COST, "pay-5")?,
                Some("APPLICATION_NOT_FOUND"),
            ),
        ] {
            posts.push(self.script.command(&webhook, &action, code)?);
        }
        let again = Action::ApplyForCourse(apply("ada", PAINTING)?);
        posts.push(self.student("ada", &again, Some("ALREADY_ENROLLED"))?);
        Ok(posts)
    }

    fn sessions(&mut self) -> Result<Vec<Post>> {
        let attend =
            |user: &str, session: &str| target(user, PAINTING, session).map(Action::AttendSession);
        let first = self.instructor(&attend("ada", "1")?, None)?;
        self.first_attendance = Some(first.clone());
        let (third, fourth) = (self.painting_dates[2], self.painting_dates[3]);
        let a_day_later = reschedule("ada", PAINTING, "3", later(third, 24)?)?;
        let two_days_later = reschedule("ada", PAINTING, "3", later(third, 48)?)?;
        let yesterday = reschedule("ada", PAINTING, "4", later(self.now, -24)?)?;
        let unchanged = reschedule("ada", PAINTING, "4", fourth)?;
        let conflict = reschedule("ada", PAINTING, "4", self.painting_dates[4])?;
        let at_once = reschedule("dan", SKETCHING, "1", later(self.now, 72)?)?;
        let mut posts = vec![
            first,
            self.instructor(&skip("ada", PAINTING, "2", "a cold")?, None)?,
            self.student("ada", &a_day_later, None)?,
            self.student("ada", &two_days_later, Some("NOT_RESCHEDULABLE"))?,
            self.student("ada", &yesterday, Some("NEW_DATE_IN_PAST"))?,
            self.student("ada", &unchanged, Some("NEW_DATE_UNCHANGED"))?,
            self.student("ada", &conflict, Some("SESSION_CONFLICT"))?,
            self.student("ben", &attend("ada", "3")?, Some("FORBIDDEN"))?,
            self.instructor(&attend("ada", "1")?, Some("SESSION_NOT_SCHEDULED"))?,
            self.instructor(&attend("ada", "99")?, Some("SESSION_NOT_FOUND"))?,
            self.instructor(&attend("eve", "1")?, Some("ENROLLMENT_NOT_FOUND"))?,
            self.student("dan", &at_once, Some("TOO_LATE"))?,
            self.instructor(&attend("ben", "1")?, None)?,
        ];
        for session in ["3", "4", "5", "6"] {
            posts.push(self.instructor(&attend("ada", session)?, None)?);
        }
        Ok(posts)
    }

    fn mistakes(&mut self) -> Result<Vec<Post>> {
        let first = self
            .first_attendance
            .clone()
            .context("the first attendance was told")?;
        let other = self.instructor(&Action::AttendSession(target("ada", PAINTING, "5")?), None)?;
        Ok(vec![
            first.again(),
            first.reused_for(&other)?,
            Post::malformed("please enrol me, here is my number", "INVALID_JSON"),
            Post::malformed(r#"{"action":"enrol"}"#, "INVALID_ENVELOPE"),
            other.spoiled("attend.v1", "attend.v7", "UNKNOWN_TYPE"),
            other.spoiled(
                r#""user_id":"ada""#,
                r##""user_id":"ada#1""##,
                "INVALID_DATA",
            ),
            Post::malformed("x".repeat(300 * 1024), "TOO_LARGE"),
        ])
    }
}

fn course(id: &str, title: &str, cost: i64, duration: i64, schedule: &str) -> Result<CreateCourse> {
    Ok(CreateCourse {
        course_id: id.parse()?,
        title: text(title)?,
        description: text("Taught online, in small groups.")?,
        cost,
        currency: "GBP".parse()?,
        duration,
        payment_method: text("bank transfer")?,
        payment_link: Some(text("https://pay.example.com/arthouse")?),
        schedule: schedule.to_owned(),
        session_minutes: Some(90.try_into()?),
    })
}

fn update(course: &str) -> Result<UpdateCourse> {
    Ok(UpdateCourse {
        course_id: course.parse()?,
        expected_version: None,
        title: None,
        description: None,
        cost: None,
        currency: None,
        duration: None,
        payment_method: None,
        payment_link: None,
        schedule: None,
        session_minutes: None,
        open: None,
    })
}

fn apply(user: &str, course: &str) -> Result<ApplyForCourse> {
    Ok(ApplyForCourse {
        user_id: user.parse()?,
        course_id: course.parse()?,
        contact_info: contact(user),
    })
}

pub(super) fn contact(user: &str) -> ContactInfo {
    ContactInfo {
        name: format!("{user} of {PLANTED_CONTACT}"),
        email: format!("{user}@{PLANTED_CONTACT}"),
        phone: Some("+44 20 7946 0000".to_owned()),
    }
}

pub(super) fn target(user: &str, course: &str, session: &str) -> Result<AttendSession> {
    Ok(AttendSession {
        user_id: user.parse()?,
        course_id: course.parse()?,
        session_id: session.parse()?,
    })
}

pub(super) fn skip(user: &str, course: &str, session: &str, reason: &str) -> Result<Action> {
    Ok(Action::SkipSession(SkipSession {
        user_id: user.parse()?,
        course_id: course.parse()?,
        session_id: session.parse()?,
        reason: Some(text(reason)?),
    }))
}

pub(super) fn reschedule(
    user: &str,
    course: &str,
    session: &str,
    date: Timestamp,
) -> Result<Action> {
    Ok(Action::RescheduleSession(RescheduleSession {
        user_id: user.parse()?,
        course_id: course.parse()?,
        session_id: session.parse()?,
        new_session_date: date,
    }))
}

pub(super) fn later(at: Timestamp, hours: i64) -> Result<Timestamp> {
    let at: DateTime<chrono::Utc> = at.to_utc();
    Ok((at + TimeDelta::hours(hours)).into())
}

pub(super) fn text(text: &str) -> Result<Text> {
    Ok(Text::try_from(text.to_owned())?)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use arthouse_core::Rejection;

    use super::super::script::Expectation;
    use super::*;

    #[test]
    fn every_rejection_and_every_command_is_in_the_story() {
        let now = "2026-11-22T11:00:00Z".parse().expect("a time");
        let posts: Vec<_> = chapters(now)
            .expect("a story")
            .into_iter()
            .flat_map(|chapter| chapter.posts)
            .collect();
        let codes: BTreeSet<_> = posts
            .iter()
            .filter_map(|post| match &post.expected {
                Expectation::Outcome { code, .. } => *code,
                Expectation::DeadLetter { .. } => None,
            })
            .collect();
        // Sources are bound by an operator's setting, which the demo leaves out.
        let told = Rejection::codes().into_iter();
        let told = told.filter(|code| *code != "FORBIDDEN_SOURCE");
        assert_eq!(codes, told.collect());
        for known in arthouse_core::CommandType::ALL {
            assert!(
                posts.iter().any(|post| post.body.contains(known.as_str())),
                "{known}"
            );
        }
    }
}
