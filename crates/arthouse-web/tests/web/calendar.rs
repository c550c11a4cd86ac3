use arthouse_web::Identity;
use serde_json::json;

use crate::browser::{Answer, Browser};
use crate::rig::{School, settings, user};

/// Returns the unfolded lines of a calendar (RFC 5545, section 3.1).
fn lines(calendar: &Answer) -> Vec<String> {
    let unfolded = calendar.text.replace("\r\n ", "");
    unfolded.split("\r\n").map(str::to_owned).collect()
}

#[tokio::test]
async fn a_feed_follows_its_sessions_and_keeps_their_names() {
    let school = School::open().await;
    school.create("oils").await;
    school.enroll("ada", "oils").await;
    let ada = school.browser("student:ada");
    let path = ada.get("/api/me/calendar").await.json()["path"]
        .as_str()
        .expect("a path")
        .to_owned();
    ada.get("/my").await.check(200, &[&path]);
    // A phone has no token and no cookie.
    let phone = Browser::new(&school.address);
    let first = phone.get(&path).await;
    first.check(
        200,
        &["BEGIN:VCALENDAR\r\n", "SEQUENCE:0", "TRIGGER:-PT7200S"],
    );
    assert_eq!(first.header("content-type"), "text/calendar; charset=utf-8");
    let uid = "UID:0001.oils.ada.session@digitalarthouse.com".to_owned();
    assert!(lines(&first).contains(&uid), "{}", first.text);
    assert!(
        lines(&first).contains(&"SUMMARY:Painting\\, oils: session 1 of 3".to_owned()),
        "{}",
        first.text
    );
    assert_eq!(
        lines(&first)
            .iter()
            .filter(|line| *line == "BEGIN:VEVENT")
            .count(),
        3
    );
    let tag = first.header("etag");
    let same = phone.get_with(&path, ("if-none-match", &tag)).await;
    assert_eq!(same.status, 304);

    let data = json!({"user_id": "ada", "course_id": "oils", "session_id": "0001", "new_session_date": "2099-01-01T10:00:00Z"});
    school.carry_out("session.reschedule", data).await;
    let data = json!({"user_id": "ada", "course_id": "oils", "session_id": "0002"});
    school.carry_out("session.skip", data).await;
    let second = phone.get_with(&path, ("if-none-match", &tag)).await;
    second.check(200, &["DTSTART:20990101T100000Z", "STATUS:CANCELLED"]);
    let lines = lines(&second);
    assert!(lines.contains(&uid));
    let count = |wanted: &str| lines.iter().filter(|line| *line == wanted).count();
    assert_eq!(
        (
            count("SEQUENCE:0"),
            count("SEQUENCE:1"),
            count("BEGIN:VALARM")
        ),
        (1, 2, 2)
    );
}

#[tokio::test]
async fn a_feed_is_not_guessed_and_can_be_revoked() {
    let school = School::open().await;
    let path = async |address: &str, id: &str| {
        let browser = Browser::new(address).with_role(&format!("student:{id}"));
        browser.get("/api/me/calendar").await.json()["path"]
            .as_str()
            .expect("a path")
            .to_owned()
    };
    let of_ada = path(&school.address, "ada").await;
    let phone = Browser::new(&school.address);
    phone.get(&of_ada).await.check(200, &["BEGIN:VCALENDAR"]);
    for guess in [
        of_ada.replace("/ada/", "/bea/"),
        of_ada.replace(".ics", ""),
        of_ada.replace(".ics", "A.ics"),
        "/calendar/ada/.ics".to_owned(),
        "/calendar/ada/AAAAAAAAAAAAAAAAAAAAAA.ics".to_owned(),
        "/calendar/a%23b/AAAAAAAAAAAAAAAAAAAAAA.ics".to_owned(),
    ] {
        phone.get(&guess).await.check(404, &["no such calendar"]);
    }
    let mut revoked = settings(Identity::Chosen);
    revoked
        .revoked_feeds
        .insert(user("ada"), "2026-11-28".to_owned());
    let address = school.also_with(revoked).await;
    Browser::new(&address).get(&of_ada).await.check(404, &[]);
    let new = path(&address, "ada").await;
    assert_ne!(new, of_ada);
    Browser::new(&address).get(&new).await.check(200, &[]);
    let of_bea = path(&school.address, "bea").await;
    assert_eq!(path(&address, "bea").await, of_bea);
}
