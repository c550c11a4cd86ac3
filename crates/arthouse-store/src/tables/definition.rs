use aws_sdk_dynamodb::types::{
    AttributeDefinition, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType, StreamSpecification, StreamViewType,
};

use super::Table;

/// The sparse index of applications that wait for payment, oldest first.
pub(crate) const PENDING_INDEX: &str = "PendingPayment-AppliedDate";

/// The attributes of a key, in its order.
pub(crate) type KeyNames = &'static [&'static str];

impl Table {
    pub(crate) fn key_names(self) -> KeyNames {
        match self {
            Self::Courses | Self::UsersCourses | Self::Sessions => &["PK", "SK"],
            Self::Commands => &["PK"],
        }
    }

    /// Returns the name and key of the table's index, if it has one.
    pub(super) fn index(self) -> Option<(&'static str, KeyNames)> {
        match self {
            Self::UsersCourses => Some((PENDING_INDEX, &["PendingPayment", "AppliedDate"])),
            Self::Courses | Self::Sessions | Self::Commands => None,
        }
    }

    /// Returns whether the table has a stream, with both images.
    pub(super) fn is_streamed(self) -> bool {
        match self {
            Self::UsersCourses | Self::Sessions => true,
            Self::Courses | Self::Commands => false,
        }
    }

    /// Returns the attribute with the time to live, if the table has one.
    pub(super) fn expiry_attribute(self) -> Option<&'static str> {
        match self {
            Self::Commands => Some("ExpiresAt"),
            Self::Courses | Self::UsersCourses | Self::Sessions => None,
        }
    }

    pub(super) fn key_schema(self) -> Vec<KeySchemaElement> {
        key_schema(self.key_names())
    }

    /// Returns the types of the attributes of all keys: all are strings.
    pub(super) fn attribute_definitions(self) -> Vec<AttributeDefinition> {
        let indexed = self.index().map_or(&[][..], |(_, names)| names);
        let names = self.key_names().iter().chain(indexed);
        names
            .map(|name| {
                AttributeDefinition::builder()
                    .attribute_name(*name)
                    .attribute_type(ScalarAttributeType::S)
                    .build()
                    .expect("name and type are set")
            })
            .collect()
    }

    pub(super) fn indexes(self) -> Option<Vec<GlobalSecondaryIndex>> {
        let (name, key) = self.index()?;
        let all = Projection::builder()
            .projection_type(ProjectionType::All)
            .build();
        let index = GlobalSecondaryIndex::builder()
            .index_name(name)
            .set_key_schema(Some(key_schema(key)))
            .projection(all)
            .build()
            .expect("name and key are set");
        Some(vec![index])
    }

    pub(super) fn stream(self) -> Option<StreamSpecification> {
        self.is_streamed().then(|| {
            StreamSpecification::builder()
                .stream_enabled(true)
                .stream_view_type(StreamViewType::NewAndOldImages)
                .build()
                .expect("enabled is set")
        })
    }
}

fn key_schema(names: KeyNames) -> Vec<KeySchemaElement> {
    let kinds = [KeyType::Hash, KeyType::Range];
    let element = |(name, kind): (&&str, KeyType)| {
        KeySchemaElement::builder()
            .attribute_name(*name)
            .key_type(kind)
            .build()
            .expect("name and type are set")
    };
    names.iter().zip(kinds).map(element).collect()
}
