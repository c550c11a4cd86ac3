//! The trace context of the sender of a message.

use std::sync::Arc;

use serde::Deserialize;

/// The trace and span in which a message was sent, as lower-case hexadecimal (W3C Trace Context, section 3.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceContext {
    trace_id: String,
    span_id: String,
    sampled: bool,
}

/// Links the span of a handler run to the span that sent the message.
pub(crate) type LinkSpan = Arc<dyn Fn(&tracing::Span, &TraceContext) + Send + Sync>;

impl TraceContext {
    /// Returns the 32 hexadecimal digits of the trace.
    #[must_use]
    pub fn trace_id(&self) -> &str {
        &self.trace_id
    }

    /// Returns the 16 hexadecimal digits of the sending span.
    #[must_use]
    pub fn span_id(&self) -> &str {
        &self.span_id
    }

    /// Returns whether the sender recorded its span.
    #[must_use]
    pub fn sampled(&self) -> bool {
        self.sampled
    }

    /// Writes the context as a `traceparent` value, version 00.
    #[must_use]
    pub fn traceparent(&self) -> String {
        let flags = if self.sampled { "01" } else { "00" };
        format!("00-{}-{}-{flags}", self.trace_id, self.span_id)
    }

    /// Reads a `traceparent` value (W3C Trace Context, section 3.2.2), or returns `None` if it is malformed.
    #[must_use]
    pub fn parse_traceparent(value: &str) -> Option<Self> {
        let mut fields = value.trim().split('-');
        let (version, trace_id, span_id, flags) = (
            fields.next()?,
            fields.next()?,
            fields.next()?,
            fields.next()?,
        );
        // Later versions may append fields; version 00 may not, and ff is forbidden.
        let version_fits =
            is_hex(version, 2) && version != "ff" && (version != "00" || fields.next().is_none());
        let flags = is_hex(flags, 2).then(|| u8::from_str_radix(flags, 16).ok())??;
        if version_fits {
            Self::checked(trace_id, span_id, flags & 1 == 1)
        } else {
            None
        }
    }

    /// Reads an X-Ray tracing header (`Root=1-…;Parent=…;Sampled=1`), or returns `None` if it is malformed.
    #[must_use]
    pub fn parse_xray(value: &str) -> Option<Self> {
        let field = |name: &str| {
            value.split(';').find_map(|part| {
                let (key, content) = part.split_once('=')?;
                key.trim()
                    .eq_ignore_ascii_case(name)
                    .then(|| content.trim())
            })
        };
        let mut root = field("Root")?.split('-');
        let (version, seconds, random) = (root.next()?, root.next()?, root.next()?);
        if version != "1" || root.next().is_some() || !is_hex(seconds, 8) || !is_hex(random, 24) {
            return None;
        }
        Self::checked(
            &format!("{seconds}{random}"),
            field("Parent")?,
            field("Sampled") == Some("1"),
        )
    }

    /// Takes the first valid context of a JSON body, a `traceparent` value and an X-Ray tracing header.
    pub(crate) fn find(body: &str, traceparent: Option<&str>, xray: Option<&str>) -> Option<Self> {
        in_body(body)
            .or_else(|| traceparent.and_then(Self::parse_traceparent))
            .or_else(|| xray.and_then(Self::parse_xray))
    }

    fn checked(trace_id: &str, span_id: &str, sampled: bool) -> Option<Self> {
        let usable = |id: &str, digits| is_hex(id, digits) && id.bytes().any(|digit| digit != b'0');
        (usable(trace_id, 32) && usable(span_id, 16)).then(|| Self {
            trace_id: trace_id.to_owned(),
            span_id: span_id.to_owned(),
            sampled,
        })
    }
}

fn in_body(body: &str) -> Option<TraceContext> {
    #[derive(Deserialize)]
    struct Envelope {
        traceparent: Option<String>,
    }
    // Parsing a body costs more than scanning it, and most bodies carry none.
    if !body.contains("\"traceparent\"") {
        return None;
    }
    let envelope: Envelope = serde_json::from_str(body).ok()?;
    TraceContext::parse_traceparent(&envelope.traceparent?)
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits
        && text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    const XRAY: &str = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";

    #[test]
    fn a_traceparent_survives_a_round_trip() {
        let context = TraceContext::parse_traceparent(TRACEPARENT).unwrap();
        assert_eq!(context.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(context.span_id(), "00f067aa0ba902b7");
        assert!(context.sampled());
        assert_eq!(context.traceparent(), TRACEPARENT);
    }

    #[test]
    fn malformed_trace_contexts_are_none() {
        let zero_trace = TRACEPARENT.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32));
        let cases = [
            "",
            "00",
            "00-xyz-00f067aa0ba902b7-01",
            &zero_trace,
            &TRACEPARENT.to_uppercase(),
        ];
        for case in cases {
            assert_eq!(TraceContext::parse_traceparent(case), None, "{case}");
        }
        assert_eq!(
            TraceContext::parse_traceparent(&format!("ff{}", &TRACEPARENT[2..])),
            None
        );
        assert_eq!(
            TraceContext::parse_traceparent(&format!("{TRACEPARENT}-more")),
            None
        );
        assert!(
            TraceContext::parse_traceparent(&format!("01{}-more", &TRACEPARENT[2..])).is_some()
        );
        for case in [
            "",
            "Root=1-5759e988",
            "Root=2-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8",
        ] {
            assert_eq!(TraceContext::parse_xray(case), None, "{case}");
        }
    }

    #[test]
    fn an_xray_header_becomes_a_w3c_trace_id() {
        let context = TraceContext::parse_xray(XRAY).unwrap();
        assert_eq!(
            context.traceparent(),
            "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01"
        );
    }
}
