//! A course's life through the pages alone, without a script.

use crate::browser::{Answer, Browser};
use crate::rig::{School, eventually};

/// Follows what a form led to until the command has its outcome.
async fn outcome(browser: &Browser, sent: &Answer) -> Answer {
    assert_eq!(sent.status, 303, "{}", sent.text);
    let at = sent.header("location");
    eventually(async || {
        let page = browser.get(&at).await;
        (page.status != 200 || !page.text.contains("data-waiting")).then_some(page)
    })
    .await
}

const COURSE: [(&str, &str); 9] = [
    ("course_id", "oils"),
    ("title", "Oil <painting>"),
    ("description", "Evenings & light"),
    ("cost", "100.00"),
    ("currency", "GBP"),
    ("duration", "3"),
    ("payment_method", "card"),
    ("schedule.every", "weekly"),
    ("schedule.zone", "Europe/London"),
];

async fn create(office: &Browser) {
    let form = office.get("/do/course.create?back=/courses").await;
    form.check(200, &["First session", "Price of the whole course"]);
    let first = (chrono::Utc::now() + chrono::TimeDelta::days(7))
        .format("%Y-%m-%dT18:00")
        .to_string();
    let typed = [&COURSE[..], &[("schedule.start", first.as_str())][..]].concat();
    // The dates come first.
    let dates = office.fill(&form, "/do/course.create", &typed).await;
    dates.check(200, &["The dates", "18:00", "Send: Create"]);
    let sent = office.fill(&dates, "/do/course.create", &typed).await;
    outcome(office, &sent)
        .await
        .check(200, &["The command was carried out"]);
    let page = office.get("/courses/oils").await;
    page.check(
        200,
        &[
            "Oil &lt;painting&gt;",
            "100.00 GBP",
            "Evenings &amp; light",
            "Close for applications",
        ],
    );
}

#[tokio::test]
async fn a_course_s_life_goes_through_the_pages_alone() {
    let school = School::open().await;
    let office = school.browser("admin:office");
    create(&office).await;

    let ada = school.browser("student:ada");
    enroll(&ada, &office).await;

    let scheduled = eventually(async || {
        let page = ada.get("/my/courses/oils").await;
        page.text.contains("Timetable").then_some(page)
    });
    scheduled.await.check(
        200,
        &[
            "Next lesson",
            " – in ",
            "33.34 GBP",
            "can be moved before",
            "session.reschedule?",
            "session.skip?",
        ],
    );
    teach(&school, &ada).await;
    ada.get("/my/courses/oils")
        .await
        .check(200, &["attended", "Statement"]);
    office
        .get("/office/students/ada/courses/oils")
        .await
        .check(200, &["Ada Byron", "Statement"]);
    let found = office.get("/office/students?user=ada").await;
    assert_eq!(found.header("location"), "/office/students/ada");
    office.get("/operations").await.check(
        200,
        &["arthouse-commands.fifo", "Trim headroom", "<polyline"],
    );
}

/// The student applies, the office confirms the payment.
async fn enroll(ada: &Browser, office: &Browser) {
    ada.get("/").await.check(303, &[]);
    ada.get("/my").await.check(200, &["There is no course yet"]);
    let page = ada.get("/courses/oils").await;
    page.check(
        200,
        &["href=\"/do/course.apply?course_id=oils&amp;back=/my/courses/oils\""],
    );
    let form = ada
        .get("/do/course.apply?course_id=oils&back=/my/courses/oils")
        .await;
    let contact = [
        ("contact_info.name", "Ada Byron"),
        ("contact_info.email", "ada@example.com"),
    ];
    let sent = ada.fill(&form, "/do/course.apply", &contact).await;
    outcome(ada, &sent).await.check(200, &["carried out"]);
    ada.get("/my/courses/oils")
        .await
        .check(200, &["waiting for the payment", "Pay 100.00 GBP by card"]);
    ada.get("/courses/oils")
        .await
        .check(200, &["applied for this course already"]);

    let waiting = eventually(async || {
        let page = office.get("/office").await;
        page.text.contains("Ada Byron").then_some(page)
    });
    waiting
        .await
        .check(200, &["ada@example.com", "Confirm payment"]);
    let form = office
        .get("/do/payment.confirm?user_id=ada&course_id=oils&back=/office")
        .await;
    form.check(200, &["value=\"100.00\"", "value=\"GBP\""]);
    let paid = [
        ("amount", "100.00"),
        ("currency", "GBP"),
        ("reference", "bank 7"),
    ];
    let sent = office.fill(&form, "/do/payment.confirm", &paid).await;
    outcome(office, &sent).await.check(200, &["carried out"]);
}

/// The student moves a session, the teacher calls the roll.
async fn teach(school: &School, ada: &Browser) {
    let link = "/do/session.reschedule?course_id=oils&session_id=0003&back=/my/courses/oils";
    let form = ada.get(link).await;
    let far = [("new_session_date", "2099-03-05T18:00")];
    let sent = ada.fill(&form, "/do/session.reschedule", &far).await;
    outcome(ada, &sent).await.check(200, &["carried out"]);
    let page = ada.get("/my/courses/oils").await;
    page.check(200, &["moved from", "Move: ", "5 Mar 2099, 18:00 GMT"]);

    let tom = school.browser("instructor:tom");
    tom.get("/teaching")
        .await
        .check(200, &["Oil &lt;painting&gt;"]);
    let next_week = (chrono::Utc::now() + chrono::TimeDelta::days(7))
        .format("%Y-%m-%d")
        .to_string();
    let week = tom.get(&format!("/teaching/oils?week={next_week}")).await;
    week.check(200, &["mark#0001#ada", "Save the roll call"]);
    let sent = tom
        .fill(&week, "/teaching/oils", &[("mark#0001#ada", "attended")])
        .await;
    outcome(&tom, &sent).await.check(200, &["carried out"]);
    eventually(async || {
        let progress = ada.get("/api/me/courses/oils").await.json();
        (progress["sessions_remaining"] == 2).then_some(())
    })
    .await;
}

