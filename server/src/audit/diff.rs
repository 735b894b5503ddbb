//! What differs between two documents, field by field.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;

use super::FieldChange;

/// Compares two documents; `None` stands for one that is not there. Objects are compared by field, lists of one length
/// by place, anything else as a whole.
pub(crate) fn diff<T: Serialize>(before: Option<&T>, after: Option<&T>) -> Vec<FieldChange> {
    let value =
        |document: Option<&T>| document.and_then(|it| serde_json::to_value(it).ok()).unwrap_or(Value::Null);
    let mut changes = Vec::new();
    compare(String::new(), value(before), value(after), &mut changes);
    changes
}

fn compare(field: String, before: Value, after: Value, changes: &mut Vec<FieldChange>) {
    match (before, after) {
        (before, after) if before == after => {}
        (Value::Object(mut before), Value::Object(mut after)) => {
            let names: BTreeSet<String> = before.keys().chain(after.keys()).cloned().collect();
            for name in names {
                let pointer = format!("{field}/{}", name.replace('~', "~0").replace('/', "~1"));
                let take =
                    |side: &mut serde_json::Map<String, Value>| side.remove(&name).unwrap_or(Value::Null);
                compare(pointer, take(&mut before), take(&mut after), changes);
            }
        }
        (Value::Array(before), Value::Array(after)) if before.len() == after.len() => {
            for (index, (before, after)) in before.into_iter().zip(after).enumerate() {
                compare(format!("{field}/{index}"), before, after, changes);
            }
        }
        (before, after) => changes.push(FieldChange { field, before, after }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(before: &Value, after: &Value) -> Vec<String> {
        diff(Some(before), Some(after))
            .into_iter()
            .map(|change| format!("{} {} -> {}", change.field, change.before, change.after))
            .collect()
    }

    #[test]
    fn only_what_differs_is_named() {
        let before = json!({"enabled": true, "default": {"rollout": 10, "serve": "on"}, "rules": [{"a": 1}]});
        let after = json!({"enabled": true, "default": {"rollout": 50, "serve": "on"}, "rules": [{"a": 2}], "x/y": 1});
        assert_eq!(
            check(&before, &after),
            ["/default/rollout 10 -> 50", "/rules/0/a 1 -> 2", "/x~1y null -> 1"]
        );
        assert_eq!(check(&before, &before), Vec::<String>::new());
    }

    #[test]
    fn a_list_of_another_length_is_told_as_a_whole() {
        assert_eq!(check(&json!({"r": [1]}), &json!({"r": [1, 2]})), ["/r [1] -> [1,2]"]);
    }

    #[test]
    fn what_was_created_is_told_as_a_whole() {
        let changes = diff(None, Some(&json!({"key": "a"})));
        assert_eq!(
            changes,
            [FieldChange { field: String::new(), before: Value::Null, after: json!({"key": "a"}) }]
        );
    }
}
