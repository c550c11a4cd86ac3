//! How far the tests search: one switch for all of them. `tests/README.md` says what each depth covers.

/// Returns what is asked for by `TEST_DEPTH`: `quick`, which is what goes without it, `ci` or `deep`.
///
/// # Panics
/// Panics if it is none of these.
pub fn by_depth<T>(quick: T, ci: T, deep: T) -> T {
    match std::env::var("TEST_DEPTH").as_deref() {
        Err(_) | Ok("quick") => quick,
        Ok("ci") => ci,
        Ok("deep") => deep,
        Ok(other) => panic!("TEST_DEPTH={other}: it must be quick, ci or deep"),
    }
}
