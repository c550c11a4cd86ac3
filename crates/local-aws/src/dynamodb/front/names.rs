//! Tables that a request names by their ARN, and conditions of another time.

use serde_json::{Map, Value, json};

use crate::place::Place;

/// Replaces ARNs of tables of this place by the tables' names; false if the request has none. An ARN of another place is left, and no table has its
/// name.
pub(super) fn of_arns(request: &mut Map<String, Value>, place: &Place) -> bool {
    let arns = format!("{}table/", place.arns_of("dynamodb"));
    let mut any = named(request, &arns);
    if let Some(Value::Array(actions)) = request.get_mut("TransactItems") {
        let actions = actions.iter_mut().filter_map(Value::as_object_mut);
        for action in actions.flat_map(|action| action.values_mut()) {
            any |= action
                .as_object_mut()
                .is_some_and(|action| named(action, &arns));
        }
    }
    if let Some(Value::Object(tables)) = request.get_mut("RequestItems")
        && tables.keys().any(|table| table.starts_with(&arns))
    {
        any = true;
        *tables = std::mem::take(tables)
            .into_iter()
            .map(|(table, items)| match table.strip_prefix(&arns) {
                Some(name) => (name.to_owned(), items),
                None => (table, items),
            })
            .collect();
    }
    any
}

fn named(holder: &mut Map<String, Value>, arns: &str) -> bool {
    let Some(Value::String(table)) = holder.get_mut("TableName") else {
        return false;
    };
    match table.strip_prefix(arns).map(str::to_owned) {
        Some(name) => {
            *table = name;
            true
        }
        None => false,
    }
}

/// Writes the legacy `KeyConditions` of a query that has expressions too as an expression; false if there is nothing to write. DynamoDB takes both
/// together, and dynoxide does not.
pub(super) fn of_key_conditions(request: &mut Map<String, Value>) -> bool {
    let beside = ["FilterExpression", "ProjectionExpression"];
    if request.contains_key("KeyConditionExpression")
        || !beside.iter().any(|name| request.contains_key(*name))
    {
        return false;
    }
    let Some(Value::Object(conditions)) = request.get("KeyConditions") else {
        return false;
    };
    let (mut names, mut values) = (Map::new(), Map::new());
    let mut expressions = Vec::new();
    for (number, (attribute, condition)) in conditions.iter().enumerate() {
        let operands = condition
            .get("AttributeValueList")
            .and_then(Value::as_array);
        let name = format!("#localKey{number}");
        let value = |operand: usize| format!(":localKey{number}x{operand}");
        for (operand, held) in operands.into_iter().flatten().enumerate() {
            values.insert(value(operand), held.clone());
        }
        let (first, second) = (value(0), value(1));
        let operator = condition.get("ComparisonOperator").and_then(Value::as_str);
        let count = operands.map_or(0, Vec::len);
        expressions.push(match (operator, count) {
            (Some("EQ"), 1) => format!("{name} = {first}"),
            (Some("LT"), 1) => format!("{name} < {first}"),
            (Some("LE"), 1) => format!("{name} <= {first}"),
            (Some("GT"), 1) => format!("{name} > {first}"),
            (Some("GE"), 1) => format!("{name} >= {first}"),
            (Some("BEGINS_WITH"), 1) => format!("begins_with({name}, {first})"),
            (Some("BETWEEN"), 2) => format!("{name} BETWEEN {first} AND {second}"),
            // dynoxide refuses it as DynamoDB does.
            _ => return false,
        });
        names.insert(name, json!(attribute));
    }
    request.remove("KeyConditions");
    request.insert(
        "KeyConditionExpression".into(),
        json!(expressions.join(" AND ")),
    );
    for (member, added) in [
        ("ExpressionAttributeNames", names),
        ("ExpressionAttributeValues", values),
    ] {
        let held = request.entry(member).or_insert_with(|| json!({}));
        if let Value::Object(held) = held {
            held.extend(added);
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().expect("an object").clone()
    }

    #[test]
    fn a_table_of_this_place_goes_by_its_name() {
        let place = Place::default();
        let arn = "arn:aws:dynamodb:us-east-1:000000000000:table/T";
        let elsewhere = "arn:aws:dynamodb:eu-west-1:000000000000:table/T";
        for (request, expected) in [
            (json!({"TableName": arn}), json!({"TableName": "T"})),
            (
                json!({"TransactItems": [{"Put": {"TableName": arn}}]}),
                json!({"TransactItems": [{"Put": {"TableName": "T"}}]}),
            ),
            (
                json!({"RequestItems": {arn: []}}),
                json!({"RequestItems": {"T": []}}),
            ),
            (
                json!({"TableName": elsewhere}),
                json!({"TableName": elsewhere}),
            ),
            (json!({"TableName": "T"}), json!({"TableName": "T"})),
        ] {
            let changes = request != expected;
            let mut request = object(request);
            assert_eq!(of_arns(&mut request, &place), changes);
            assert_eq!(Value::Object(request), expected);
        }
    }

    #[test]
    fn key_conditions_beside_an_expression_become_an_expression() {
        let mut request = object(json!({
            "KeyConditions": {
                "p": {"AttributeValueList": [{"S": "x"}], "ComparisonOperator": "EQ"},
                "s": {"AttributeValueList": [{"N": "1"}, {"N": "2"}], "ComparisonOperator": "BETWEEN"},
            },
            "ProjectionExpression": "a",
        }));
        assert!(of_key_conditions(&mut request));
        assert_eq!(
            request["KeyConditionExpression"],
            "#localKey0 = :localKey0x0 AND #localKey1 BETWEEN :localKey1x0 AND :localKey1x1"
        );
        assert_eq!(
            request["ExpressionAttributeNames"],
            json!({"#localKey0": "p", "#localKey1": "s"})
        );
        assert!(!request.contains_key("KeyConditions"));
        let mut alone = object(json!({"KeyConditions": {}}));
        assert!(!of_key_conditions(&mut alone));
    }
}
