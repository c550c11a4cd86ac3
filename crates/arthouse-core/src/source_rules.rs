//! Which systems upstream may act for whom (`RULES.md`, "Sources"). Whoever may send to the commands queue says who acts; the rules bind that to the source.

use std::collections::BTreeMap;
use std::str::FromStr;

use crate::rejection::FORBIDDEN_SOURCE;
use crate::{ActorType, Command, Rejection, Source};

/// What each source may send. Without rules, every source may send everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceRules(BTreeMap<Source, Rule>);

/// What one source may send.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    actors: Vec<ActorType>,
    /// The senders by SQS's ids; anyone if there are none.
    senders: Vec<String>,
}

/// Why a text has no rules.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no rule: must be SOURCE=ACTOR,... or SOURCE=ACTOR,...@SENDER,... with actors student, instructor, admin or system"
)]
pub struct InvalidSourceRule(String);

/// Reads rules between spaces: `urn:school:web=student urn:school:payments=system@AROAEXAMPLE`.
impl FromStr for SourceRules {
    type Err = InvalidSourceRule;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut rules = BTreeMap::new();
        for entry in text.split_whitespace() {
            let invalid = || InvalidSourceRule(entry.to_owned());
            let (source, rule) = entry.rsplit_once('=').ok_or_else(invalid)?;
            let source: Source = source.parse().map_err(|_| invalid())?;
            let (actors, senders) = match rule.split_once('@') {
                Some((actors, senders)) => (actors, senders.split(',').collect()),
                None => (rule, Vec::new()),
            };
            let actors: Option<Vec<_>> = actors.split(',').map(actor_type).collect();
            let rule = Rule {
                actors: actors.ok_or_else(invalid)?,
                senders: senders.into_iter().map(str::to_owned).collect(),
            };
            if rule.senders.iter().any(String::is_empty) || rules.insert(source, rule).is_some() {
                return Err(invalid());
            }
        }
        Ok(Self(rules))
    }
}

fn actor_type(name: &str) -> Option<ActorType> {
    match name {
        "student" => Some(ActorType::Student),
        "instructor" => Some(ActorType::Instructor),
        "admin" => Some(ActorType::Admin),
        "system" => Some(ActorType::System),
        _ => None,
    }
}

impl SourceRules {
    /// Refuses a source that no rule knows, and an actor for whom it may not act.
    ///
    /// # Errors
    /// Returns the rejection.
    pub fn check(&self, command: &Command) -> Result<(), Rejection> {
        let rule = self.0.get(&command.metadata.source);
        let may = rule.is_some_and(|rule| rule.actors.contains(&command.actor.r#type));
        if self.0.is_empty() || may {
            Ok(())
        } else {
            Err(FORBIDDEN_SOURCE)
        }
    }

    /// Says whether a message comes from a sender of its source. SQS writes the id of a role's session as `ROLE:SESSION`; the session makes no
    /// difference. Nobody else's command is rejected under a source's name: its id would be used up.
    pub fn is_sender(&self, source: &Source, sender: &str) -> bool {
        let rule = self.0.get(source);
        let principal = sender.split(':').next().unwrap_or_default();
        rule.is_none_or(|rule| {
            rule.senders.is_empty() || rule.senders.iter().any(|known| known == principal)
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn command(source: &str, actor: &str) -> Command {
        let body = json!({
            "specversion": "1.0", "id": "1", "source": source, "type": "com.digitalarthouse.payment.confirm.v1",
            "data": {"actor": {"type": actor, "id": "ada"}, "user_id": "ada", "course_id": "oils"},
        });
        let none: [(&str, &str); 0] = [];
        Command::parse_message(&Value::to_string(&body), none).unwrap()
    }

    fn rules(text: &str) -> SourceRules {
        text.parse().unwrap()
    }

    #[test]
    fn without_rules_every_source_acts_for_everyone() {
        for text in ["", "  "] {
            assert_eq!(rules(text).check(&command("urn:any", "admin")), Ok(()));
            assert!(rules(text).is_sender(&"urn:any".parse().unwrap(), "AIDA"));
        }
    }

    #[test]
    fn a_source_acts_for_those_of_its_rule_only() {
        let rules = rules("urn:web=student urn:office=admin,instructor\nurn:a=b=system");
        for (source, actor, may) in [
            ("urn:web", "student", true),
            ("urn:web", "admin", false),
            ("urn:web", "system", false),
            ("urn:office", "admin", true),
            ("urn:office", "instructor", true),
            ("urn:office", "student", false),
            ("urn:a=b", "system", true),
            ("urn:other", "student", false),
        ] {
            let checked = rules.check(&command(source, actor));
            assert_eq!(checked.is_ok(), may, "{source} {actor}");
            assert!(may || checked == Err(FORBIDDEN_SOURCE));
        }
    }

    #[test]
    fn a_source_with_senders_has_no_others() {
        let rules = rules("urn:payments=system@AROAPAY,AIDAOLD urn:web=student");
        let is_sender = |source: &str, sender| rules.is_sender(&source.parse().unwrap(), sender);
        assert!(is_sender("urn:payments", "AROAPAY:webhook-7"));
        assert!(is_sender("urn:payments", "AIDAOLD"));
        for other in ["AROAWEB:site", "", ":AROAPAY", "AROAPAYS"] {
            assert!(!is_sender("urn:payments", other), "{other}");
        }
        assert!(is_sender("urn:web", "AROAWEB:site"));
    }

    #[test]
    fn what_is_no_rule_is_refused() {
        for text in [
            "urn:web",
            "urn:web=",
            "urn:web=teacher",
            "urn:web=student,",
            "=student",
            "urn:web=student@",
            "urn:web=student@A,",
            "urn:web=student urn:web=admin",
        ] {
            assert!(text.parse::<SourceRules>().is_err(), "{text}");
        }
    }
}
