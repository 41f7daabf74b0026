//! Reading columns, the same from every database.

use crate::{Result, StoreError};
use serde::de::DeserializeOwned;
use sqlx::{Row, any::AnyRow};
use std::str::FromStr;

/// A value to bind.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Text(String),
    Int(i64),
    /// Nothing, where a text could be. Databases want to know what kind of nothing.
    NoText,
    /// Nothing, where a number could be.
    NoInt,
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::Text(text.to_owned())
    }
}
impl From<String> for Value {
    fn from(text: String) -> Self {
        Value::Text(text)
    }
}
impl From<&String> for Value {
    fn from(text: &String) -> Self {
        Value::Text(text.clone())
    }
}
impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Value::Int(number)
    }
}
impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Value::Int(i64::try_from(number).unwrap_or(i64::MAX))
    }
}
impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Value::Int(number.into())
    }
}
impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Value::Int(flag.into())
    }
}
impl From<Option<String>> for Value {
    fn from(text: Option<String>) -> Self {
        text.map_or(Value::NoText, Value::Text)
    }
}
impl From<Option<&str>> for Value {
    fn from(text: Option<&str>) -> Self {
        text.map_or(Value::NoText, Value::from)
    }
}
impl From<Option<i64>> for Value {
    fn from(number: Option<i64>) -> Self {
        number.map_or(Value::NoInt, Value::Int)
    }
}

macro_rules! id_values {
    ($($id:ident)*) => {$(
        impl From<majordomo_domain::$id> for Value {
            fn from(id: majordomo_domain::$id) -> Self {
                Value::Text(id.to_string())
            }
        }
    )*};
}
id_values!(AgentId ApprovalId PersonId ConversationId MessageId TurnId DeliveryId KeyId ReportId RequestId);

/// Columns by name, with the types the schema uses.
pub(crate) trait Columns {
    fn text(&self, name: &str) -> Result<String>;
    fn optional_text(&self, name: &str) -> Result<Option<String>>;
    fn int(&self, name: &str) -> Result<i64>;
    fn optional_int(&self, name: &str) -> Result<Option<i64>>;

    fn count(&self, name: &str) -> Result<u64> {
        Ok(u64::try_from(self.int(name)?).unwrap_or(0))
    }

    fn flag(&self, name: &str) -> Result<bool> {
        Ok(self.int(name)? != 0)
    }

    fn id<T: FromStr>(&self, name: &str) -> Result<T> {
        self.text(name)?.parse().map_err(|_| StoreError::Other(format!("column {name} holds no id")))
    }

    fn optional_id<T: FromStr>(&self, name: &str) -> Result<Option<T>> {
        let Some(text) = self.optional_text(name)? else { return Ok(None) };
        text.parse().map(Some).map_err(|_| StoreError::Other(format!("column {name} holds no id")))
    }

    fn json<T: DeserializeOwned>(&self, name: &str) -> Result<T> {
        serde_json::from_str(&self.text(name)?).map_err(|e| StoreError::Other(format!("column {name}: {e}")))
    }
}

impl Columns for AnyRow {
    fn text(&self, name: &str) -> Result<String> {
        Ok(self.try_get(name)?)
    }

    fn optional_text(&self, name: &str) -> Result<Option<String>> {
        Ok(self.try_get(name)?)
    }

    fn int(&self, name: &str) -> Result<i64> {
        Ok(self.try_get(name)?)
    }

    fn optional_int(&self, name: &str) -> Result<Option<i64>> {
        Ok(self.try_get(name)?)
    }
}

pub(crate) fn to_json<T: serde::Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|e| StoreError::Other(e.to_string()))
}
