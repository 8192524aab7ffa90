//! The candidate for Cedar, with its own crate. As Cedar's documentation advises, a role is a group of principals. What
//! it may do is a group of actions, which are the application's own (`invoice_0.read`), so that a role has one policy
//! for each effect, with and without ownership, and not one for each rule:
//!
//!     permit (principal in Role::"clerk_3", action in Action::"clerk_3 allow own", resource)
//!     when { resource.owner == principal };
//!
//! `cedar` asks the authorizer with the whole policy set, which it goes through for every request. `cedar --sliced` does
//! what the documentation leaves to the caller: policies are kept by action, and the authorizer is given only those
//! that can match.

use std::collections::{BTreeMap, BTreeSet};

use peers::cedar::{Cedar, entity, hello, reference, request};
use peers::{Batches, Outcome, Policy, Request, serve};
use serde_json::{Value, json};

struct Engine<const SLICED: bool>(Cedar<SLICED>);

fn main() {
    if std::env::args().any(|argument| argument == "--sliced") {
        serve::<Engine<true>>();
    } else {
        serve::<Engine<false>>();
    }
}

/// The policy of each group of actions, and the groups that each action is in. Rust writes a text in quotes as Cedar
/// does.
fn policies(policy: &Policy) -> (BTreeMap<String, String>, BTreeMap<String, BTreeSet<String>>) {
    let mut texts = BTreeMap::new();
    let mut groups: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (name, kind) in &policy.types {
        for action in &kind.actions {
            groups.insert(own_action(name, action), BTreeSet::new());
        }
    }
    for rule in &policy.rules {
        let (own, when) = if rule.owner {
            (" own", " when { resource.owner == principal }")
        } else {
            ("", "")
        };
        let group = format!("{} {}{own}", rule.role, rule.effect);
        for action in &rule.actions {
            let within = groups.entry(own_action(&rule.kind, action)).or_default();
            within.insert(group.clone());
        }
        let effect = if rule.effect == "deny" {
            "forbid"
        } else {
            "permit"
        };
        let role = &rule.role;
        let text = format!(
            "{effect} (principal in Role::{role:?}, action in Action::{group:?}, resource){when};\n"
        );
        texts.insert(group, text);
    }
    (texts, groups)
}

fn own_action(kind: &str, action: &str) -> String {
    format!("{kind}.{action}")
}

fn in_roles(names: &[String]) -> impl Iterator<Item = (&str, &str)> {
    names.iter().map(|name| ("Role", name.as_str()))
}

impl<const SLICED: bool> peers::Engine for Engine<SLICED> {
    type Policy = Policy;
    type Request = Request;

    fn hello() -> [String; 3] {
        hello::<SLICED>("all users, roles, actions and resources")
    }

    fn encode(policy: Policy) -> Outcome<[String; 2]> {
        let (texts, groups) = policies(&policy);
        let none = || json!({});
        let mut entities: Vec<Value> = Vec::new();
        for (action, within) in &groups {
            let within = within.iter().map(|group| ("Action", group.as_str()));
            entities.push(entity(("Action", action), none(), within));
        }
        entities.extend(
            texts
                .keys()
                .map(|group| entity(("Action", group), none(), [])),
        );
        for (name, role) in &policy.roles {
            entities.push(entity(("Role", name), none(), in_roles(&role.includes)));
        }
        for (name, held) in &policy.users {
            entities.push(entity(("User", name), none(), in_roles(held)));
        }
        Ok([
            texts.into_values().collect(),
            serde_json::to_string(&entities)?,
        ])
    }

    fn load([policies, entities]: [String; 2]) -> Outcome<(Self, String)> {
        let cedar = Cedar::load(&policies, &entities)?;
        let note = cedar.note();
        Ok((Engine(cedar), note))
    }

    fn prepare(&mut self, asked: Batches<Vec<Request>>) -> Outcome<()> {
        let resource = |one: &Request| {
            let owner = json!({"owner": reference("User", &one.owner)});
            entity((&one.kind, &one.id), owner, [])
        };
        let resources = asked.hot.iter().chain(&asked.cold).map(resource).collect();
        let prepared = asked.prepared(|one| {
            let action = own_action(&one.kind, &one.action);
            request(&one.user, &action, (&one.kind, &one.id))
        })?;
        self.0.prepare(prepared, resources)
    }

    fn decide(&mut self, batch: &str) -> Outcome<Vec<u8>> {
        self.0.decide(batch)
    }

    fn pass(&mut self, batch: &str) -> Outcome<usize> {
        self.0.pass(batch)
    }
}
