//! Parsing that all operations share.

use super::fault::Fault;

/// Parses a request's body. Each operation checks its required members.
pub(super) fn parse<'a, T: serde::Deserialize<'a>>(body: &'a [u8]) -> Result<T, Fault> {
    Ok(serde_json::from_slice(body)?)
}

/// The `Limit` of a listing: 1 to 100, which is also the default.
pub(super) fn listing_limit(wished: Option<i64>) -> Result<usize, Fault> {
    match wished {
        None => Ok(100),
        Some(limit @ 1..) => Ok(usize::try_from(limit).unwrap_or(100).min(100)),
        Some(limit) => Err(Fault::Validation(format!(
            "1 validation error detected: Value '{limit}' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1"
        ))),
    }
}
