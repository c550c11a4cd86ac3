/// Why the school says no to a command: a normal answer, stored and published (`RULES.md`, "Commands").
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// The actor may not do this.
    #[error("the actor may not do this")]
    Forbidden,
    /// There is a course with this id.
    #[error("there is a course with this id already")]
    CourseExists,
    /// There is no course with this id.
    #[error("there is no course with this id")]
    CourseNotFound,
    /// The course does not take applications.
    #[error("the course does not take applications now")]
    CourseClosed,
    /// The course was changed since.
    #[error("the course is at version {actual}, not at the expected one")]
    VersionConflict {
        /// The version that it has.
        actual: u64,
    },
    /// The timetable is none, or ends too early.
    #[error("{0}")]
    InvalidSchedule(String),
    /// The cost is negative or beyond the limit.
    #[error("the cost must be 0 to 1000000000000 minor units")]
    InvalidCost,
    /// The number of sessions is out of range.
    #[error("the duration must be 1 to 500 sessions")]
    InvalidDuration,
    /// The contact details can't be used.
    #[error(
        "the contact needs a name, an email address and, if any, a phone number that can be used"
    )]
    InvalidContact,
    /// The student waits for the payment of an application.
    #[error("the student has applied for this course already")]
    AlreadyApplied,
    /// The student is enrolled.
    #[error("the student is enrolled in this course already")]
    AlreadyEnrolled,
    /// There is nothing to pay for.
    #[error("there is no application of this student for this course")]
    ApplicationNotFound,
    /// The enrolment is paid, by another payment.
    #[error("the enrolment is paid already")]
    AlreadyPaid,
    /// The amount is not the quoted price.
    #[error("the amount is not the quoted price")]
    AmountMismatch,
    /// The timetable has not enough dates left.
    #[error("the course's schedule has not enough dates left")]
    ScheduleExhausted,
    /// The student is not enrolled.
    #[error("the student is not enrolled in this course")]
    EnrollmentNotFound,
    /// The enrolment has no such session.
    #[error("the enrolment has no such session")]
    SessionNotFound,
    /// The session is over.
    #[error("the session is not scheduled any more")]
    SessionNotScheduled,
    /// The session was moved once.
    #[error("the session has been rescheduled before")]
    NotReschedulable,
    /// The session is 24 hours away or less.
    #[error("the session is 24 hours away or less")]
    TooLate,
    /// The new date is not in the future.
    #[error("the new date is not in the future")]
    NewDateInPast,
    /// The new date is the old one.
    #[error("the new date is the one that the session has")]
    NewDateUnchanged,
}

impl Rejection {
    /// All codes.
    pub const CODES: [&str; 22] = [
        "FORBIDDEN",
        "COURSE_EXISTS",
        "COURSE_NOT_FOUND",
        "COURSE_CLOSED",
        "VERSION_CONFLICT",
        "INVALID_SCHEDULE",
        "INVALID_COST",
        "INVALID_DURATION",
        "INVALID_CONTACT",
        "ALREADY_APPLIED",
        "ALREADY_ENROLLED",
        "APPLICATION_NOT_FOUND",
        "ALREADY_PAID",
        "AMOUNT_MISMATCH",
        "SCHEDULE_EXHAUSTED",
        "ENROLLMENT_NOT_FOUND",
        "SESSION_NOT_FOUND",
        "SESSION_NOT_SCHEDULED",
        "NOT_RESCHEDULABLE",
        "TOO_LATE",
        "NEW_DATE_IN_PAST",
        "NEW_DATE_UNCHANGED",
    ];

    /// Returns the code, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Forbidden => "FORBIDDEN",
            Self::CourseExists => "COURSE_EXISTS",
            Self::CourseNotFound => "COURSE_NOT_FOUND",
            Self::CourseClosed => "COURSE_CLOSED",
            Self::VersionConflict { .. } => "VERSION_CONFLICT",
            Self::InvalidSchedule(_) => "INVALID_SCHEDULE",
            Self::InvalidCost => "INVALID_COST",
            Self::InvalidDuration => "INVALID_DURATION",
            Self::InvalidContact => "INVALID_CONTACT",
            Self::AlreadyApplied => "ALREADY_APPLIED",
            Self::AlreadyEnrolled => "ALREADY_ENROLLED",
            Self::ApplicationNotFound => "APPLICATION_NOT_FOUND",
            Self::AlreadyPaid => "ALREADY_PAID",
            Self::AmountMismatch => "AMOUNT_MISMATCH",
            Self::ScheduleExhausted => "SCHEDULE_EXHAUSTED",
            Self::EnrollmentNotFound => "ENROLLMENT_NOT_FOUND",
            Self::SessionNotFound => "SESSION_NOT_FOUND",
            Self::SessionNotScheduled => "SESSION_NOT_SCHEDULED",
            Self::NotReschedulable => "NOT_RESCHEDULABLE",
            Self::TooLate => "TOO_LATE",
            Self::NewDateInPast => "NEW_DATE_IN_PAST",
            Self::NewDateUnchanged => "NEW_DATE_UNCHANGED",
        }
    }
}
