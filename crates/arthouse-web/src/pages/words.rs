//! What pages call each command, and what they ask for it. Each match is exhaustive: a new command is not forgotten here, and what a page
//! offers follows from its roles and its subject.

use arthouse_core::CommandType;

/// A value that a form asks for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field {
    /// The place in the command's data, such as `contact_info.email`.
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    pub(super) hint: &'static str,
    pub(super) kind: Kind,
    pub(super) needed: bool,
}

/// How a value is typed, and what it becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// What the command is about; a link has put it in.
    Subject,
    Line,
    Lines,
    Email,
    Phone,
    /// A whole number.
    Count,
    /// A decimal amount in the currency of the field `currency`.
    Money,
    /// A time on the clock of the course.
    Instant,
    YesNo,
    /// A timetable: how it repeats, or iCalendar text.
    Timetable,
    /// The version that the form was filled from.
    Version,
}

/// What a command is called.
#[derive(Debug, Clone, Copy)]
pub(super) struct Words {
    pub(super) title: &'static str,
    /// What a button says, short.
    pub(super) button: &'static str,
    pub(super) about: &'static str,
}

pub(super) fn words(of: CommandType) -> Words {
    let words = |title, button, about| Words {
        title,
        button,
        about,
    };
    match of {
        CommandType::CreateCourse => words(
            "Create a course",
            "Create",
            "The dates are shown before the course is created.",
        ),
        CommandType::UpdateCourse => words(
            "Change a course",
            "Change",
            "Paid enrolments and quotes keep the price and timetable that they have.",
        ),
        CommandType::ApplyForCourse => words(
            "Apply for a course",
            "Apply",
            "The price stays as it is now. The office confirms once the payment is there.",
        ),
        CommandType::ConfirmPayment => words(
            "Confirm a payment",
            "Confirm payment",
            "The sessions are scheduled from now on. The same reference twice changes nothing.",
        ),
        CommandType::AttendSession => words(
            "Mark a session as attended",
            "Attended",
            "The session is charged, and one session less remains.",
        ),
        CommandType::SkipSession => words(
            "Skip a session",
            "Skip",
            "A skipped session is charged all the same, and can't be taken back.",
        ),
        CommandType::RescheduleSession => words(
            "Move a session",
            "Move",
            "A session can be moved once, and more than 24 hours before it begins.",
        ),
    }
}

/// Returns how a roll call marks a session with a command, where it does.
pub(super) fn mark(of: CommandType) -> Option<&'static str> {
    match of {
        CommandType::AttendSession => Some("attended"),
        CommandType::SkipSession => Some("skipped"),
        CommandType::CreateCourse
        | CommandType::UpdateCourse
        | CommandType::ApplyForCourse
        | CommandType::ConfirmPayment
        | CommandType::RescheduleSession => None,
    }
}

/// Says whether a student's own pages offer a command that students may send: who came is for the roll call to say.
pub(super) fn is_for_students(of: CommandType) -> bool {
    match of {
        CommandType::AttendSession => false,
        CommandType::CreateCourse
        | CommandType::UpdateCourse
        | CommandType::ApplyForCourse
        | CommandType::ConfirmPayment
        | CommandType::SkipSession
        | CommandType::RescheduleSession => true,
    }
}

const fn needed(name: &'static str, label: &'static str, kind: Kind, hint: &'static str) -> Field {
    Field {
        name,
        label,
        hint,
        kind,
        needed: true,
    }
}

const fn optional(
    name: &'static str,
    label: &'static str,
    kind: Kind,
    hint: &'static str,
) -> Field {
    Field {
        name,
        label,
        hint,
        kind,
        needed: false,
    }
}

