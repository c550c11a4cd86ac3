//! Commands from flags. What a flag's type can tell is checked at once; what only the school can tell is left to it.

mod course;
mod money;
mod student;

use arthouse_core::{
    Action, Actor, ActorType, CommandId, Currency, InvalidValue, Metadata, SessionMinutes, Source,
    Text, Timestamp,
};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};

use crate::command::CLI_SOURCE;
use money::Decimal;

/// The commands, by what they ask for.
#[derive(Debug, Subcommand)]
pub(crate) enum Flags {
    /// Offer a course
    #[command(name = "course.create")]
    CreateCourse(Addressed<course::Create>),
    /// Change a course on offer; what is not given stays
    #[command(name = "course.update")]
    UpdateCourse(Addressed<course::Update>),
    /// Apply for a course
    #[command(name = "course.apply")]
    Apply(Addressed<student::Apply>),
    /// Confirm a payment: the application becomes a paid enrolment
    #[command(name = "payment.confirm")]
    ConfirmPayment(Addressed<student::Confirm>),
    /// Note that a student came to a session
    #[command(name = "session.attend")]
    AttendSession(Addressed<student::Attend>),
    /// Note that a student did not come to a session
    #[command(name = "session.skip")]
    SkipSession(Addressed<student::Skip>),
    /// Move a session to another date, more than 24 hours before it
    #[command(name = "session.reschedule")]
    RescheduleSession(Addressed<student::Reschedule>),
}

/// A command's data and who it comes from.
#[derive(Debug, Args)]
pub(crate) struct Addressed<T: Args> {
    #[command(flatten)]
    data: T,
    #[command(flatten)]
    envelope: Envelope,
}

/// What every command carries beside its data.
#[derive(Debug, Args)]
#[command(next_help_heading = "Envelope")]
struct Envelope {
    /// The role of whoever gives the command
    #[arg(long, default_value = "admin", value_parser = actor_type())]
    actor_type: ActorType,
    /// The id of whoever gives the command [default: the student's id for --actor-type student, else cli]
    #[arg(long)]
    actor_id: Option<String>,
    /// The command's id; a command that is sent twice with one id takes effect once [default: a new UUID]
    #[arg(long)]
    id: Option<CommandId>,
    /// The system that the command comes from; ids are unique within it
    #[arg(long, default_value = CLI_SOURCE)]
    source: Source,
    /// The id of the conversation that the command belongs to
    #[arg(long)]
    correlation_id: Option<String>,
}

impl Flags {
    /// Writes the command as a message's body: a CloudEvent, made now, with a new id where none was given.
    ///
    /// # Errors
    /// Says which amount its currency can't have.
    pub(super) fn into_body(self, new_id: CommandId, now: Timestamp) -> Result<String, String> {
        let (envelope, action) = match self {
            Self::CreateCourse(it) => (it.envelope, Action::CreateCourse(it.data.try_into()?)),
            Self::UpdateCourse(it) => (it.envelope, Action::UpdateCourse(it.data.try_into()?)),
            Self::Apply(it) => (it.envelope, Action::ApplyForCourse(it.data.into())),
            Self::ConfirmPayment(it) => (it.envelope, Action::ConfirmPayment(it.data.try_into()?)),
            Self::AttendSession(it) => (it.envelope, Action::AttendSession(it.data.into())),
            Self::SkipSession(it) => (it.envelope, Action::SkipSession(it.data.into())),
            Self::RescheduleSession(it) => (it.envelope, Action::RescheduleSession(it.data.into())),
        };
        Ok(envelope.body(&action, new_id, now))
    }
}

impl Envelope {
    fn body(self, action: &Action, new_id: CommandId, now: Timestamp) -> String {
        let student = action
            .subject()
            .user_id()
            .filter(|_| self.actor_type == ActorType::Student);
        let actor = Actor {
            r#type: self.actor_type,
            id: self
                .actor_id
                .or_else(|| student.map(ToString::to_string))
                .unwrap_or_else(|| "cli".to_owned()),
        };
        let metadata = Metadata {
            id: self.id.unwrap_or(new_id),
            source: self.source,
            correlation_id: self.correlation_id,
            traceparent: None,
        };
        action.to_body(&metadata, &actor, now)
    }
}

fn actor_type() -> impl TypedValueParser<Value = ActorType> {
    let roles = [
        ActorType::Student,
        ActorType::Instructor,
        ActorType::Admin,
        ActorType::System,
    ];
    PossibleValuesParser::new(roles.map(role)).try_map(move |name| {
        roles
            .into_iter()
            .find(|known| role(*known) == name)
            .ok_or("is no role")
    })
}

fn role(actor_type: ActorType) -> &'static str {
    match actor_type {
        ActorType::Student => "student",
        ActorType::Instructor => "instructor",
        ActorType::Admin => "admin",
        ActorType::System => "system",
    }
}

/// Returns an amount in minor units, where one is given; clap sees to its currency.
fn minor_units(
    amount: Option<&Decimal>,
    currency: Option<Currency>,
) -> Result<Option<i64>, String> {
    amount
        .zip(currency)
        .map(|(amount, currency)| amount.minor_units(currency))
        .transpose()
}

fn text(text: &str) -> Result<Text, InvalidValue> {
    Text::try_from(text.to_owned())
}

fn minutes(text: &str) -> Result<SessionMinutes, String> {
    let minutes: i64 = text
        .parse()
        .map_err(|_| "must be a whole number of minutes".to_owned())?;
    SessionMinutes::try_from(minutes).map_err(|error| error.to_string())
}

/// Reads a schedule; `\n` may stand for a line's end, since no iCalendar rule contains it.
fn schedule(text: &str) -> Result<String, &'static str> {
    Ok(text.replace("\\n", "\n"))
}

#[cfg(test)]
mod tests;
