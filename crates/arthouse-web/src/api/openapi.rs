//! The description of the API, OpenAPI 3.1, generated from the types.

use arthouse_core::{
    CommandId, CommandType, CourseDetails, CourseId, Progress, SessionId, Source, UserId,
};
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::paging::MAX_PAGE;
use super::views::{Applications, CalendarLink, CommandRequest, Courses, Sessions, StudentCourses};
use crate::problem::Problem;
use crate::send::CommandState;

/// What is said of one operation.
struct Operation {
    method: &'static str,
    path: &'static str,
    id: &'static str,
    summary: &'static str,
    /// Who may ask.
    roles: &'static [&'static str],
    /// Whether it is a list that comes in pages, and may be asked for a number of entries.
    pages: Pages,
    status: u16,
    answer: fn(&mut SchemaGenerator) -> Schema,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Pages {
    One,
    Many,
    Sized,
}

const EVERYONE: &[&str] = &["student", "instructor", "admin"];
const STAFF: &[&str] = &["instructor", "admin"];
const OFFICE: &[&str] = &["admin"];
const STUDENT: &[&str] = &["student"];

fn of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// Describes a read that answers 200.
const fn read(
    path: &'static str,
    id: &'static str,
    summary: &'static str,
    roles: &'static [&'static str],
    pages: Pages,
    answer: fn(&mut SchemaGenerator) -> Schema,
) -> Operation {
    Operation {
        method: "get",
        path,
        id,
        summary,
        roles,
        pages,
        status: 200,
        answer,
    }
}

/// All operations, in the order of the routes.
const OPERATIONS: [Operation; 13] = [
    read(
        "/courses",
        "listCourses",
        "The catalogue",
        EVERYONE,
        Pages::Sized,
        of::<Courses>,
    ),
    read(
        "/courses/{course_id}",
        "getCourse",
        "A course",
        EVERYONE,
        Pages::One,
        of::<CourseDetails>,
    ),
    read(
        "/courses/{course_id}/sessions/{session_id}",
        "listRoster",
        "A session of every student of a course",
        STAFF,
        Pages::Many,
        of::<Sessions>,
    ),
    read(
        "/courses/{course_id}/days/{date}",
        "listDay",
        "The sessions of a course on a day, on the clock of the course; a page may be empty and not the last",
        STAFF,
        Pages::Many,
        of::<Sessions>,
    ),
    read(
        "/me/courses",
        "listMyCourses",
        "One's own courses",
        STUDENT,
        Pages::Many,
        of::<StudentCourses>,
    ),
    read(
        "/me/courses/{course_id}",
        "getMyProgress",
        "One's own progress in a course, with the statement",
        STUDENT,
        Pages::One,
        of::<Progress>,
    ),
    read(
        "/me/calendar",
        "getMyCalendarLink",
        "The address of one's own calendar feed",
        STUDENT,
        Pages::One,
        of::<CalendarLink>,
    ),
    read(
        "/students/{user_id}/courses",
        "listStudentCourses",
        "A student's courses",
        OFFICE,
        Pages::Many,
        of::<StudentCourses>,
    ),
    read(
        "/students/{user_id}/courses/{course_id}",
        "getStudentProgress",
        "A student's progress in a course, with the statement",
        OFFICE,
        Pages::One,
        of::<Progress>,
    ),
    read(
        "/applications",
        "listApplications",
        "The applications that wait for their payment, oldest first",
        OFFICE,
        Pages::Sized,
        of::<Applications>,
    ),
    Operation {
        method: "post",
        path: "/commands",
        id: "sendCommand",
        summary: "Sends a command; what becomes of it is read at the address in Location",
        roles: EVERYONE,
        pages: Pages::One,
        status: 202,
        answer: of::<CommandState>,
    },
    read(
        "/commands/{command_id}",
        "getCommand",
        "What has become of a command that one has sent here",
        EVERYONE,
        Pages::One,
        of::<CommandState>,
    ),
    read(
        "/outcomes",
        "getOutcome",
        "The outcome of a command of any system",
        OFFICE,
        Pages::One,
        of::<CommandState>,
    ),
];

