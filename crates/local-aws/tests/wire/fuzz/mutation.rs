//! Chance, and what it does to a request.

use serde_json::{Value, json};

use super::parts;

/// Numbers that look random and follow from a seed (SplitMix64).
#[derive(Debug)]
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x2545_F491_4F6C_DD1D))
    }

    /// A number below `end`.
    pub(super) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((z ^ (z >> 31)) >> 1).unwrap() % end.max(1)
    }

    pub(super) fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}

/// Changes a request in its structure up to four times, and now and then in its bytes.
pub(super) fn of(chance: &mut Chance, target: &str, mut request: Value) -> (String, Vec<u8>) {
    for _ in 0..chance.below(5) {
        let at = chance.below(parts(&request));
        change(chance, &mut request, &mut at.clone());
    }
    let mut body = request.to_string().into_bytes();
    if chance.below(6) == 0 {
        for _ in 0..=chance.below(8) {
            bytes(chance, &mut body);
        }
    }
    let target = match chance.below(40) {
        0 => target.chars().rev().collect(),
        1 => target.replace('.', ".."),
        _ => target.to_owned(),
    };
    (target, body)
}

/// Changes the part with this number.
fn change(chance: &mut Chance, value: &mut Value, at: &mut usize) {
    if *at == 0 {
        *value = changed(chance, value);
        *at = usize::MAX;
        return;
    }
    *at -= 1;
    let each: Vec<&mut Value> = match value {
        Value::Array(items) => items.iter_mut().collect(),
        Value::Object(members) => members.values_mut().collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    };
    for part in each {
        if *at == usize::MAX {
            return;
        }
        change(chance, part, at);
    }
}

fn changed(chance: &mut Chance, value: &Value) -> Value {
    match chance.below(9) {
        0 => chance.one(&strange()).clone(),
        1 => json!([value]),
        2 => json!({ text(chance): value }),
        3 => match value.as_array() {
            Some(items) => {
                let twice = items.iter().chain(items);
                Value::Array(twice.cloned().collect())
            }
            None => json!([value, value]),
        },
        4 => {
            let depth = 1 << chance.below(9);
            (0..depth).fold(value.clone(), |inner, _| json!({ "L": [inner] }))
        }
        5 => {
            let mut members = value.as_object().cloned().unwrap_or_default();
            let names: Vec<String> = members.keys().cloned().collect();
            if !names.is_empty() {
                members.remove(chance.one(&names));
            }
            Value::Object(members)
        }
        _ => match value.as_str() {
            Some(written) => json!(rewritten(chance, written)),
            None => json!(text(chance)),
        },
    }
}

/// Values at the edges of what can be said.
fn strange() -> [Value; 16] {
    [
        json!(null),
        json!(true),
        json!(-1),
        json!(0),
        json!(1e308),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(0.1),
        json!(""),
        json!([]),
        json!({}),
        json!({ "S": "" }),
        json!({ "N": "1e200" }),
        json!({ "SS": [] }),
        json!({ "B": "====" }),
        json!({ "M": { "": { "NULL": false } } }),
    ]
}

/// Tokens of expressions and of statements, and what stands between.
const TOKENS: [&str; 58] = [
    "a",
    "pk",
    "#n",
    ":v",
    ":w",
    "SET",
    "REMOVE",
    "ADD",
    "DELETE",
    "AND",
    "OR",
    "NOT",
    "BETWEEN",
    "IN",
    "(",
    ")",
    "((",
    "[0]",
    "[",
    "]",
    ".",
    ",",
    "=",
    "<>",
    "<",
    "<=",
    ">",
    ">=",
    "+",
    "-",
    "size(",
    "contains(",
    "begins_with(",
    "attribute_exists(",
    "attribute_type(",
    "if_not_exists(",
    "list_append(",
    "SELECT * FROM",
    "INSERT INTO",
    "UPDATE",
    "WHERE",
    "VALUE",
    "\"Things\"",
    "'x'",
    "{",
    "}",
    "<<",
    ">>",
    "?",
    "MISSING",
    "é",
    "\u{0}",
    "\u{202e}",
    "🎨",
    "\\",
    "%",
    "999999999999999999999",
    "--",
];

/// A text of chance.
fn text(chance: &mut Chance) -> String {
    let count = match chance.below(30) {
        0 => 2_000,
        _ => chance.below(8),
    };
    let repeated = chance.below(3) == 0;
    let first = *chance.one(&TOKENS);
    let tokens = (0..count).map(|_| {
        if repeated {
            first
        } else {
            *chance.one(&TOKENS)
        }
    });
    tokens
        .collect::<Vec<_>>()
        .join(if chance.below(2) == 0 { " " } else { "" })
}

/// A text with some of its words exchanged, left out or put in.
fn rewritten(chance: &mut Chance, written: &str) -> String {
    let mut words: Vec<String> = written.split(' ').map(str::to_owned).collect();
    for _ in 0..=chance.below(3) {
        let at = chance.below(words.len() + 1).min(words.len());
        match chance.below(4) {
            0 if at < words.len() => drop(words.remove(at)),
            1 => words.insert(at, text(chance)),
            2 if at < words.len() => words[at] = (*chance.one(&TOKENS)).to_owned(),
            _ => words.insert(at, (*chance.one(&TOKENS)).to_owned()),
        }
    }
    words.join(" ")
}

fn bytes(chance: &mut Chance, body: &mut Vec<u8>) {
    let at = chance.below(body.len() + 1);
    match chance.below(5) {
        0 if at < body.len() => drop(body.remove(at)),
        1 if at < body.len() => body[at] ^= 1 << chance.below(8),
        2 => body.truncate(at),
        3 => {
            let depth = chance.below(5_000);
            body.splice(at..at, std::iter::repeat_n(b'[', depth));
        }
        _ => body.insert(at, u8::try_from(chance.below(256)).unwrap()),
    }
}
