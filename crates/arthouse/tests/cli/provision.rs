use crate::rig::{Local, arthouse, run};

const NO_BACKUPS: &str = "this endpoint has no point-in-time recovery";

#[test]
fn what_is_provisioned_is_protected_unless_told_otherwise() {
    let data = tempfile::tempdir().unwrap();
    let local = Local::start(data.path());
    let provision = |arguments: &[&str]| {
        let arguments = [&["--prefix", "p-", "provision", "--json"], arguments].concat();
        run(arthouse(&arguments).env("AWS_ENDPOINT_URL", &local.endpoint))
    };
    let made = |ended: &crate::rig::Ended| {
        let lines = ended.json();
        let lines = lines.as_array().unwrap().iter();
        lines.filter(|line| line["made"] == true).count()
    };
    let first = provision(&["--unprotected"]);
    first.check(0, &[]);
    assert_eq!((made(&first), first.stderr.as_str()), (10, ""));
    // Protecting is what remains to be done, and the endpoint can't do all of it.
    let second = provision(&[]);
    second.check(0, &[NO_BACKUPS]);
    assert_eq!(made(&second), 0);
    provision(&[]).check(0, &[NO_BACKUPS]);
}
