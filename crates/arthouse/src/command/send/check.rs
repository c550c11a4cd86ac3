//! Input is checked as the worker will check it, before anything is sent.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;

use arthouse_core::{Command, Malformed, PayloadHash};
use serde_json::Value;

/// A command that can be sent.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) command: Command,
    pub(super) body: String,
    pub(super) place: Place,
}

/// Where in the input a command stands, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// It is all of the input.
    Whole,
    /// It is an element of a JSON array.
    Item(usize),
    /// It is a line of its own.
    Line(usize),
}

/// What is wrong with a command. It never quotes the input, which may hold contact details.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Defect {
    place: Place,
    reason: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => f.write_str("the command"),
            Self::Item(number) => write!(f, "item {number}"),
            Self::Line(number) => write!(f, "line {number}"),
        }
    }
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.reason)
    }
}

/// Checks one command.
pub(super) fn one(body: String) -> Result<Vec<Checked>, Defect> {
    check(Place::Whole, body).map(|checked| vec![checked])
}

/// Checks all commands of an input: one JSON object, an array of them, or one a line.
pub(super) fn all(text: &str) -> Result<Vec<Checked>, Vec<Defect>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut defects = Vec::new();
    let mut checked = Vec::new();
    for (place, body) in split(text).map_err(|defect| vec![defect])? {
        match check(place, body) {
            Ok(command) => checked.push(command),
            Err(defect) => defects.push(defect),
        }
    }
    defects.extend(reused_ids(&checked));
    if defects.is_empty() {
        Ok(checked)
    } else {
        Err(defects)
    }
}

fn check(place: Place, body: String) -> Result<Checked, Defect> {
    match Command::parse(&body) {
        Ok(command) => Ok(Checked {
            command,
            body,
            place,
        }),
        Err(malformed) => Err(Defect {
            place,
            reason: malformed.to_string(),
        }),
    }
}

fn split(text: &str) -> Result<Vec<(Place, String)>, Defect> {
    match serde_json::from_str(text) {
        Ok(Value::Array(items)) => Ok((1..)
            .map(Place::Item)
            .zip(items.iter().map(Value::to_string))
            .collect()),
        Ok(_) => Ok(vec![(Place::Whole, text.trim().to_owned())]),
        Err(error) if is_one_document(text) => {
            let reason = format!(
                "INVALID_JSON: not JSON from line {}, column {} on",
                error.line(),
                error.column()
            );
            Err(Defect {
                place: Place::Whole,
                reason,
            })
        }
        Err(_) => {
            let lines = (1..)
                .zip(text.lines())
                .filter(|(_, line)| !line.trim().is_empty());
            Ok(lines
                .map(|(number, line)| (Place::Line(number), line.trim().to_owned()))
                .collect())
        }
    }
}

/// Says whether a text that is not JSON was meant to be one document: an array, or an object that goes on after its first line.
fn is_one_document(text: &str) -> bool {
    let first = text
        .lines()
        .find(|line| !line.trim().is_empty())
        .unwrap_or_default();
    let unfinished = serde_json::from_str::<Value>(first).is_err_and(|error| error.is_eof());
    first.trim_start().starts_with('[') || (unfinished && text.trim().lines().count() > 1)
}

