//! Many students, to see how fast it goes.

use anyhow::{Context, Result};
use arthouse_core::{
    Action, ActorType, ApplyForCourse, ConfirmPayment, CreateCourse, Schedule, Timestamp,
};

use super::calendar;
use super::script::{Post, Script, actor};
use super::story::{contact, later, reschedule, skip, target, text};

/// How many sessions the course has.
pub(super) const SESSIONS: u16 = 10;

const COURSE: &str = "life-drawing";
const COST: i64 = 19_999;

/// Returns the messages: a course, applications, payments, then the sessions, of which one is moved and two are skipped.
pub(super) fn chapters(students: u32, now: Timestamp) -> Result<Vec<Vec<Post>>> {
    let mut script = Script::new("load", now);
    let (admin, webhook) = (
        actor(ActorType::Admin, "office"),
        actor(ActorType::System, "payments"),
    );
    let schedule = calendar::weekly_from_next_week(now);
    let dates = schedule
        .parse::<Schedule>()?
        .first_after(now, i64::from(SESSIONS).try_into()?);
    let tenth = dates.context("the timetable never ends")?[usize::from(SESSIONS) - 1].at;

    let offer = script.command(&admin, &Action::CreateCourse(course(schedule)?), None)?;
    let (mut applications, mut payments, mut sessions) = (Vec::new(), Vec::new(), Vec::new());
    for n in 1..=students {
        let user = format!("student-{n:05}");
        let student = actor(ActorType::Student, &user);
        applications.push(script.command(&student, &apply(&user)?, None)?);
        payments.push(script.command(&webhook, &pay(&user)?, None)?);
        let moved = reschedule(&user, COURSE, "10", later(tenth, 24)?)?;
        sessions.push(script.command(&student, &moved, None)?);
        for session in 1..=SESSIONS {
            let id = session.to_string();
            let action = match session {
                4 | 7 => skip(&user, COURSE, &id, "away")?,
                _ => Action::AttendSession(target(&user, COURSE, &id)?),
            };
            sessions.push(script.command(&student, &action, None)?);
        }
    }
    Ok(vec![vec![offer], applications, payments, sessions])
}

fn course(schedule: String) -> Result<CreateCourse> {
    Ok(CreateCourse {
        course_id: COURSE.parse()?,
        title: text("Life drawing")?,
        description: text("Ten evenings with a model.")?,
        cost: COST,
        currency: "GBP".parse()?,
        duration: SESSIONS.into(),
        payment_method: text("card")?,
        payment_link: None,
        schedule,
        session_minutes: None,
    })
}

fn apply(user: &str) -> Result<Action> {
    let (user_id, course_id) = (user.parse()?, COURSE.parse()?);
    Ok(Action::ApplyForCourse(ApplyForCourse {
        user_id,
        course_id,
        contact_info: contact(user),
    }))
}

fn pay(user: &str) -> Result<Action> {
    Ok(Action::ConfirmPayment(ConfirmPayment {
        user_id: user.parse()?,
        course_id: COURSE.parse()?,
        amount: Some(COST),
        currency: None,
        reference: Some(text(&format!("card-{user}"))?),
        first_session_after: None,
    }))
}
