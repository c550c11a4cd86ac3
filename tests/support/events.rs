//! Commands as upstream systems write them, from the rules (`RULES.md` of arthouse-core) and without our types.

use chrono::{Days, Utc};
use serde_json::{Value, json};

/// The source of the scenarios' commands.
pub const SOURCE: &str = "urn:school:web";

/// A command on the wire: one CloudEvent.
#[derive(Debug, Clone)]
pub struct Event {
    /// The message group.
    pub group: String,
    /// The deduplication id; none leaves it to the queue, which goes by the body.
    pub deduplication_id: Option<String>,
    /// The body.
    pub body: Value,
}

impl Event {
    /// Writes a command of a type such as `course.create`, posted by an admin.
    pub fn new(kind: &str, data: Value) -> Self {
        let id = uuid::Uuid::new_v4().to_string();
        let group = data["user_id"]
            .as_str()
            .or(data["course_id"].as_str())
            .unwrap_or("none")
            .to_owned();
        let mut data = data;
        data["actor"] = json!({"type": "admin", "id": "office"});
        let body = json!({
            "specversion": "1.0",
            "id": id,
            "source": SOURCE,
            "type": format!("com.digitalarthouse.{kind}.v1"),
            "time": Utc::now().format("%Y-%m-%dT%H:%M:%SZ").to_string(),
            "datacontenttype": "application/json",
            "data": data,
        });
        Self {
            group,
            deduplication_id: None,
            body,
        }
    }

    /// Posts it as someone else.
    #[must_use]
    pub fn by(mut self, role: &str, id: &str) -> Self {
        self.body["data"]["actor"] = json!({"type": role, "id": id});
        self
    }

    /// The same command once more, past the queue's own deduplication.
    #[must_use]
    pub fn again(&self) -> Self {
        Self {
            deduplication_id: Some(uuid::Uuid::new_v4().to_string()),
            ..self.clone()
        }
    }

    /// The same, sent by another system under an id of its own.
    #[must_use]
    pub fn from_source(mut self, source: &str, id: &str) -> Self {
        self.body["source"] = json!(source);
        self.body["id"] = json!(id);
        self
    }

    /// The same in another message group, so that nothing but the tables keeps the order.
    #[must_use]
    pub fn in_group(mut self, group: &str) -> Self {
        group.clone_into(&mut self.group);
        self
    }

    /// Returns the command's id.
    ///
    /// # Panics
    /// If the body has none.
    pub fn id(&self) -> &str {
        self.body["id"].as_str().expect("the event has an id")
    }
}

/// A course's data: weekly in London from next week on.
pub fn course(id: &str, cost: i64, duration: u32) -> Value {
    let first = Utc::now().date_naive() + Days::new(7);
    json!({
        "course_id": id,
        "title": "Watercolour",
        "description": "Colour and water",
        "cost": cost,
        "currency": "GBP",
        "duration": duration,
        "payment_method": "bank transfer",
        "payment_link": "https://pay.example.com/w",
        "schedule": format!("DTSTART;TZID=Europe/London:{}T183000\nRRULE:FREQ=WEEKLY", first.format("%Y%m%d")),
    })
}

/// A student's commands in one course.
#[derive(Debug, Clone)]
pub struct Student {
    pub(crate) user: String,
    pub(crate) course: String,
}

/// Names a student in a course.
pub fn student(user: &str, course: &str) -> Student {
    Student {
        user: user.to_owned(),
        course: course.to_owned(),
    }
}

impl Student {
    /// The student applies.
    pub fn applies(&self) -> Event {
        let contact = json!({
            "name": format!("Name-{}", self.user),
            "email": format!("{}@contact.example", self.user),
            "phone": "+44 20 7946 0999",
        });
        let data = json!({"user_id": self.user, "course_id": self.course, "contact_info": contact});
        Event::new("course.apply", data).by("student", &self.user)
    }

    /// The payment comes in.
    pub fn pays(&self, reference: &str) -> Event {
        let data = json!({"user_id": self.user, "course_id": self.course, "reference": reference});
        Event::new("payment.confirm", data).by("system", "payments")
    }

    /// The student comes to a session.
    pub fn attends(&self, session: u32) -> Event {
        Event::new("session.attend", self.session(session)).by("instructor", "frida")
    }

    /// The student does not come to a session.
    pub fn skips(&self, session: u32) -> Event {
        Event::new("session.skip", self.session(session)).by("instructor", "frida")
    }

    /// The student moves a session.
    pub fn reschedules(&self, session: u32, to: &str) -> Event {
        let mut data = self.session(session);
        data["new_session_date"] = json!(to);
        Event::new("session.reschedule", data).by("student", &self.user)
    }

    fn session(&self, session: u32) -> Value {
        json!({"user_id": self.user, "course_id": self.course, "session_id": format!("{session:04}")})
    }
}
