use arthouse_core::Change;

use crate::items::{Item, Record};
use crate::{Key, Table, Unreadable};

/// A stream record's images of an item.
#[derive(Clone, Copy)]
pub struct Image<'a> {
    /// The old image; `None` for an insert.
    pub old: Option<&'a Item>,
    /// The new image; `None` for a removal.
    pub new: Option<&'a Item>,
}

/// Shows which images are present, but not their content, which has contact details.
impl std::fmt::Debug for Image<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (old, new) = (self.old.is_some(), self.new.is_some());
        f.debug_struct("Image")
            .field("old", &old)
            .field("new", &new)
            .finish()
    }
}

/// Reads a stream record as a change with reactions. Removals, new sessions and updates of applications have none and return `None`.
///
/// # Errors
/// Returns why an item can't be read.
pub fn change(table: Table, image: Image<'_>) -> Result<Option<Change>, Box<Unreadable>> {
    let Some(new) = image.new else {
        return Ok(None);
    };
    let foreign = |error| Unreadable::new(table, new, error);
    Ok(
        match (Key::of_item(table, new).map_err(foreign)?, image.old) {
            (Key::Application(..), None) => Some(Change::Applied(read(new)?)),
            (Key::Enrollment(..), None) => Some(Change::Enrolled(read(new)?)),
            (Key::Enrollment(..), Some(old)) => Some(Change::EnrollmentUpdated {
                before: read(old)?,
                after: read(new)?,
                sessions: Vec::new(),
            }),
            (Key::Session(..), Some(old)) => Some(Change::SessionUpdated {
                before: read(old)?,
                after: read(new)?,
            }),
            (Key::Application(..), Some(_))
            | (Key::Session(..), None)
            | (Key::Course(_) | Key::Receipt(..), _) => None,
        },
    )
}

fn read<R: Record>(item: &Item) -> Result<Box<R>, Box<Unreadable>> {
    crate::error::read(item).map(Box::new)
}

#[cfg(test)]
mod tests;
