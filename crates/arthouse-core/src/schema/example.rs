use serde_json::{Value, json};

use crate::CommandType;

/// Returns a whole command of a type, as a producer would write it.
pub fn example(command_type: CommandType) -> Value {
    let ada = json!({"type": "student", "id": "ada"});
    let office = json!({"type": "admin", "id": "office"});
    let (actor, data) = match command_type {
        CommandType::CreateCourse => (office, course()),
        CommandType::UpdateCourse => (
            office,
            json!({"course_id": "watercolour", "expected_version": 1, "cost": 15_000}),
        ),
        CommandType::ApplyForCourse => (
            ada,
            json!({
                "user_id": "ada", "course_id": "watercolour",
                "contact_info": {"name": "Ada Byron", "email": "ada@example.com", "phone": "+44 20 7946 0999"},
            }),
        ),
        CommandType::ConfirmPayment => (
            json!({"type": "system", "id": "payments"}),
            json!({"user_id": "ada", "course_id": "watercolour", "amount": 14_000, "reference": "pay-20260920-1"}),
        ),
        CommandType::AttendSession => (
            json!({"type": "instructor", "id": "frida"}),
            session("0001"),
        ),
        CommandType::SkipSession => {
            let mut data = session("0002");
            data["reason"] = json!("a cold");
            (json!({"type": "instructor", "id": "frida"}), data)
        }
        CommandType::RescheduleSession => {
            let mut data = session("0003");
            data["new_session_date"] = json!("2026-10-20T17:30:00Z");
            (ada, data)
        }
    };
    event(command_type, &actor, data)
}

fn event(command_type: CommandType, actor: &Value, mut data: Value) -> Value {
    data["actor"] = actor.clone();
    json!({
        "specversion": "1.0",
        "id": "5f0c1c1e-8a52-4f0e-9b1d-2f6a1c7f2a10",
        "source": "urn:school:web",
        "type": command_type.as_str(),
        "time": "2026-09-20T12:00:00Z",
        "datacontenttype": "application/json",
        "correlationid": "order-4711",
        "data": data,
    })
}

fn course() -> Value {
    json!({
        "course_id": "watercolour", "title": "Watercolour", "description": "Colour and water, seven evenings.", "cost": 14_000,
        "currency": "GBP", "duration": 7, "payment_method": "card", "payment_link": "https://pay.example.com/watercolour",
        "schedule": "DTSTART;TZID=Europe/London:20261001T183000\nRRULE:FREQ=WEEKLY", "session_minutes": 90,
    })
}

fn session(id: &str) -> Value {
    json!({"user_id": "ada", "course_id": "watercolour", "session_id": id})
}
