//! What DynamoDB refuses in an expression and dynoxide accepts.

use std::cmp::Ordering;

use serde_json::{Map, Value};

/// The most operators and functions of an expression, and the most operands of `IN` (Amazon DynamoDB, "Quotas").
const MOST_OPERATORS: usize = 300;
const MOST_OPERANDS: usize = 100;
const FUNCTIONS: [&str; 8] = [
    "attribute_exists",
    "attribute_not_exists",
    "attribute_type",
    "begins_with",
    "contains",
    "if_not_exists",
    "list_append",
    "size",
];
const KEYWORDS: [&str; 9] = [
    "ADD", "AND", "BETWEEN", "DELETE", "IN", "NOT", "OR", "REMOVE", "SET",
];
const TYPES: [&str; 10] = ["B", "NULL", "SS", "BOOL", "L", "BS", "N", "NS", "S", "M"];

/// A token of an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// A keyword, in upper case.
    Keyword(&'static str),
    /// A function's or an attribute's name.
    Word(&'a str),
    /// A name of `ExpressionAttributeNames`, with its `#`.
    Name(&'a str),
    /// A name of `ExpressionAttributeValues`, with its `:`.
    Value(&'a str),
    /// An index of a list.
    Number(&'a str),
    /// `=`, `<>`, `<`, `<=`, `>`, `>=`.
    Comparator(&'a str),
    /// Any other character.
    Sign(char),
}

/// Reads the tokens of an expression; whatever is no token of it is a sign.
pub(super) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let taken = match first {
            '#' | ':' => 1 + word(&rest[1..]),
            '<' if rest.starts_with("<>") || rest.starts_with("<=") => 2,
            '>' if rest.starts_with(">=") => 2,
            '=' | '<' | '>' => 1,
            _ if is_part(first) => word(rest),
            _ => first.len_utf8(),
        };
        let (token, after) = rest.split_at(taken);
        rest = after;
        tokens.push(match first {
            '#' => Token::Name(token),
            ':' => Token::Value(token),
            '=' | '<' | '>' => Token::Comparator(token),
            _ if first.is_ascii_digit() => Token::Number(token),
            _ if is_part(first) => keyword(token).map_or(Token::Word(token), Token::Keyword),
            _ if first.is_ascii_whitespace() => continue,
            _ => Token::Sign(first),
        });
    }
    tokens
}

fn word(text: &str) -> usize {
    text.find(|c| !is_part(c)).unwrap_or(text.len())
}

fn is_part(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

fn keyword(word: &str) -> Option<&'static str> {
    KEYWORDS
        .into_iter()
        .find(|keyword| keyword.eq_ignore_ascii_case(word))
}

/// Returns why an expression is refused, without the words `Invalid …Expression: ` before it.
pub(super) fn refusal(text: &str, values: Option<&Map<String, Value>>) -> Option<String> {
    let tokens = tokens(text);
    spelling(&tokens)
        .or_else(|| count(&tokens))
        .or_else(|| operands(&tokens, values))
}

/// Functions in another case, and names that begin with `_`.
fn spelling(tokens: &[Token<'_>]) -> Option<String> {
    tokens.iter().enumerate().find_map(|(at, token)| {
        let Token::Word(word) = *token else {
            return None;
        };
        if word.starts_with('_') {
            return Some(format!("Syntax error; token: \"_\", near: \"{word}\""));
        }
        let called = tokens.get(at + 1) == Some(&Token::Sign('('));
        let known = FUNCTIONS.contains(&word);
        let misspelt = FUNCTIONS.iter().any(|name| name.eq_ignore_ascii_case(word));
        (called && misspelt && !known).then(|| format!("Invalid function name; function: {word}"))
    })
}

/// Too many operators, or operands of `IN`.
fn count(tokens: &[Token<'_>]) -> Option<String> {
    let mut operators = 0;
    let mut between = false;
    for (at, token) in tokens.iter().enumerate() {
        operators += usize::from(match *token {
            // The AND of BETWEEN is a part of it.
            Token::Keyword("AND") => !std::mem::take(&mut between),
            Token::Keyword("BETWEEN") => {
                between = true;
                true
            }
            Token::Keyword("IN") => {
                let operands = operands_of_in(&tokens[at + 1..]);
                if operands > MOST_OPERANDS {
                    return Some(format!(
                        "Invalid operator used; the IN operator is provided with too many operands; number of operands: {operands}"
                    ));
                }
                true
            }
            Token::Keyword("OR" | "NOT") | Token::Comparator(_) => true,
            Token::Word(_) => tokens.get(at + 1) == Some(&Token::Sign('(')),
            Token::Keyword(_)
            | Token::Name(_)
            | Token::Value(_)
            | Token::Number(_)
            | Token::Sign(_) => false,
        });
    }
    (operators > MOST_OPERATORS).then(|| {
        format!(
            "The expression contains too many operators; operator count: {}",
            MOST_OPERATORS + 1
        )
    })
}

fn operands_of_in(after: &[Token<'_>]) -> usize {
    let mut depth = 0_usize;
    let mut commas = 0;
    for token in after {
        if *token == Token::Sign('(') {
            depth += 1;
        } else if *token == Token::Sign(')') {
            if depth <= 1 {
                break;
            }
            depth -= 1;
        } else if *token == Token::Sign(',') && depth == 1 {
            commas += 1;
        }
    }
    commas + 1
}

/// Operands of types that their operator can't have.
fn operands(tokens: &[Token<'_>], values: Option<&Map<String, Value>>) -> Option<String> {
    let values = values?;
    let value = |token: Option<&Token<'_>>| match token {
        Some(Token::Value(name)) => typed(values.get(*name)?),
        _ => None,
    };
    tokens.iter().enumerate().find_map(|(at, token)| match *token {
        Token::Comparator(sign) if !matches!(sign, "=" | "<>") => {
            let beside = [at.checked_sub(1).and_then(|before| tokens.get(before)), tokens.get(at + 1)];
            let (kind, _) = beside.into_iter().filter_map(value).find(|(kind, _)| !is_ordered(kind))?;
            Some(format!("Incorrect operand type for operator or function; operator: {sign}, operand type: {kind}"))
        }
        Token::Keyword("BETWEEN") => {
            let upper = (tokens.get(at + 2) == Some(&Token::Keyword("AND"))).then(|| tokens.get(at + 3))?;
            bounds(value(tokens.get(at + 1))?, value(upper)?)
        }
        Token::Word("attribute_type") => {
            let named = tokens[at..].iter().take_while(|token| **token != Token::Sign(')')).last();
            match value(named)? {
                ("S", name) if TYPES.iter().any(|kind| name == kind) => None,
                ("S", name) => Some(format!("Invalid attribute type name found; type: {}, valid types: {{{}}}", name.as_str().unwrap_or_default(), TYPES.join(","))),
                (kind, _) => Some(format!("Incorrect operand type for operator or function; operator or function: attribute_type, operand type: {kind}")),
            }
        }
        Token::Word(_) | Token::Keyword(_) | Token::Comparator(_) | Token::Name(_) | Token::Value(_) | Token::Number(_) | Token::Sign(_) => None,
    })
}

/// The bounds of `BETWEEN`: of one ordered type, the lower one first.
fn bounds(lower: (&str, &Value), upper: (&str, &Value)) -> Option<String> {
    let shown = |(kind, value): (&str, &Value)| {
        format!(
            "AttributeValue: {{{kind}:{}}}",
            value.as_str().unwrap_or_default()
        )
    };
    let wrong = |what: &str| {
        Some(format!(
            "The BETWEEN operator requires {what}; lower bound operand: {}, upper bound operand: {}",
            shown(lower),
            shown(upper)
        ))
    };
    if let Some((kind, _)) = [lower, upper]
        .into_iter()
        .find(|(kind, _)| !is_ordered(kind))
    {
        return Some(format!(
            "Incorrect operand type for operator or function; operator or function: BETWEEN, operand type: {kind}"
        ));
    }
    if lower.0 != upper.0 {
        return wrong("same data type for lower and upper bounds");
    }
    match ordering(lower.0, lower.1.as_str()?, upper.1.as_str()?)? {
        Ordering::Greater => wrong("upper bound to be greater than or equal to lower bound"),
        Ordering::Less | Ordering::Equal => None,
    }
}

fn ordering(kind: &str, one: &str, other: &str) -> Option<Ordering> {
    if kind == "N" {
        let (one, other): (f64, f64) = (one.parse().ok()?, other.parse().ok()?);
        return one.partial_cmp(&other);
    }
    Some(one.as_bytes().cmp(other.as_bytes())).filter(|_| kind == "S")
}

/// A value's type and what it holds.
pub(super) fn typed(value: &Value) -> Option<(&str, &Value)> {
    let (kind, held) = value.as_object()?.iter().next()?;
    Some((kind.as_str(), held))
}

fn is_ordered(kind: &str) -> bool {
    matches!(kind, "S" | "N" | "B")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refused(text: &str, values: Value) -> Option<String> {
        refusal(text, values.as_object())
    }

    #[test]
    fn names_are_spelt_as_dynamodb_spells_them() {
        for text in [
            "Begins_With(a, :s)",
            "ATTRIBUTE_EXISTS(a)",
            "a = :s AND Contains (b, :s)",
            "SET a = List_Append(a, :s)",
            "SET _a = :s",
            "a._b = :s",
        ] {
            assert!(refused(text, json!({})).is_some(), "{text}");
        }
        for text in [
            "begins_with(a, :s) and not contains(b, :s)",
            "Contains = :s",
            "set a_b = if_not_exists(#_a, :_s)",
            "size(a) > :n",
        ] {
            assert_eq!(refused(text, json!({})), None, "{text}");
        }
    }

    #[test]
    fn an_expression_has_300_operators_and_in_has_100_operands() {
        let nested =
            |depth: usize| format!("a<b {}{}", "or (a<b ".repeat(depth), ")".repeat(depth));
        assert_eq!(refused(&nested(149), json!({})), None);
        let told = refused(&nested(150), json!({}));
        assert_eq!(
            told.as_deref(),
            Some("The expression contains too many operators; operator count: 301")
        );
        let between = vec!["a BETWEEN :a AND :b"; 150].join(" OR ");
        assert_eq!(refused(&between, json!({})), None);
        let listed =
            |count: usize| format!("a IN ({}) OR b IN (:x, :y)", vec![":v"; count].join(","));
        assert_eq!(refused(&listed(100), json!({})), None);
        assert!(refused(&listed(101), json!({})).is_some());
    }

    #[test]
    fn operands_have_types_that_their_operators_can_have() {
        let values = json!({
            ":s": {"S": "b"}, ":t": {"S": "a"}, ":n": {"N": "10"}, ":m": {"N": "9"}, ":l": {"L": []}, ":yes": {"BOOL": true},
            ":dog": {"S": "DOG"}, ":ss": {"S": "SS"},
        });
        for text in [
            "a < :l",
            ":yes >= a",
            "a BETWEEN :s AND :n",
            "a BETWEEN :n AND :m",
            "a BETWEEN :s AND :t",
            "a BETWEEN :l AND :l",
            "attribute_type(a, :dog)",
            "attribute_type(a, :n)",
        ] {
            assert!(refused(text, values.clone()).is_some(), "{text}");
        }
        for text in [
            "a = :l",
            "a <> :yes",
            "a < :n",
            "a BETWEEN :m AND :n",
            "a BETWEEN :t AND :s",
            "a BETWEEN b AND :s",
            "attribute_type(a.b[0], :ss)",
            "attribute_type(a, :unknown)",
        ] {
            assert_eq!(refused(text, values.clone()), None, "{text}");
        }
    }

    #[test]
    fn any_text_has_tokens() {
        for text in ["", "#", ":", "é <", "a\u{a0}b", "((((", "<>=<", "\"'%"] {
            let _ = tokens(text);
            let _ = refused(text, json!({}));
        }
    }
}
