//! The parts of a stream's ARN: `arn:aws:dynamodb:<region>:<account>:table/<table>/stream/<label>`.

/// Returns the table's name, or nothing where the text is no stream ARN.
pub(crate) fn table_name(stream_arn: &str) -> &str {
    stream_arn.split('/').nth(1).unwrap_or_default()
}

/// Returns the label: the time at which the stream was enabled, so that labels sort by age.
pub(crate) fn label(stream_arn: &str) -> &str {
    stream_arn.splitn(4, '/').nth(3).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_names_its_table_and_its_label() {
        let arn = "arn:aws:dynamodb:eu-west-1:1:table/Music/stream/2015-05-20T20:51:10.252";
        assert_eq!(table_name(arn), "Music");
        assert_eq!(label(arn), "2015-05-20T20:51:10.252");
        assert_eq!((table_name("nothing"), label("nothing")), ("", ""));
    }
}
