use std::collections::BTreeMap;

use crate::sqs::attribute::Attribute;

/// The attributes that a receive requests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct View {
    /// Names of system attributes.
    pub(super) system: Vec<String>,
    /// Names, or starts of names, of message attributes.
    pub(super) user: Vec<String>,
}

impl View {
    pub(super) fn all() -> Self {
        Self {
            system: vec!["All".to_owned()],
            user: vec!["All".to_owned()],
        }
    }

    pub(super) fn shows_system(&self, name: &str) -> bool {
        self.system
            .iter()
            .any(|wanted| wanted == "All" || wanted == name)
    }

    pub(super) fn shown<'a>(
        &self,
        attributes: &'a BTreeMap<String, Attribute>,
    ) -> BTreeMap<&'a String, &'a Attribute> {
        attributes
            .iter()
            .filter(|(name, _)| self.shows_user(name))
            .collect()
    }

    fn shows_user(&self, name: &str) -> bool {
        self.user
            .iter()
            .any(|wanted| match wanted.strip_suffix(".*") {
                Some(prefix) => name.starts_with(prefix),
                None => matches!(wanted.as_str(), "All" | "*") || wanted == name,
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_attributes_are_shown_by_name_by_prefix_or_all() {
        let cases: [(&[&str], &str, bool); 9] = [
            (&[], "a", false),
            (&["All"], "a", true),
            (&[".*"], "a", true),
            (&["*"], "a", true),
            (&["a"], "a", true),
            (&["a"], "ab", false),
            (&["a.*"], "a.b", true),
            (&["b", "a.*"], "b", true),
            (&["b.*"], "a.b", false),
        ];
        for (wanted, name, expected) in cases {
            let user = wanted.iter().map(|name| (*name).to_owned()).collect();
            let view = View {
                user,
                ..View::default()
            };
            assert_eq!(view.shows_user(name), expected, "{wanted:?} {name}");
        }
    }
}
