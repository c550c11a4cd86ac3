//! A part of the system: what its role or its person may do, its connection, and what it has asked for.

use std::collections::BTreeSet;

use arthouse::{Clients, Names, Stack};

use super::{Access, Grant, PREFIX, calls, grants, policy};
use crate::embedded::Embedded;
use crate::relay::{Call, Relay};
use crate::template;

/// One part.
pub(super) struct Part {
    name: String,
    grants: Vec<Grant>,
    pub(super) relay: Relay,
    pub(super) stack: Stack,
    calls: Vec<Call>,
    by_aws: BTreeSet<Access>,
}

impl Part {
    /// The program that runs with a role of a template.
    pub(super) async fn of_role(aws: &Embedded, template: &'static str, role: &str) -> Self {
        let name = format!("{template} {role}");
        Self::with(aws, name, of_role(template, role)).await
    }

    /// A person or another program with policies of the template of roles.
    pub(super) async fn of_policies(aws: &Embedded, name: &str, policies: &[&str]) -> Self {
        let grants = policies.iter().flat_map(|name| policy(name)).collect();
        Self::with(aws, name.to_owned(), grants).await
    }

    async fn with(aws: &Embedded, name: String, grants: Vec<Grant>) -> Self {
        let relay = Relay::to(aws.endpoint()).await;
        let clients = Clients::for_endpoint(&relay.endpoint);
        let stack = Stack::find(clients, Names::with_prefix(PREFIX)).await;
        Self {
            name,
            grants,
            stack: stack.expect("the stack is there"),
            relay,
            calls: Vec::new(),
            by_aws: BTreeSet::new(),
        }
    }

    /// What AWS does in the role's name, as its documentation has it.
    pub(super) fn and_by_aws(mut self, accesses: impl IntoIterator<Item = Access>) -> Self {
        self.by_aws.extend(accesses);
        self
    }

    pub(super) fn calls(&mut self) -> &[Call] {
        self.calls.extend(self.relay.take_calls());
        &self.calls
    }

    /// Checks that all that was asked for is allowed, and that all that is allowed was asked for.
    pub(super) fn check(mut self, streams: &[String]) {
        let mut asked: BTreeSet<Access> = self
            .calls()
            .iter()
            .flat_map(|call| calls::needed(call, streams))
            .collect();
        asked.append(&mut self.by_aws);
        exactly(&self.name, &self.grants, &asked);
    }
}

/// What a role may do: by managed policies and by its own.
pub(super) fn of_role(template: &str, role: &str) -> Vec<Grant> {
    let resources = template::resources(template, &[("Prefix", PREFIX)]);
    let found = resources.iter().find(|resource| resource.id == role);
    let found = found.unwrap_or_else(|| panic!("there is no {role}"));
    let managed = super::managed(found);
    let managed = managed.iter().flat_map(|name| policy(name));
    let own = super::documents(found).into_iter().flat_map(grants);
    managed.chain(own).collect()
}

/// Checks that a role may do what is asked for, and nothing else.
pub(super) fn exactly(name: &str, grants: &[Grant], asked: &BTreeSet<Access>) {
    assert!(!asked.is_empty(), "{name} has asked for nothing");
    let refused = asked
        .iter()
        .filter(|access| !grants.iter().any(|grant| grant.covers(access)));
    let refused: Vec<_> = refused.collect();
    assert_eq!(refused, Vec::<&Access>::new(), "{name} may not");
    let allowed = grants.iter().flat_map(|grant| {
        let pairs = grant.actions.iter().flat_map(|action| {
            let resources = grant.resources.iter();
            resources.map(move |resource| (action, resource))
        });
        pairs.collect::<Vec<_>>()
    });
    let unused = allowed.filter(|(action, resource)| {
        let is_used = |access: &Access| {
            access.action == **action && super::matches(resource, &access.resource)
        };
        !asked.iter().any(is_used)
    });
    let unused: BTreeSet<_> = unused.collect();
    assert_eq!(unused, BTreeSet::new(), "{name} does not need");
}
