use proptest::prelude::*;
use serde_json::{Value, json};

use crate::samples::{PRIVATE, command, envelope, examples};
use crate::{Action, Command};

/// Puts a private text at a place in a message: as a string, or in a value of a type that is wrong there.
fn planted(value: &mut Value, place: &mut usize, how: usize) {
    if let Value::Object(fields) = value {
        fields
            .values_mut()
            .for_each(|field| planted(field, place, how));
    } else if *place == 0 {
        *place = usize::MAX;
        *value = plant(how);
    } else {
        *place -= 1;
    }
}

fn plant(how: usize) -> Value {
    match how {
        0 => json!(PRIVATE),
        1 => json!(format!("{PRIVATE} at line 1, expected {PRIVATE}")),
        2 => json!(format!("{PRIVATE} at line 1")),
        3 => json!(format!("`, expected `{PRIVATE}\"")),
        4 => json!([PRIVATE]),
        5 => json!({PRIVATE: PRIVATE}),
        6 => json!({"type": PRIVATE, "name": {"a": PRIVATE}}),
        7 => json!(format!("{PRIVATE}\n").repeat(200)),
        _ => json!([[{PRIVATE: 1}], PRIVATE]),
    }
}

proptest! {
    #[test]
    fn no_defect_is_told_with_a_value_of_the_message(
        which in 0_usize..7, places in prop::collection::vec((0_usize..24, 0_usize..9), 1..4),
    ) {
        let mut body = envelope(examples()[which].0, json!({}));
        if let Some(contact) = body["data"].get_mut("contact_info") {
            *contact = json!({"name": "Ada", "email": "ada@example.com", "phone": "020"});
        }
        for (mut place, how) in places {
            planted(&mut body, &mut place, how);
        }
        match Command::parse(&body.to_string()) {
            Err(malformed) => {
                prop_assert!(!malformed.to_string().contains(PRIVATE), "{}", malformed);
                prop_assert!(!malformed.detail.is_empty() && malformed.detail.len() < 200, "{}", malformed);
            }
            Ok(command) => {
                if let Action::ApplyForCourse(data) = &command.action {
                    let shown = format!("{:?}", data.contact_info);
                    prop_assert!(!shown.contains(PRIVATE));
                }
            }
        }
    }

    #[test]
    fn no_body_makes_the_parser_panic(body in "(\\{|\\}|\\[|\\]|\"[a-z]{0,9}\"|:|,|1|null){0,30}") {
        let _ = Command::parse(&body);
    }
}

#[test]
fn an_application_shows_nothing_of_its_contact_when_it_is_debugged() {
    let shown = format!("{:?}", command("course.apply", json!({})));
    assert!(
        shown.contains("redacted") && !shown.contains(PRIVATE),
        "{shown}"
    );
}
