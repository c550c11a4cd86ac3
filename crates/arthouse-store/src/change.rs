use arthouse_core::{Application, Change, Enrollment, Session};

use crate::items::{Item, Record};
use crate::{DecodeError, Key, Table};

/// A stream record's images of an item.
#[derive(Clone, Copy)]
pub struct Image<'a> {
    /// As it was; nothing for an insert.
    pub old: Option<&'a Item>,
    /// As it is; nothing for a removal.
    pub new: Option<&'a Item>,
}

/// Shows which images there are and nothing of them, for they hold contact details.
impl std::fmt::Debug for Image<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (old, new) = (self.old.is_some(), self.new.is_some());
        f.debug_struct("Image")
            .field("old", &old)
            .field("new", &new)
            .finish()
    }
}

/// Reads a stream record as a change that something follows from; nothing follows from removals, from sessions put, and from
/// changes of applications.
///
/// # Errors
/// Returns what can't be read.
pub fn change(table: Table, image: Image<'_>) -> Result<Option<Change>, DecodeError> {
    let Some(new) = image.new else {
        return Ok(None);
    };
    Ok(match (Key::of_item(table, new)?, image.old) {
        (Key::Application(..), None) => Some(Change::Applied(Box::new(Application::from_item(
            new.clone(),
        )?))),
        (Key::Enrollment(..), None) => Some(Change::Enrolled(Box::new(Enrollment::from_item(
            new.clone(),
        )?))),
        (Key::Enrollment(..), Some(old)) => Some(Change::EnrollmentUpdated {
            before: Box::new(Enrollment::from_item(old.clone())?),
            after: Box::new(Enrollment::from_item(new.clone())?),
        }),
        (Key::Session(..), Some(old)) => Some(Change::SessionUpdated {
            before: Box::new(Session::from_item(old.clone())?),
            after: Box::new(Session::from_item(new.clone())?),
        }),
        (Key::Application(..), Some(_))
        | (Key::Session(..), None)
        | (Key::Course(_) | Key::Receipt(..), _) => None,
    })
}

#[cfg(test)]
mod tests;
