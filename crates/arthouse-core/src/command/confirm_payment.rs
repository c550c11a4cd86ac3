use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{ActorType, CommandData, Subject};
use crate::rejection::{COURSE_NOT_FOUND, SCHEDULE_EXHAUSTED};
use crate::{
    Amount, Application, Course, CourseId, Currency, Enrollment, Refusal, Rejection, State, Text,
    Timestamp, Transition, UserId,
};

const APPLICATION_NOT_FOUND: Rejection = Rejection::new(
    "APPLICATION_NOT_FOUND",
    "there is no application of this student for this course",
);
const ALREADY_PAID: Rejection = Rejection::new("ALREADY_PAID", "the enrolment is paid already");
const AMOUNT_MISMATCH: Rejection =
    Rejection::new("AMOUNT_MISMATCH", "the amount is not the quoted price");
const CURRENCY_MISMATCH: Rejection = Rejection::new(
    "CURRENCY_MISMATCH",
    "the currency is not that of the quoted price",
);

/// The data of `payment.confirm`. A payment that overtook its application is rejected for good (APPLICATION_NOT_FOUND): its producer sends it
/// again later under a new id, with the same reference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConfirmPayment {
    /// Who paid.
    pub user_id: UserId,
    /// For which course.
    pub course_id: CourseId,
    /// What was paid, in minor units; must be the quoted price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<i64>,
    /// The currency of the amount; must be that of the quoted price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// The payment's reference at its provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Text>,
    /// No session is to take place until after this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_session_after: Option<Timestamp>,
}

impl CommandData for ConfirmPayment {
    const TYPE: &'static str = "com.digitalarthouse.payment.confirm.v1";
    const ROLES: &'static [ActorType] = &[ActorType::Admin, ActorType::System];
    const REJECTIONS: &'static [Rejection] = &[
        APPLICATION_NOT_FOUND,
        ALREADY_PAID,
        AMOUNT_MISMATCH,
        CURRENCY_MISMATCH,
        COURSE_NOT_FOUND,
        SCHEDULE_EXHAUSTED,
    ];

    fn subject(&self) -> Subject<'_> {
        Subject::Enrollment(&self.user_id, &self.course_id)
    }

    /// A payment of the quoted price turns the application into an enrolment, with the timetable as it is now.
    ///
    /// The same payment told twice changes nothing; another payment for the same enrolment is refused. It is the same if its reference is,
    /// and the amount and the currency as far as they are given.
    fn decide(&self, state: &State, now: Timestamp) -> Result<Transition, Refusal> {
        if let Some(enrollment) = &state.enrollment {
            let same = self.reference.is_some()
                && self.reference == enrollment.payment_reference
                && self.pays(enrollment.cost, enrollment.currency).is_ok();
            return if same {
                Ok(Transition::Unchanged)
            } else {
                Err(ALREADY_PAID.into())
            };
        }
        let application = state.application.as_ref().ok_or(APPLICATION_NOT_FOUND)?;
        self.pays(application.quote.cost, application.quote.currency)?;
        let course = state.course.as_ref().ok_or(COURSE_NOT_FOUND)?;
        let enrollment = enroll(application, course, self, now);
        if enrollment.session_dates().is_none() {
            return Err(SCHEDULE_EXHAUSTED.into());
        }
        Ok(Transition::Enroll {
            application: Box::new(application.clone()),
            enrollment: Box::new(enrollment),
        })
    }

    fn example() -> Value {
        json!({
            "actor": {"type": "system", "id": "payments"},
            "user_id": "ada", "course_id": "watercolour", "amount": 14_000, "currency": "GBP", "reference": "pay-20260920-1",
        })
    }
}

impl ConfirmPayment {
    /// Says whether the payment, as far as it is described, is of this price.
    fn pays(&self, cost: Amount, currency: Currency) -> Result<(), Rejection> {
        if self.amount.is_some_and(|amount| amount != i64::from(cost)) {
            return Err(AMOUNT_MISMATCH);
        }
        if self.currency.is_some_and(|given| given != currency) {
            return Err(CURRENCY_MISMATCH);
        }
        Ok(())
    }
}

