use std::collections::BTreeSet;
use std::num::NonZeroU16;

use arthouse_core::{Invariant, SessionStatus};
use arthouse_store::{
    DecodeError, Enrolling, Key, Page, PageStart, Scanned, Segment, StoreError, Table, Unreadable,
};

use crate::commands::{apply, id};
use crate::school::{Item, School, application_key, enrollment_key, n, s, session_key};

/// Reads all pages of all segments.
async fn all<T, F>(segments: u16, read: impl Fn(Segment, Option<PageStart>) -> F) -> Vec<Scanned<T>>
where
    F: Future<Output = Result<Page<Scanned<T>>, StoreError>>,
{
    let mut found = Vec::new();
    for segment in Segment::all(NonZeroU16::new(segments).expect("not zero")) {
        let mut start = None;
        loop {
            let page = read(segment, start).await.expect("it scans");
            found.extend(page.items);
            start = page.next;
            if start.is_none() {
                break;
            }
        }
    }
    found
}

async fn enrolling(school: &School, segments: u16, limit: u16) -> Vec<Scanned<Enrolling>> {
    let read = |segment, start| school.store.scan_enrolling(segment, limit, start);
    all(segments, read).await
}

fn key_of(scanned: Scanned<Enrolling>) -> Key {
    match scanned.expect("readable") {
        Enrolling::Application(found) => Key::Application(found.user_id, found.course_id),
        Enrolling::Enrollment(found) => Key::Enrollment(found.user_id, found.course_id),
    }
}

#[tokio::test]
async fn segments_and_pages_have_each_item_once() {
    let school = School::with_course(3).await;
    school.enroll("ada").await;
    school.pay("bea").await;
    for user in ["cleo", "dora", "emma", "fay"] {
        school
            .carry_out(&apply(&format!("apply-{user}"), user))
            .await;
    }
    let mut expected = BTreeSet::from([enrollment_key("ada"), enrollment_key("bea")]);
    expected.extend(["cleo", "dora", "emma", "fay"].map(application_key));
    for (segments, limit) in [(1, 100), (1, 1), (4, 100), (3, 2), (16, 1)] {
        let found = enrolling(&school, segments, limit).await;
        let keys: BTreeSet<_> = found.into_iter().map(key_of).collect();
        assert_eq!(keys, expected, "{segments} segments of {limit}");
        assert_eq!(enrolling(&school, segments, limit).await.len(), 6);
    }

    let keys = all(2, |segment, start| {
        school.store.scan_session_keys(segment, 2, start)
    });
    let keys = keys.await.into_iter().map(|key| key.expect("readable"));
    let expected = ["0001", "0002", "0003"].map(|ordinal| (id("ada"), id("oils"), id(ordinal)));
    assert_eq!(keys.collect::<BTreeSet<_>>(), BTreeSet::from(expected));

    let receipts = all(2, |segment, start| {
        school.store.scan_receipts(segment, 3, start)
    });
    let receipts: Vec<_> = receipts.await;
    assert_eq!(receipts.len(), 9);
    for kept in receipts {
        let kept = kept.expect("readable");
        let days = (kept.expires_at.expect("it expires") - kept.receipt.at.unix_seconds()) / 86_400;
        assert_eq!(days, 90);
    }
}

#[tokio::test]
async fn an_item_that_can_not_be_read_is_named_and_hides_no_other() {
    let school = School::with_ada(2).await;
    let foreign = Item::from([
        ("PK".to_owned(), s("USER#ada")),
        ("SK".to_owned(), s("PROFILE")),
    ]);
    school.put(Table::UsersCourses, foreign).await;
    school.pay("bea").await;
    let overdrawn = |item: &mut Item| {
        item.insert(
            "Balance".to_owned(),
            aws_sdk_dynamodb::types::AttributeValue::N("-1".into()),
        );
    };
    school.rewrite(&enrollment_key("bea"), overdrawn).await;

    let mut defects: Vec<Box<Unreadable>> = enrolling(&school, 2, 100)
        .await
        .into_iter()
        .filter_map(Result::err)
        .collect();
    defects.sort_by(|a, b| a.raw_key.cmp(&b.raw_key));
    let [profile, bea] = &defects[..] else {
        panic!("{defects:?}");
    };
    assert_eq!((&profile.key, &profile.error), (&None, &DecodeError::Key));
    assert_eq!(profile.raw_key, "USER#ada PROFILE");
    assert_eq!(bea.key, Some(enrollment_key("bea")));
    let inconsistent = DecodeError::Inconsistent {
        record: "enrolment",
        invariant: Invariant::Balance,
    };
    assert_eq!(bea.error, inconsistent);
}

#[tokio::test]
async fn the_paid_are_told_from_the_others_under_either_form_of_their_key() {
    let school = School::with_ada(3).await;
    school.carry_out(&apply("apply-cleo", "cleo")).await;
    let paid = school.pay("bea").await;
    let key = enrollment_key("bea");
    let mut item = school
        .item(Table::UsersCourses, key.attributes())
        .await
        .expect("bea's");
    school.delete(Table::UsersCourses, key.attributes()).await;
    item.insert("SK".to_owned(), s("COURSE#oils#STATUS#PAID"));
    school.put(Table::UsersCourses, item).await;

    let students = ["ada", "bea", "cleo", "dora"].map(|user| (id(user), id("oils")));
    let found = school.store.enrolled(&students).await.expect("it reads");
    assert_eq!(found.len(), 2);
    assert_eq!(found[&students[0]], 3);
    assert_eq!(found[&students[1]], paid.duration.get());
}

#[tokio::test]
async fn a_student_is_read_at_once_with_what_can_not_be_read_beside_the_rest() {
    let school = School::with_ada(2).await;
    let broken = session_key("ada", "0002");
    let unpaid = |item: &mut Item| {
        item.insert("Status".to_owned(), s("Attended"));
    };
    school.rewrite(&broken, unpaid).await;
    let (user_id, course_id) = (id("ada"), id("oils"));
    let read = || school.store.student_at_once(&user_id, &course_id);
    let (records, unreadable) = read().await.expect("it reads");
    assert!(records.enrollment.is_some() && records.application.is_none());
    let statuses: Vec<_> = records.sessions.iter().map(|found| found.status).collect();
    assert_eq!(statuses, [SessionStatus::Scheduled]);
    assert_eq!(unreadable.len(), 1);
    assert_eq!(unreadable[0].key, Some(broken));

    let key = enrollment_key("ada");
    let mut twin = school
        .item(Table::UsersCourses, key.attributes())
        .await
        .expect("ada's");
    twin.insert("SK".to_owned(), s("COURSE#oils#STATUS#PAID"));
    twin.insert("Balance".to_owned(), n(0));
    school.put(Table::UsersCourses, twin).await;
    let (_, unreadable) = read().await.expect("it reads");
    let twice: Vec<_> = unreadable
        .iter()
        .filter(|defect| defect.error == DecodeError::Twice)
        .map(|defect| defect.key.clone())
        .collect();
    assert_eq!(twice, [Some(key)]);
}
