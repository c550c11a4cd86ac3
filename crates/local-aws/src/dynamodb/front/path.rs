//! Document paths: what an update changes, and an item reduced to it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::expression::{Token, tokens};

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    Attribute(String),
    Index(usize),
}

/// The paths that the clauses of an update change, in their order.
pub(super) fn targets(update: &str, names: Option<&Map<String, Value>>) -> Vec<Vec<Step>> {
    let tokens = tokens(update);
    let mut targets = Vec::new();
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate() {
        let begins = match token {
            Token::Keyword("SET" | "REMOVE" | "ADD" | "DELETE") => true,
            Token::Sign(',') => depth == 0,
            Token::Sign('(') => {
                depth += 1;
                false
            }
            Token::Sign(')') => {
                depth = depth.saturating_sub(1);
                false
            }
            Token::Keyword(_)
            | Token::Word(_)
            | Token::Name(_)
            | Token::Value(_)
            | Token::Number(_)
            | Token::Comparator(_)
            | Token::Sign(_) => false,
        };
        if begins {
            targets.push(path(&tokens[at + 1..], names));
        }
    }
    targets.retain(|path| !path.is_empty());
    targets
}

/// The attributes at the top of an item that a projection names.
pub(super) fn tops(projection: &str, names: Option<&Map<String, Value>>) -> Vec<String> {
    let tokens = tokens(projection);
    let parts = tokens.split(|token| *token == Token::Sign(','));
    let tops = parts.filter_map(|part| match path(part, names).into_iter().next()? {
        Step::Attribute(name) => Some(name),
        Step::Index(_) => None,
    });
    tops.collect()
}

/// The path at the start of these tokens.
fn path(tokens: &[Token<'_>], names: Option<&Map<String, Value>>) -> Vec<Step> {
    let mut path = Vec::new();
    let mut rest = tokens;
    loop {
        match rest {
            [Token::Word(name) | Token::Name(name), after @ ..] => {
                let resolved = names.and_then(|names| names.get(*name)?.as_str());
                path.push(Step::Attribute(resolved.unwrap_or(name).to_owned()));
                rest = after;
            }
            [..] => return path,
        }
        while let [
            Token::Sign('['),
            Token::Number(index),
            Token::Sign(']'),
            after @ ..,
        ] = rest
        {
            let Ok(index) = index.parse() else {
                return path;
            };
            path.push(Step::Index(index));
            rest = after;
        }
        match rest {
            [Token::Sign('.'), after @ ..] => rest = after,
            [..] => return path,
        }
    }
}

/// The parts of a value that paths name.
#[derive(Debug, Default)]
struct Parts {
    whole: bool,
    members: BTreeMap<String, Parts>,
    elements: BTreeMap<usize, Parts>,
}

impl Parts {
    fn add(&mut self, path: &[Step]) {
        match path {
            [] => self.whole = true,
            [Step::Attribute(name), rest @ ..] => {
                self.members.entry(name.clone()).or_default().add(rest);
            }
            [Step::Index(index), rest @ ..] => self.elements.entry(*index).or_default().add(rest),
        }
    }

    fn of(&self, value: &Value) -> Option<Value> {
        if self.whole {
            return Some(value.clone());
        }
        if let Some(members) = value.get("M") {
            let found = self
                .members
                .iter()
                .filter_map(|(name, parts)| Some((name.clone(), parts.of(members.get(name)?)?)));
            let found: Map<String, Value> = found.collect();
            return (!found.is_empty()).then(|| json!({ "M": found }));
        }
        let elements = value.get("L")?;
        let found = self.elements.iter();
        let found: Vec<Value> = found
            .filter_map(|(index, parts)| parts.of(elements.get(index)?))
            .collect();
        (!found.is_empty()).then(|| json!({ "L": found }))
    }
}

/// Reduces the attributes of an item to what the paths name, where a path leads to an element of a list.
pub(super) fn reduce(attributes: &mut Map<String, Value>, paths: &[Vec<Step>]) {
    let mut parts = Parts::default();
    paths.iter().for_each(|path| parts.add(path));
    let indexed = paths
        .iter()
        .filter(|path| path.iter().any(|step| matches!(step, Step::Index(_))));
    let tops: BTreeSet<_> = indexed.filter_map(|path| path.first()).collect();
    for top in tops {
        let Step::Attribute(top) = top else {
            continue;
        };
        let (Some(value), Some(parts)) = (attributes.get(top), parts.members.get(top)) else {
            continue;
        };
        match parts.of(value) {
            Some(reduced) => drop(attributes.insert(top.clone(), reduced)),
            None => drop(attributes.remove(top)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(update: &str) -> Vec<String> {
        let names = json!({"#n": "name.with.dots"});
        let shown = targets(update, names.as_object()).into_iter().map(|path| {
            let steps = path.into_iter().map(|step| match step {
                Step::Attribute(name) => name,
                Step::Index(index) => index.to_string(),
            });
            steps.collect::<Vec<_>>().join("/")
        });
        shown.collect()
    }

    #[test]
    fn an_update_names_what_it_changes() {
        for (update, expected) in [
            ("SET a = :v", vec!["a"]),
            (
                "SET a.b[1].c = if_not_exists(x, :v), #n = :v + :w",
                vec!["a/b/1/c", "name.with.dots"],
            ),
            (
                "REMOVE a[0][1], b SET c = list_append(:v, c)",
                vec!["a/0/1", "b", "c"],
            ),
            ("add n :one delete s :set", vec!["n", "s"]),
            ("", vec![]),
        ] {
            assert_eq!(shown(update), expected, "{update}");
        }
    }

    #[test]
    fn an_element_of_a_list_comes_alone() {
        let item = json!({
            "a": {"M": {"b": {"S": "dog"}, "c": {"L": [{"N": "1"}, {"N": "2"}, {"N": "3"}]}}},
            "other": {"S": "x"},
        });
        let reduced = |update: &str| {
            let mut attributes = item.as_object().expect("an object").clone();
            reduce(&mut attributes, &targets(update, None));
            Value::Object(attributes)
        };
        let other = json!({"S": "x"});
        assert_eq!(
            reduced("SET a.c[1] = :v"),
            json!({"a": {"M": {"c": {"L": [{"N": "2"}]}}}, "other": other})
        );
        assert_eq!(
            reduced("SET a.c[2] = :v, a.c[0] = :v, a.b = :v"),
            json!({"a": {"M": {"b": {"S": "dog"}, "c": {"L": [{"N": "1"}, {"N": "3"}]}}}, "other": other})
        );
        assert_eq!(reduced("SET a.c[7] = :v"), json!({"other": other}));
        assert_eq!(reduced("SET a = :v, other = :v"), item);
    }
}
