//! The tables: their names and definitions (`TABLES.md`).

mod definition;
mod protection;
mod provision;

pub use protection::{Backups, protect};
pub use provision::provision;

pub(crate) use definition::PENDING_INDEX;

/// The tables of the school. (The table of leases belongs to the streams consumer.)
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Table {
    /// Courses on offer.
    Courses,
    /// Applications and paid enrolments.
    UsersCourses,
    /// The sessions of paid enrolments.
    Sessions,
    /// The receipts of commands.
    Commands,
}

impl Table {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Courses,
        Self::UsersCourses,
        Self::Sessions,
        Self::Commands,
    ];

    /// Returns the name without a prefix.
    pub fn base_name(self) -> &'static str {
        match self {
            Self::Courses => "Courses",
            Self::UsersCourses => "UsersCourses",
            Self::Sessions => "Sessions",
            Self::Commands => "Commands",
        }
    }
}

/// The names of the tables, with a prefix that identifies the deployment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableNames {
    prefix: String,
}

impl TableNames {
    /// Makes the names with a prefix, which may be empty.
    pub fn with_prefix(prefix: impl Into<String>) -> Self {
        Self {
            prefix: prefix.into(),
        }
    }

    /// Returns a table's name.
    pub fn name(&self, table: Table) -> String {
        format!("{}{}", self.prefix, table.base_name())
    }

    /// Returns the name of the streams consumer's table of leases.
    pub fn leases(&self) -> String {
        format!("{}Leases", self.prefix)
    }

    /// Returns the table with a name; `None` for any other table.
    pub fn table(&self, name: &str) -> Option<Table> {
        let base = name.strip_prefix(&self.prefix)?;
        Table::ALL
            .into_iter()
            .find(|table| table.base_name() == base)
    }
}
