use super::{AuditSubject, Invariant, Violation};
use crate::{Outcome, Receipt};

/// Checks the receipt of a command: one outcome, well formed, and kept for as long as its message can come back (invariant 6).
///
/// `expires_at` is when the table forgets it, in seconds since 1970; a receipt without it is kept for good.
pub fn audit_receipt(receipt: &Receipt, expires_at: Option<i64>) -> Vec<Violation> {
    let subject = AuditSubject::Command {
        source: receipt.source.clone(),
        command_id: receipt.command_id.clone(),
    };
    let is_code =
        |code: &str| !code.is_empty() && code.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
    let digest = receipt.payload_hash.as_str();
    let due = receipt.at.unix_seconds() + Receipt::LIFETIME.num_seconds();
    let mut details = Vec::new();
    if let Outcome::Rejected { code, .. } = &receipt.outcome
        && !is_code(code)
    {
        details.push("it was rejected without a code".to_owned());
    }
    let is_digest =
        |text: &str, digits| text.len() == digits && text.bytes().all(|b| b.is_ascii_hexdigit());
    let meaning = receipt.payload_hash.meaning_as_str();
    if !is_digest(digest, 64) || meaning.is_some_and(|meaning| !is_digest(meaning, 32)) {
        details.push("its payload hash is no digest, so that no duplicate is known".to_owned());
    }
    if let Some(early) = expires_at.map(|at| due - at).filter(|early| *early > 0) {
        details.push(format!(
            "it is forgotten {early} s before a duplicate can come no more"
        ));
    }
    details
        .into_iter()
        .map(|detail| Violation::new(Invariant::Outcome, subject.clone(), detail))
        .collect()
}
