use arthouse_core::Enrollment;

use super::*;
use crate::items::samples::{
    application, course, enrollment, moved_and_attended, receipt, rejected, s, session,
};

fn check(table: Table, old: Option<Item>, new: Option<Item>, expected: Option<Change>) {
    let image = Image {
        old: old.as_ref(),
        new: new.as_ref(),
    };
    assert_eq!(change(table, image), Ok(expected));
}

fn initial() -> Enrollment {
    Enrollment {
        sessions_initialized_at: None,
        ..enrollment()
    }
}

#[test]
fn an_application_put_is_a_change_and_one_changed_is_none() {
    let item = || Some(application().to_item());
    let applied = Change::Applied(Box::new(application()));
    check(Table::UsersCourses, None, item(), Some(applied));
    check(Table::UsersCourses, item(), item(), None);
}

#[test]
fn an_enrolment_put_and_one_changed_are_changes() {
    let enrolled = Change::Enrolled(Box::new(initial()));
    let (before, after) = (initial().to_item(), enrollment().to_item());
    check(
        Table::UsersCourses,
        None,
        Some(before.clone()),
        Some(enrolled),
    );
    let updated = Change::EnrollmentUpdated {
        before: Box::new(initial()),
        after: Box::new(enrollment()),
        sessions: Vec::new(),
    };
    check(
        Table::UsersCourses,
        Some(before),
        Some(after),
        Some(updated),
    );
}

#[test]
fn a_session_changed_is_a_change_and_one_put_is_none() {
    let (before, after) = (session().to_item(), moved_and_attended().to_item());
    let updated = Change::SessionUpdated {
        before: Box::new(session()),
        after: Box::new(moved_and_attended()),
    };
    check(
        Table::Sessions,
        Some(before.clone()),
        Some(after),
        Some(updated),
    );
    check(Table::Sessions, None, Some(before), None);
}

#[test]
fn keys_in_the_long_form_change_alike() {
    let mut item = application().to_item();
    item.insert("SK".to_owned(), s("COURSE#oils#STATUS#APPLIED"));
    let applied = Change::Applied(Box::new(application()));
    check(Table::UsersCourses, None, Some(item), Some(applied));
    let mut item = enrollment().to_item();
    item.insert("SK".to_owned(), s("COURSE#oils#STATUS#PAID"));
    let enrolled = Change::Enrolled(Box::new(enrollment()));
    check(Table::UsersCourses, None, Some(item), Some(enrolled));
}

#[test]
fn nothing_follows_from_a_removal() {
    let of_no_family = Item::from([("PK".to_owned(), s("LEASE#1"))]);
    for (table, old) in [
        (Table::UsersCourses, application().to_item()),
        (Table::UsersCourses, enrollment().to_item()),
        (Table::Sessions, session().to_item()),
        (Table::Commands, receipt(rejected()).to_item()),
        (Table::UsersCourses, of_no_family),
    ] {
        check(table, Some(old), None, None);
    }
}

#[test]
fn nothing_follows_from_courses_and_receipts() {
    let (course, receipt) = (course().to_item(), receipt(rejected()).to_item());
    check(Table::Courses, None, Some(course.clone()), None);
    check(Table::Courses, Some(course.clone()), Some(course), None);
    check(Table::Commands, None, Some(receipt), None);
}

#[test]
fn a_record_that_can_t_be_read_is_an_error() {
    let broken = Item::from([
        ("PK".to_owned(), s("USER#ada")),
        ("SK".to_owned(), s("COURSE#oils#PAID")),
    ]);
    let foreign = Item::from([
        ("PK".to_owned(), s("USER#ada")),
        ("SK".to_owned(), s("PROFILE")),
    ]);
    let whole = enrollment().to_item();
    for (old, new) in [
        (None, &broken),
        (Some(&broken), &whole),
        (Some(&whole), &broken),
        (None, &foreign),
    ] {
        let found = change(
            Table::UsersCourses,
            Image {
                old,
                new: Some(new),
            },
        );
        assert!(found.is_err(), "{found:?}");
    }
}

#[test]
fn an_image_shows_nothing_of_its_items() {
    let item = application().to_item();
    let image = Image {
        old: None,
        new: Some(&item),
    };
    assert_eq!(format!("{image:?}"), "Image { old: false, new: true }");
}