/// Returns the description of the API.
pub fn openapi() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
    });
    let mut generator = settings.into_generator();
    let mut paths = Map::new();
    for operation in &OPERATIONS {
        let described = describe(operation, &mut generator);
        let path = format!("/api{}", operation.path);
        let entry = paths.entry(path).or_insert_with(|| json!({}));
        entry[operation.method] = described;
    }
    of::<Problem>(&mut generator);
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Digital Art House",
            "version": "1.0.0",
            "description": "Reads for systems upstream, and commands. Money is in minor units (pence, cents), times are UTC.",
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": generator.take_definitions(true),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    });
    document.sort_all_objects();
    document
}

fn describe(operation: &Operation, generator: &mut SchemaGenerator) -> Value {
    let answer = (operation.answer)(generator);
    let problem = json!({
        "description": "A problem (RFC 9457)",
        "content": {"application/problem+json": {"schema": of::<Problem>(generator)}},
    });
    let mut answers = json!({
        operation.status.to_string(): {
            "description": "The answer",
            "content": {"application/json": {"schema": answer}},
        },
    });
    for status in ["400", "401", "403", "404", "421", "429", "503"] {
        answers[status] = problem.clone();
    }
    let mut described = json!({
        "operationId": operation.id,
        "summary": operation.summary,
        "description": format!("For: {}.", operation.roles.join(", ")),
        "parameters": parameters(operation, generator),
        "x-roles": operation.roles,
    });
    if operation.method == "get" {
        answers["304"] = json!({"description": "It is as If-None-Match says"});
    } else {
        answers["422"] = problem;
        let types: Vec<_> = CommandType::ALL.map(CommandType::name).into();
        let mut schema = of::<CommandRequest>(generator);
        schema.insert("x-types".to_owned(), json!(types));
        described["requestBody"] =
            json!({"required": true, "content": {"application/json": {"schema": schema}}});
    }
    described["responses"] = answers;
    described
}

fn parameters(operation: &Operation, generator: &mut SchemaGenerator) -> Vec<Value> {
    let mut parameters = Vec::new();
    for (name, schema) in [
        ("course_id", of::<CourseId>(generator)),
        ("session_id", of::<SessionId>(generator)),
        ("user_id", of::<UserId>(generator)),
        ("command_id", of::<CommandId>(generator)),
        (
            "date",
            Schema::try_from(json!({"type": "string", "format": "date"})).expect("a schema"),
        ),
    ] {
        if operation.path.contains(&format!("{{{name}}}")) {
            parameters
                .push(json!({"name": name, "in": "path", "required": true, "schema": schema}));
        }
    }
    if operation.id == "getOutcome" {
        for (name, schema) in [
            ("source", of::<Source>(generator)),
            ("id", of::<CommandId>(generator)),
        ] {
            parameters
                .push(json!({"name": name, "in": "query", "required": true, "schema": schema}));
        }
    }
    if operation.pages == Pages::Sized {
        let schema = json!({"type": "integer", "minimum": 1, "maximum": MAX_PAGE, "default": 50});
        parameters.push(json!({"name": "limit", "in": "query", "schema": schema}));
    }
    if operation.pages != Pages::One {
        let about = "next_page of the page before";
        let schema = json!({"type": "string"});
        parameters
            .push(json!({"name": "page", "in": "query", "description": about, "schema": schema}));
    }
    parameters
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reference_of_the_document_leads_somewhere() {
        fn check(value: &Value, document: &Value) {
            match value {
                Value::Object(fields) => {
                    if let Some(Value::String(to)) = fields.get("$ref") {
                        let pointer = to.strip_prefix('#').expect("within the document");
                        assert!(document.pointer(pointer).is_some(), "{to}");
                    }
                    fields.values().for_each(|value| check(value, document));
                }
                Value::Array(items) => items.iter().for_each(|item| check(item, document)),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
            }
        }
        let document = openapi();
        check(&document, &document);
        assert!(document["components"]["schemas"]["Progress"].is_object());
        assert_eq!(
            document["paths"].as_object().expect("paths").len(),
            OPERATIONS.len()
        );
    }
}
