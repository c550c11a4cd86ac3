//! The keys of all items (`TABLES.md`). No other module puts a key together.

use std::collections::HashMap;
use std::fmt;

use arthouse_core::{CommandId, CourseId, SessionId, Source, UserId};
use aws_sdk_dynamodb::types::AttributeValue;

use crate::{DecodeError, Table};

/// The key of an item.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// `COURSE#<course>`, `DETAILS`
    Course(CourseId),
    /// `USER#<user>`, `COURSE#<course>#APPLIED`
    Application(UserId, CourseId),
    /// `USER#<user>`, `COURSE#<course>#PAID`
    Enrollment(UserId, CourseId),
    /// `COURSE#<course>`, `SESSION#<session>#USER#<user>`
    Session(CourseId, SessionId, UserId),
    /// `COMMAND#<source>#<id>`, without a sort key
    Receipt(Source, CommandId),
}

impl Key {
    /// Returns the table that the key belongs to.
    pub fn table(&self) -> Table {
        match self {
            Self::Course(_) => Table::Courses,
            Self::Application(..) | Self::Enrollment(..) => Table::UsersCourses,
            Self::Session(..) => Table::Sessions,
            Self::Receipt(..) => Table::Commands,
        }
    }

    /// Returns the partition key.
    pub fn pk(&self) -> String {
        match self {
            Self::Course(course_id) | Self::Session(course_id, ..) => format!("COURSE#{course_id}"),
            Self::Application(user_id, _) | Self::Enrollment(user_id, _) => {
                format!("USER#{user_id}")
            }
            Self::Receipt(source, id) => format!("COMMAND#{source}#{id}"),
        }
    }

    /// Returns the sort key; receipts have none.
    pub fn sk(&self) -> Option<String> {
        match self {
            Self::Course(_) => Some("DETAILS".to_owned()),
            Self::Application(_, course_id) => Some(format!("COURSE#{course_id}#APPLIED")),
            Self::Enrollment(_, course_id) => Some(format!("COURSE#{course_id}#PAID")),
            Self::Session(_, session_id, user_id) => {
                Some(format!("SESSION#{session_id}#USER#{user_id}"))
            }
            Self::Receipt(..) => None,
        }
    }

    /// Returns the long form of the sort key, which some text for this schema has.
    pub(crate) fn long_sk(&self) -> Option<String> {
        match self {
            Self::Application(_, course_id) => Some(format!("COURSE#{course_id}#STATUS#APPLIED")),
            Self::Enrollment(_, course_id) => Some(format!("COURSE#{course_id}#STATUS#PAID")),
            Self::Course(_) | Self::Session(..) | Self::Receipt(..) => None,
        }
    }

    /// Returns the key's attributes.
    pub fn attributes(&self) -> HashMap<String, AttributeValue> {
        attributes(self.pk(), self.sk())
    }

    /// Returns the key's attributes, with the long form of the sort key if it has one.
    pub(crate) fn long_attributes(&self) -> HashMap<String, AttributeValue> {
        attributes(self.pk(), self.long_sk().or_else(|| self.sk()))
    }

    /// Parses a key of a table, with either form of a UsersCourses sort key.
    ///
    /// # Errors
    /// Returns [`DecodeError::Key`] if the key has no known form.
    pub fn parse(table: Table, pk: &str, sk: Option<&str>) -> Result<Self, DecodeError> {
        Self::read(table, pk, sk).ok_or(DecodeError::Key)
    }