fn enroll(
    application: &Application,
    course: &Course,
    data: &ConfirmPayment,
    now: Timestamp,
) -> Enrollment {
    let quote = &application.quote;
    Enrollment {
        user_id: application.user_id.clone(),
        course_id: application.course_id.clone(),
        paid_date: now,
        balance: quote.cost,
        sessions_remaining: quote.duration.get(),
        applied_date: application.applied_date,
        contact_info: application.contact_info.clone(),
        title: quote.title.clone(),
        cost: quote.cost,
        currency: quote.currency,
        duration: quote.duration,
        schedule: course.schedule.clone(),
        session_minutes: course.session_minutes,
        first_session_after: data.first_session_after,
        payment_reference: data.reference.clone(),
        charges: BTreeMap::new(),
        sessions_initialized_at: None,
        version: 1,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::{check, check_rejected};
    use super::{ALREADY_PAID, AMOUNT_MISMATCH, APPLICATION_NOT_FOUND, CURRENCY_MISMATCH};
    use crate::rejection::SCHEDULE_EXHAUSTED;
    use crate::samples::{application, at, course, enrollment, text, value};
    use crate::{Course, Enrollment, State, Transition};

    const CONFIRM: &str = "payment.confirm";

    fn applied() -> State {
        State {
            course: Some(course()),
            application: Some(application()),
            ..State::default()
        }
    }

    fn paid() -> State {
        State {
            course: Some(course()),
            enrollment: Some(enrollment()),
            ..State::default()
        }
    }

    fn enrolls(enrollment: Enrollment) -> Transition {
        Transition::Enroll {
            application: Box::new(application()),
            enrollment: Box::new(enrollment),
        }
    }

    #[test]
    fn a_payment_turns_the_application_into_an_enrolment() {
        let first_session_after = Some(at("2026-09-21T00:00:00Z"));
        let expected = enrolls(Enrollment {
            first_session_after,
            ..enrollment()
        });
        check(&applied(), (CONFIRM, json!({})), Ok(expected));
    }

    #[test]
    fn amount_currency_reference_and_first_date_need_not_be_given() {
        let expected = enrolls(Enrollment {
            payment_reference: None,
            ..enrollment()
        });
        let when = json!({"amount": null, "currency": null, "reference": null, "first_session_after": null});
        check(&applied(), (CONFIRM, when), Ok(expected));
    }

    #[test]
    fn the_price_is_the_quoted_one_and_the_timetable_the_one_of_the_day() {
        let fridays = "DTSTART;TZID=Europe/London:20261002T190000\nRRULE:FREQ=WEEKLY";
        let changed = Course {
            title: text("Oils for the rich"),
            cost: value(99_900),
            duration: value(9_i64),
            currency: crate::samples::id("EUR"),
            schedule: fridays.parse().expect("a schedule"),
            session_minutes: value(30),
            open: false,
            ..course()
        };
        let given = State {
            course: Some(changed),
            ..applied()
        };
        let schedule = fridays.parse().expect("a schedule");
        let expected = Enrollment {
            schedule,
            session_minutes: value(30),
            ..enrollment()
        };
        check(
            &given,
            (CONFIRM, json!({"first_session_after": null})),
            Ok(enrolls(expected)),
        );
        check_rejected(
            &given,
            (CONFIRM, json!({"amount": 99_900})),
            AMOUNT_MISMATCH,
        );
    }

    #[test]
    fn another_amount_than_the_quoted_one_is_refused() {
        for amount in [9_999_i64, 10_001, 0, -10_000, i64::MIN, i64::MAX] {
            check_rejected(
                &applied(),
                (CONFIRM, json!({"amount": amount})),
                AMOUNT_MISMATCH,
            );
        }
    }

    #[test]
    fn another_currency_than_the_quoted_one_is_refused_whatever_the_amount() {
        for amount in [json!(10_000), json!(null)] {
            check_rejected(
                &applied(),
                (CONFIRM, json!({"amount": amount, "currency": "EUR"})),
                CURRENCY_MISMATCH,
            );
        }
        check_rejected(
            &applied(),
            (CONFIRM, json!({"amount": 1, "currency": "EUR"})),
            AMOUNT_MISMATCH,
        );
    }

    #[test]
    fn without_an_application_there_is_nothing_to_pay() {
        let given = State {
            application: None,
            ..applied()
        };
        check_rejected(&given, (CONFIRM, json!({})), APPLICATION_NOT_FOUND);
        check_rejected(
            &State::default(),
            (CONFIRM, json!({})),
            APPLICATION_NOT_FOUND,
        );
    }

    #[test]
    fn the_same_payment_told_twice_changes_nothing() {
        for described in [
            json!({}),
            json!({"amount": null}),
            json!({"currency": null}),
        ] {
            check(&paid(), (CONFIRM, described), Ok(Transition::Unchanged));
        }
    }

    #[test]
    fn any_other_payment_for_a_paid_enrolment_is_refused() {
        let without_reference = State {
            enrollment: Some(Enrollment {
                payment_reference: None,
                ..enrollment()
            }),
            ..paid()
        };
        for described in [
            json!({"amount": 9_999}),
            json!({"currency": "EUR"}),
            json!({"amount": null, "currency": "EUR"}),
        ] {
            check_rejected(&paid(), (CONFIRM, described), ALREADY_PAID);
        }
        for (given, reference) in [
            (paid(), json!("pay-2")),
            (paid(), json!("PAY-1")),
            (paid(), json!(null)),
            (without_reference.clone(), json!("pay-1")),
            (without_reference, json!(null)),
        ] {
            check_rejected(
                &given,
                (CONFIRM, json!({"reference": reference})),
                ALREADY_PAID,
            );
        }
    }

    /// The timetable has dates on 1, 8 and 15 October at 17:00 UTC, and no more.
    #[track_caller]
    fn check_dates(first_session_after: Option<&str>, then: Option<[&str; 3]>) {
        let last = "DTSTART;TZID=Europe/London:20261001T180000\nRRULE:FREQ=WEEKLY;COUNT=4";
        let schedule: crate::Schedule = last.parse().expect("a schedule");
        let given = State {
            course: Some(Course {
                schedule: schedule.clone(),
                ..course()
            }),
            ..applied()
        };
        let when = (CONFIRM, json!({"first_session_after": first_session_after}));
        let Some(dates) = then else {
            return check_rejected(&given, when, SCHEDULE_EXHAUSTED);
        };
        let expected = Enrollment {
            schedule,
            first_session_after: first_session_after.map(at),
            ..enrollment()
        };
        let found: Vec<_> = expected
            .session_dates()
            .expect("dates")
            .iter()
            .map(|date| date.at)
            .collect();
        assert_eq!(found, dates.map(at));
        check(&given, when, Ok(enrolls(expected)));
    }

    #[test]
    fn sessions_start_strictly_after_the_payment_and_the_wished_date() {
        let first = [
            "2026-10-01T17:00:00Z",
            "2026-10-08T17:00:00Z",
            "2026-10-15T17:00:00Z",
        ];
        let second = [
            "2026-10-08T17:00:00Z",
            "2026-10-15T17:00:00Z",
            "2026-10-22T17:00:00Z",
        ];
        check_dates(None, Some(first));
        check_dates(Some("2020-01-01T00:00:00Z"), Some(first));
        check_dates(Some("2026-10-01T16:59:59Z"), Some(first));
        check_dates(Some("2026-10-01T17:00:00Z"), Some(second));
        check_dates(Some("2026-10-08T16:59:59Z"), Some(second));
        check_dates(Some("2026-10-08T17:00:00Z"), None);
        check_dates(Some("2030-01-01T00:00:00Z"), None);
    }
}
