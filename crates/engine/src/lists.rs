//! Parts of a result that is JSON: long lists shortened, fields picked, a stretch of a list.

use serde_json::{Map, Value};

/// Levels of objects whose lists are shortened; what is inside the entries of a list stays whole.
const LEVELS: usize = 2;

/// A text with its lists shortened to so many entries, and how long the longest was. None where nothing is too long, or it is no
/// JSON.
pub(crate) fn shortened(text: &str, most: usize) -> Option<(String, usize)> {
    let mut value: Value = serde_json::from_str(text).ok()?;
    let mut longest = 0;
    shorten(&mut value, most, LEVELS, &mut longest);
    (longest > most).then(|| (value.to_string(), longest))
}

fn shorten(value: &mut Value, most: usize, levels: usize, longest: &mut usize) {
    match value {
        Value::Array(list) => {
            *longest = (*longest).max(list.len());
            list.truncate(most);
        }
        Value::Object(fields) if levels > 0 => {
            fields.values_mut().for_each(|value| shorten(value, most, levels - 1, longest));
        }
        _ => {}
    }
}

/// What of a value is wanted.
pub(crate) struct Wanted<'a> {
    /// Keys, with dots for what is inside; all when empty.
    pub fields: &'a [String],
    pub start: usize,
    pub count: Option<usize>,
}

impl Wanted<'_> {
    pub fn is_everything(&self) -> bool {
        self.fields.is_empty() && self.start == 0 && self.count.is_none()
    }

    pub fn of(&self, value: &Value) -> Value {
        let mut value = value.clone();
        match &mut value {
            Value::Array(list) => self.stretch(list),
            Value::Object(fields) => {
                // An object around a list stands for the list: the longest is meant.
                let lists = fields.iter_mut().filter_map(|(_, value)| value.as_array_mut());
                if let Some(list) = lists.max_by_key(|list| list.len()) {
                    self.stretch(list);
                }
            }
            _ => {}
        }
        if self.fields.is_empty() { value } else { self.picked(&value) }
    }

    fn stretch(&self, list: &mut Vec<Value>) {
        *list = std::mem::take(list).into_iter().skip(self.start).take(self.count.unwrap_or(usize::MAX)).collect();
    }

    fn picked(&self, value: &Value) -> Value {
        match value {
            Value::Array(list) => list.iter().map(|entry| self.picked(entry)).collect(),
            Value::Object(fields) => {
                let own: Map<String, Value> =
                    self.fields.iter().filter_map(|path| Some((path.clone(), at(value, path)?.clone()))).collect();
                if !own.is_empty() {
                    return Value::Object(own);
                }
                // The fields of its entries, where the object itself has none of them.
                let lists = fields.iter().filter(|(_, value)| value.is_array());
                Value::Object(lists.map(|(key, list)| (key.clone(), self.picked(list))).collect())
            }
            other => other.clone(),
        }
    }
}

fn at<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    path.split('.').try_fold(value, |value, key| value.get(key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn lists_are_shortened_where_they_are_the_result_and_not_within_entries() {
        let long = json!({ "films": [{ "cast": [1, 2, 3, 4] }, 2, 3], "more": { "shows": [1, 2, 3] }, "page": 1 });
        let (short, longest) = shortened(&long.to_string(), 2).unwrap();
        let expected = json!({ "films": [{ "cast": [1, 2, 3, 4] }, 2], "more": { "shows": [1, 2] }, "page": 1 });
        assert_eq!((serde_json::from_str::<Value>(&short).unwrap(), longest), (expected, 3));
        assert_eq!(shortened(&long.to_string(), 3), None);
        assert_eq!(shortened("no JSON", 1), None);
    }

    #[test]
    fn fields_are_picked_and_lists_cut_to_a_stretch() {
        let films = json!([{ "id": 1, "a": { "b": 2 } }, { "id": 2 }, { "id": 3 }]);
        let around = json!({ "total": 3, "films": films });
        for (value, fields, start, count, expected) in [
            (&films, vec!["id"], 1, Some(1), json!([{ "id": 2 }])),
            (&films, vec!["a.b", "id"], 0, Some(1), json!([{ "a.b": 2, "id": 1 }])),
            (&films, vec![], 2, None, json!([{ "id": 3 }])),
            (&films, vec![], 9, Some(5), json!([])),
            (&around, vec!["total"], 0, None, json!({ "total": 3 })),
            (&around, vec!["id"], 1, None, json!({ "films": [{ "id": 2 }, { "id": 3 }] })),
            (&around, vec!["films"], 0, Some(0), json!({ "films": [] })),
        ] {
            let fields: Vec<String> = fields.into_iter().map(str::to_owned).collect();
            assert_eq!(Wanted { fields: &fields, start, count }.of(value), expected);
        }
    }
}
