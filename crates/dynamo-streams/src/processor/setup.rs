//! The parts of a processor.

use std::fmt;
use std::sync::Arc;

use crate::monitor::Figures;
use crate::observer::Observer;
use crate::settings::Settings;

/// The parts of a processor besides its ports.
pub(crate) struct Setup {
    pub(crate) tables: Vec<String>,
    pub(crate) worker: String,
    pub(crate) settings: Settings,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) figures: Arc<Figures>,
}

impl fmt::Debug for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setup")
            .field("tables", &self.tables)
            .field("worker", &self.worker)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
