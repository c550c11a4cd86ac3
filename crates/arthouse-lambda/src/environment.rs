use std::env::{self, VarError};

use anyhow::{Result, bail};
use arthouse_worker::{LogFormat, Names, SourceRules};

/// The settings from the environment; the variables are those of the binary `arthouse`.
#[derive(Debug)]
pub(crate) struct Environment {
    prefix: String,
    /// `ARTHOUSE_LOG`.
    pub(crate) log_filter: Option<String>,
    /// `ARTHOUSE_LOG_FORMAT`; the default is JSON, for CloudWatch's metric filters.
    pub(crate) log_format: LogFormat,
    /// `ARTHOUSE_SOURCES`.
    pub(crate) sources: SourceRules,
}

impl Environment {
    pub(crate) fn read() -> Result<Self> {
        Self::from(|name| match env::var(name) {
            Ok(value) => Ok(Some(value)),
            Err(VarError::NotPresent) => Ok(None),
            Err(VarError::NotUnicode(_)) => bail!("{name} is not Unicode"),
        })
    }

    fn from(value: impl Fn(&str) -> Result<Option<String>>) -> Result<Self> {
        Ok(Self {
            prefix: value("ARTHOUSE_PREFIX")?.unwrap_or_default(),
            log_filter: value("ARTHOUSE_LOG")?,
            log_format: match value("ARTHOUSE_LOG_FORMAT")?.as_deref() {
                None | Some("json") => LogFormat::Json,
                Some("human") => LogFormat::Human,
                Some(other) => bail!("ARTHOUSE_LOG_FORMAT is json or human, not {other:?}"),
            },
            sources: value("ARTHOUSE_SOURCES")?.unwrap_or_default().parse()?,
        })
    }

    /// The names of the tables and the queues.
    pub(crate) fn names(&self) -> Names {
        Names::with_prefix(&self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Environment> {
        let value = |name: &str| pairs.iter().find(|(known, _)| *known == name);
        Environment::from(|name| Ok(value(name).map(|(_, value)| (*value).to_owned())))
    }

    #[test]
    fn without_a_word_the_log_is_json_and_names_have_no_prefix() {
        let environment = read(&[]).unwrap();
        assert_eq!(environment.log_format, LogFormat::Json);
        assert_eq!(environment.names(), Names::default());
    }

    #[test]
    fn a_format_that_there_is_not_is_refused() {
        assert!(read(&[("ARTHOUSE_LOG_FORMAT", "xml")]).is_err());
        let human = read(&[("ARTHOUSE_LOG_FORMAT", "human"), ("ARTHOUSE_PREFIX", "a-")]).unwrap();
        assert_eq!(human.log_format, LogFormat::Human);
        assert_eq!(human.names(), Names::with_prefix("a-"));
    }
}