#[tokio::test]
async fn bad_input_is_refused_beside_its_field_with_what_was_typed_kept() {
    let school = School::open().await;
    school.create("oils").await;
    let office = school.browser("admin:office");
    let form = office.get("/do/course.create").await;
    let check = async |changes: &[(&str, &str)], shown: &[&str]| {
        let start = [("schedule.start", "2027-01-05T18:00")];
        let typed = [&COURSE[..], &start[..], changes].concat();
        let answer = office.fill(&form, "/do/course.create", &typed).await;
        answer.check(422, shown);
        assert!(
            answer.text.contains("Oil &lt;painting&gt;"),
            "what was typed is kept"
        );
    };
    let here = ("course_id", "pastels");
    check(
        &[],
        &[
            "id=\"course_id-error\"",
            "there is a course with this id already",
        ],
    )
    .await;
    check(
        &[here, ("description", "")],
        &["id=\"description-error\"", "must be given"],
    )
    .await;
    check(
        &[here, ("cost", "12,50")],
        &["id=\"cost-error\"", "at most 2 decimals", "value=\"12,50\""],
    )
    .await;
    check(
        &[here, ("cost", "-5")],
        &["id=\"cost-error\"", "the cost must be 0 to"],
    )
    .await;
    check(
        &[here, ("currency", "pounds")],
        &["id=\"currency-error\"", "ISO 4217"],
    )
    .await;
    check(
        &[here, ("duration", "501")],
        &["id=\"duration-error\"", "1 to 500 sessions"],
    )
    .await;
    check(
        &[here, ("duration", "many")],
        &["id=\"duration-error\"", "must be a whole number"],
    )
    .await;
    check(
        &[("course_id", "oil paint")],
        &["id=\"course_id-error\"", "must be 1 to 128 characters"],
    )
    .await;
    check(
        &[here, ("schedule", "every Tuesday")],
        &["id=\"schedule-error\"", "every Tuesday</textarea>"],
    )
    .await;
    check(
        &[here, ("schedule.zone", "Europe/Lodnon")],
        &["id=\"schedule-error\""],
    )
    .await;
}

#[tokio::test]
async fn a_student_s_bad_input_is_refused_beside_its_field_too() {
    let school = School::open().await;
    school.create("oils").await;
    let ada = school.browser("student:ada");
    let form = ada.get("/do/course.apply?course_id=oils").await;
    let typed = [
        ("contact_info.name", "Ada"),
        ("contact_info.email", "ada at home"),
    ];
    let answer = ada.fill(&form, "/do/course.apply", &typed).await;
    answer.check(
        422,
        &[
            "id=\"contact_info-email-error\"",
            "value=\"ada at home\"",
            "aria-invalid=\"true\"",
        ],
    );
    school.enroll("ada", "oils").await;
    let form = ada
        .get("/do/session.reschedule?course_id=oils&session_id=0001")
        .await;
    for (date, error) in [
        ("2020-01-01T10:00", "in the future"),
        ("soon", "must be a date and time"),
        ("2099-03-29T01:30", "the clocks are changed then"),
        ("", "must be given"),
    ] {
        let answer = ada
            .fill(
                &form,
                "/do/session.reschedule",
                &[("new_session_date", date)],
            )
            .await;
        answer.check(422, &["id=\"new_session_date-error\"", error]);
    }
}

#[tokio::test]
async fn a_course_is_changed_and_closed_and_a_change_meanwhile_is_noticed() {
    let school = School::open().await;
    school.create("oils").await;
    let office = school.browser("admin:office");
    let close = office
        .get("/do/course.update?course_id=oils&open=false&back=/courses/oils")
        .await;
    close.check(
        200,
        &[
            "value=\"90.00\"",
            "The dates",
            "<option value=\"false\" selected",
        ],
    );
    let visible = |page: &Answer| {
        let schedule = page.text.split("spellcheck").nth(1).expect("a timetable");
        let schedule = schedule
            .split_once('>')
            .expect("its text")
            .1
            .split("</textarea>")
            .next();
        schedule.expect("its end").to_owned()
    };
    let schedule = visible(&close);
    let typed = [
        ("title", "Oils"),
        ("description", "At the easel."),
        ("cost", "95.00"),
        ("currency", "GBP"),
        ("duration", "3"),
        ("session_minutes", "60"),
        ("payment_method", "card"),
        ("payment_link", ""),
        ("schedule", &schedule),
        ("open", "false"),
    ];
    let sent = office.fill(&close, "/do/course.update", &typed).await;
    outcome(&office, &sent).await.check(200, &["carried out"]);
    let course = office.get("/api/courses/oils").await.json();
    assert_eq!(
        (&course["open"], &course["cost"]),
        (&false.into(), &9_500.into())
    );
    school
        .browser("student:ada")
        .get("/courses/oils")
        .await
        .check(200, &["does not take applications now"]);
    let stale = office
        .fill(
            &close,
            "/do/course.update",
            &[&typed[..], &[("key", "")][..]].concat(),
        )
        .await;
    stale.check(422, &["the course is at version 2"]);
}