const USER: Field = needed("user_id", "Student", Kind::Subject, "");
const COURSE: Field = needed("course_id", "Course", Kind::Subject, "");
const SESSION: Field = needed("session_id", "Session", Kind::Subject, "");
const TITLE: Field = needed("title", "Title", Kind::Line, "");
const DESCRIPTION: Field = needed("description", "Description", Kind::Lines, "");
const COST: Field = needed(
    "cost",
    "Price of the whole course",
    Kind::Money,
    "Such as 120.00",
);
const CURRENCY: Field = needed(
    "currency",
    "Currency",
    Kind::Line,
    "Three letters, such as GBP",
);
const DURATION: Field = needed("duration", "Number of sessions", Kind::Count, "1 to 500");
const MINUTES: Field = optional(
    "session_minutes",
    "Minutes of a session",
    Kind::Count,
    "60 if empty",
);
const METHOD: Field = needed(
    "payment_method",
    "How it is paid",
    Kind::Line,
    "Such as card or bank transfer",
);
const LINK: Field = optional(
    "payment_link",
    "Where it is paid",
    Kind::Line,
    "A link, if there is one",
);
const SCHEDULE: Field = needed("schedule", "Timetable", Kind::Timetable, "");

/// Returns what a form asks for.
pub(super) fn fields(of: CommandType) -> &'static [Field] {
    match of {
        CommandType::CreateCourse => CREATE_COURSE,
        CommandType::UpdateCourse => UPDATE_COURSE,
        CommandType::ApplyForCourse => APPLY_FOR_COURSE,
        CommandType::ConfirmPayment => CONFIRM_PAYMENT,
        CommandType::AttendSession => ATTEND_SESSION,
        CommandType::SkipSession => SKIP_SESSION,
        CommandType::RescheduleSession => RESCHEDULE_SESSION,
    }
}

const CREATE_COURSE: &[Field] = &[
    needed(
        "course_id",
        "Short name",
        Kind::Line,
        "Letters, digits, . _ : @ - ; it can't be changed later",
    ),
    TITLE,
    DESCRIPTION,
    COST,
    CURRENCY,
    DURATION,
    MINUTES,
    SCHEDULE,
    METHOD,
    LINK,
];

const UPDATE_COURSE: &[Field] = &[
    COURSE,
    needed("expected_version", "Version", Kind::Version, ""),
    TITLE,
    DESCRIPTION,
    COST,
    CURRENCY,
    DURATION,
    MINUTES,
    SCHEDULE,
    METHOD,
    LINK,
    needed("open", "Takes applications", Kind::YesNo, ""),
];

const APPLY_FOR_COURSE: &[Field] = &[
    USER,
    COURSE,
    needed("contact_info.name", "Name", Kind::Line, ""),
    needed("contact_info.email", "Email address", Kind::Email, ""),
    optional(
        "contact_info.phone",
        "Telephone number",
        Kind::Phone,
        "If you like",
    ),
];

const CONFIRM_PAYMENT: &[Field] = &[
    USER,
    COURSE,
    optional(
        "amount",
        "Amount",
        Kind::Money,
        "It must be the quoted price",
    ),
    optional(
        "currency",
        "Currency",
        Kind::Line,
        "Three letters, such as GBP",
    ),
    optional(
        "reference",
        "Reference",
        Kind::Line,
        "The payment's at the bank or provider",
    ),
    optional(
        "first_session_after",
        "First session after",
        Kind::Instant,
        "If the student begins later",
    ),
];

const ATTEND_SESSION: &[Field] = &[USER, COURSE, SESSION];

const SKIP_SESSION: &[Field] = &[
    USER,
    COURSE,
    SESSION,
    optional("reason", "Reason", Kind::Line, "If you like"),
];

const RESCHEDULE_SESSION: &[Field] = &[
    USER,
    COURSE,
    SESSION,
    needed(
        "new_session_date",
        "New date and time",
        Kind::Instant,
        "On the clock of the course",
    ),
];

/// Returns the field that a rejection is about, if it is about one.
pub(super) fn field_of(code: &str) -> &'static str {
    match code {
        "COURSE_EXISTS" => "course_id",
        "INVALID_SCHEDULE" => "schedule",
        "INVALID_COST" => "cost",
        "INVALID_DURATION" => "duration",
        "INVALID_CONTACT" => "contact_info.email",
        "AMOUNT_MISMATCH" => "amount",
        "CURRENCY_MISMATCH" => "currency",
        "NEW_DATE_IN_PAST" | "NEW_DATE_UNCHANGED" | "SESSION_CONFLICT" => "new_session_date",
        _ => "",
    }
}
