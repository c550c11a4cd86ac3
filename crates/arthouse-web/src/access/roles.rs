use std::str::FromStr;

use serde_json::{Map, Value};

use super::{Role, Viewer};

/// Which claims of a token say who someone is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roles {
    /// The claim with the id, such as `sub`, `email` or `username`.
    pub id_claim: String,
    /// The claim with the roles or groups, such as `cognito:groups`: a text or a list of texts.
    pub role_claim: String,
    /// The value of that claim for each role, by rank: whoever has several has the highest.
    pub admin: String,
    /// The value for teachers.
    pub instructor: String,
    /// The value for students; `*` makes a student of everyone with a valid token.
    pub student: String,
}

impl Default for Roles {
    fn default() -> Self {
        Self {
            id_claim: "sub".to_owned(),
            role_claim: "roles".to_owned(),
            admin: "admin".to_owned(),
            instructor: "instructor".to_owned(),
            student: "student".to_owned(),
        }
    }
}

impl Roles {
    /// Returns whom claims name; nobody without a role or a usable id.
    pub(crate) fn viewer(&self, claims: &Map<String, Value>) -> Option<Viewer> {
        let id = claims.get(&self.id_claim)?.as_str()?;
        let held = |value: &str| {
            let is_it = |given: &Value| given.as_str() == Some(value);
            match claims.get(&self.role_claim) {
                Some(Value::Array(given)) => given.iter().any(is_it),
                Some(Value::String(given)) => given.split([' ', ',']).any(|given| given == value),
                Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => {
                    false
                }
            }
        };
        let role = if held(&self.admin) {
            Role::Admin
        } else if held(&self.instructor) {
            Role::Instructor
        } else if self.student == "*" || held(&self.student) {
            Role::Student
        } else {
            return None;
        };
        Viewer::from_str(&format!("{}:{id}", role.as_str())).ok()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn viewer(roles: &Roles, claims: &Value) -> Option<String> {
        let claims = claims.as_object().expect("an object");
        roles.viewer(claims).map(|viewer| viewer.to_string())
    }

    #[test]
    fn a_token_s_claims_name_the_role_and_the_id() {
        let roles = Roles::default();
        let cognito = Roles {
            role_claim: "cognito:groups".to_owned(),
            admin: "office".to_owned(),
            student: "*".to_owned(),
            ..Roles::default()
        };
        for (roles, claims, expected) in [
            (
                &roles,
                json!({"sub": "ada", "roles": ["student"]}),
                Some("student:ada"),
            ),
            (
                &roles,
                json!({"sub": "ada", "roles": "student instructor"}),
                Some("instructor:ada"),
            ),
            (
                &roles,
                json!({"sub": "ada", "roles": ["student", "admin"]}),
                Some("admin:ada"),
            ),
            (&roles, json!({"sub": "ada"}), None),
            (
                &roles,
                json!({"sub": "ada", "roles": ["administrator"]}),
                None,
            ),
            (&roles, json!({"sub": "a#b", "roles": ["student"]}), None),
            (&roles, json!({"sub": 7, "roles": ["student"]}), None),
            (&roles, json!({"roles": ["student"]}), None),
            (&cognito, json!({"sub": "ada"}), Some("student:ada")),
            (
                &cognito,
                json!({"sub": "o", "cognito:groups": ["office"]}),
                Some("admin:o"),
            ),
        ] {
            assert_eq!(viewer(roles, &claims).as_deref(), expected, "{claims}");
        }
    }
}
