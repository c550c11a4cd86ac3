use crate::rig::{School, eventually};

#[tokio::test]
async fn while_the_worker_is_down_a_page_says_that_the_command_waits_and_then_its_outcome() {
    let mut school = School::open().await;
    school.create("oils").await;
    school.enroll("ada", "oils").await;
    school.stop_workers().await;

    let ada = school.browser("student:ada");
    let link = "/do/session.skip?course_id=oils&session_id=0001&back=/my/courses/oils";
    let form = ada.get(link).await;
    form.check(200, &["Skip a session", "session 1", "30.00 GBP"]);
    let sent = ada.fill(&form, "/do/session.skip", &[]).await;
    assert_eq!(sent.status, 303, "{}", sent.text);
    let at = sent.header("location");
    let waiting = ada.get(&at).await;
    waiting.check(
        200,
        &[
            "waits to be carried out",
            "data-waiting=\"yes\"",
            "http-equiv=\"refresh\"",
        ],
    );
    let late = eventually(async || {
        let page = ada.get(&at).await;
        page.text
            .contains("the worker is busy or down")
            .then_some(page)
    });
    late.await.check(200, &["It is not lost"]);

    school.start_workers();
    let done = eventually(async || {
        let page = ada.get(&at).await;
        (!page.text.contains("data-waiting")).then_some(page)
    });
    done.await.check(
        200,
        &["The command was carried out", "href=\"/my/courses/oils\""],
    );
    // The same form once more is refused before it is sent.
    let again = ada.fill(&form, "/do/session.skip", &[]).await;
    again.check(422, &["the session is not scheduled"]);
}