    fn read(table: Table, pk: &str, sk: Option<&str>) -> Option<Self> {
        match (table, sk) {
            (Table::Courses, Some("DETAILS")) => {
                Some(Self::Course(pk.strip_prefix("COURSE#")?.parse().ok()?))
            }
            (Table::UsersCourses, Some(sk)) => {
                let user_id = pk.strip_prefix("USER#")?.parse().ok()?;
                let (course_id, status) = sk.strip_prefix("COURSE#")?.split_once('#')?;
                let course_id = course_id.parse().ok()?;
                match status.strip_prefix("STATUS#").unwrap_or(status) {
                    "APPLIED" => Some(Self::Application(user_id, course_id)),
                    "PAID" => Some(Self::Enrollment(user_id, course_id)),
                    _ => None,
                }
            }
            (Table::Sessions, Some(sk)) => {
                let course_id = pk.strip_prefix("COURSE#")?.parse().ok()?;
                let (session_id, user_id) = sk.strip_prefix("SESSION#")?.split_once("#USER#")?;
                Some(Self::Session(
                    course_id,
                    session_id.parse().ok()?,
                    user_id.parse().ok()?,
                ))
            }
            (Table::Commands, None) => {
                let (source, id) = pk.strip_prefix("COMMAND#")?.rsplit_once('#')?;
                Some(Self::Receipt(source.parse().ok()?, id.parse().ok()?))
            }
            (Table::Courses | Table::UsersCourses | Table::Sessions | Table::Commands, _) => None,
        }
    }

    /// Reads the key of an item of a table.
    pub(crate) fn of_item(
        table: Table,
        item: &HashMap<String, AttributeValue>,
    ) -> Result<Self, DecodeError> {
        let text = |name: &str| {
            item.get(name)
                .and_then(|value| value.as_s().ok())
                .map(String::as_str)
        };
        Self::parse(table, text("PK").ok_or(DecodeError::Key)?, text("SK"))
    }
}

fn attributes(pk: String, sk: Option<String>) -> HashMap<String, AttributeValue> {
    let sk = sk.map(|sk| ("SK".to_owned(), AttributeValue::S(sk)));
    sk.into_iter()
        .chain([("PK".to_owned(), AttributeValue::S(pk))])
        .collect()
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.sk() {
            Some(sk) => write!(f, "{} {sk}", self.pk()),
            None => f.write_str(&self.pk()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ID: &str = "[A-Za-z0-9._:@-]{1,128}";

    fn id<T: std::str::FromStr<Err: fmt::Debug> + fmt::Debug>() -> impl Strategy<Value = T> {
        ID.prop_map(|text| text.parse().expect("an id"))
    }

    fn any_key() -> impl Strategy<Value = Key> {
        prop_oneof![
            id().prop_map(Key::Course),
            (id(), id()).prop_map(|(user, course)| Key::Application(user, course)),
            (id(), id()).prop_map(|(user, course)| Key::Enrollment(user, course)),
            (id(), id(), id())
                .prop_map(|(course, session, user)| Key::Session(course, session, user)),
            ("[a-z/:.?=&~@-]{1,40}", id())
                .prop_map(|(source, id)| Key::Receipt(source.parse().expect("a source"), id)),
        ]
    }

    proptest! {
        #[test]
        fn a_key_reads_back_what_it_writes(key in any_key()) {
            prop_assert_eq!(Key::parse(key.table(), &key.pk(), key.sk().as_deref()), Ok(key.clone()));
            prop_assert_eq!(Key::of_item(key.table(), &key.attributes()), Ok(key.clone()));
            prop_assert_eq!(Key::of_item(key.table(), &key.long_attributes()), Ok(key));
        }

        #[test]
        fn two_keys_are_never_written_alike(a in any_key(), b in any_key()) {
            prop_assume!(a != b);
            prop_assert!((a.table(), a.pk(), a.sk()) != (b.table(), b.pk(), b.sk()));
        }
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for (table, pk, sk) in [
            (Table::Courses, "COURSE#c", None),
            (Table::Courses, "COURSE#", Some("DETAILS")),
            (Table::UsersCourses, "USER#u", Some("COURSE#c#REFUNDED")),
            (Table::UsersCourses, "USER#u", Some("COURSE#c")),
            (Table::Sessions, "COURSE#c", Some("SESSION#0001")),
            (Table::Commands, "COMMAND#c", None),
            (Table::Commands, "LEASE#s", None),
        ] {
            assert_eq!(
                Key::parse(table, pk, sk),
                Err(DecodeError::Key),
                "{pk} {sk:?}"
            );
        }
    }
}