/// Finds ids that stand for two different commands; the same command twice is no defect.
fn reused_ids(checked: &[Checked]) -> Vec<Defect> {
    let mut first: HashMap<_, (Place, &PayloadHash)> = HashMap::new();
    let mut defects = Vec::new();
    for Checked { command, place, .. } in checked {
        let (metadata, hash) = (&command.metadata, &command.payload_hash);
        match first.entry((&metadata.source, &metadata.id)) {
            Entry::Vacant(entry) => {
                entry.insert((*place, hash));
            }
            Entry::Occupied(entry) if entry.get().1.matches(hash) => {}
            Entry::Occupied(entry) => {
                let reason = format!("{}; see {}", Malformed::command_id_reused(), entry.get().0);
                defects.push(Defect {
                    place: *place,
                    reason,
                });
            }
        }
    }
    defects
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn attend(id: &str, session: &str) -> Value {
        json!({
            "specversion": "1.0", "id": id, "source": "/desk", "type": "com.digitalarthouse.session.attend.v1",
            "time": "2026-10-01T18:00:00Z",
            "data": {"actor": {"type": "admin", "id": "desk"}, "user_id": "ada", "course_id": "oils", "session_id": session},
        })
    }

    fn ids(input: &str) -> Vec<String> {
        let checked = all(input).unwrap_or_else(|defects| panic!("{defects:?}"));
        checked
            .iter()
            .map(|checked| checked.command.metadata.id.to_string())
            .collect()
    }

    fn defects(input: &str) -> Vec<String> {
        all(input)
            .map(|checked| checked.len())
            .unwrap_err()
            .iter()
            .map(Defect::to_string)
            .collect()
    }

    #[test]
    fn an_object_an_array_and_lines_are_read() {
        let (a, b) = (attend("a", "1"), attend("b", "2"));
        assert_eq!(ids(&a.to_string()), ["a"]);
        assert_eq!(ids(&serde_json::to_string_pretty(&a).unwrap()), ["a"]);
        assert_eq!(ids(&json!([a, b]).to_string()), ["a", "b"]);
        assert_eq!(ids(&format!("\u{feff}{a}\r\n\n  {b}\n")), ["a", "b"]);
        assert_eq!(ids(""), [""; 0]);
        assert_eq!(ids("[]"), [""; 0]);
    }

    #[test]
    fn a_bad_line_is_named_by_its_number_and_its_reason() {
        let good = attend("a", "1");
        let mut bad = attend("b", "2");
        bad["data"]["user_id"] = json!("a#b");
        assert_eq!(
            defects(&format!("{good}\n\n{bad}\nnot json\n")),
            [
                "line 3: INVALID_DATA: data.user_id: must be 1 to 128 characters of A-Z a-z 0-9 . _ : @ -",
                "line 4: INVALID_JSON: the body is not JSON (line 1, column 2)",
            ]
        );
        assert_eq!(
            defects(&json!([good, {"specversion": "0.3"}]).to_string())[0]
                .split(": ")
                .next(),
            Some("item 2")
        );
    }

    #[test]
    fn a_document_that_breaks_off_is_told_as_one() {
        let pretty = serde_json::to_string_pretty(&attend("a", "1")).unwrap();
        let broken = defects(&pretty[..pretty.len() - 4]);
        assert!(
            broken.len() == 1 && broken[0].starts_with("the command: INVALID_JSON"),
            "{broken:?}"
        );
        assert_eq!(defects("[1,\n2").len(), 1);
    }

    #[test]
    fn a_first_line_that_breaks_off_does_not_hide_the_others() {
        let good = attend("a", "1").to_string();
        let input = format!("{}\n{good}", &good[..40]);
        assert!(!defects(&input).is_empty());
    }

    #[test]
    fn an_id_stands_for_one_command() {
        let repeated = format!("{}\n{}", attend("a", "1"), attend("a", "1"));
        assert_eq!(ids(&repeated), ["a", "a"]);
        let reused = defects(&format!("{}\n{}", attend("a", "1"), attend("a", "2")));
        assert!(
            reused[0].starts_with("line 2: COMMAND_ID_REUSED") && reused[0].ends_with("see line 1"),
            "{reused:?}"
        );
    }

    #[test]
    fn a_command_larger_than_the_queue_takes_is_refused() {
        let mut large = attend("a", "1");
        large["data"]["reason"] = json!("x".repeat(300_000));
        assert!(defects(&large.to_string())[0].starts_with("the command: TOO_LARGE"));
    }

    #[test]
    fn no_defect_quotes_a_contact() {
        let mut bad = attend("a", "1");
        bad["type"] = json!("com.digitalarthouse.course.apply.v1");
        bad["data"]["contact_info"] = json!({"name": ["zq9"], "email": "zq9@example.com"});
        let told = defects(&format!("{bad}\n{{\"email\": \"zq9\n")).join("\n");
        assert!(!told.contains("zq9"), "{told}");
    }
}
