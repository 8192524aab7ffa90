//! The candidate for Cedar, with its own crate. Policies are written as Cedar's documentation advises for roles: a role
//! is a group of principals, and every rule of the workload is one policy whose scope is filled.
//!
//! `cedar` asks the authorizer with the whole policy set, which it goes through for every request. `cedar --sliced` does
//! what the documentation leaves to the caller: policies are kept by what their scopes name, here by action and by type
//! of resource, and the authorizer is given only those that can match.

use std::collections::{HashMap, HashSet};
use std::hint::black_box;
use std::str::FromStr;
use std::time::Instant;

use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityId, EntityTypeName, EntityUid, Policy,
    PolicyId, PolicySet, Request, Response, RestrictedExpression,
};
use peers::{ALLOWED, Batches, DENIED, NONE, Outcome, serve};

/// By type of resource and action.
type Slices = HashMap<EntityTypeName, HashMap<EntityUid, PolicySet>>;

/// Of `whole` and `slices`, one is filled.
struct Engine<const SLICED: bool> {
    authorizer: Authorizer,
    whole: PolicySet,
    slices: Slices,
    none: PolicySet,
    entities: Entities,
    requests: Batches<Vec<Request>>,
}

fn main() {
    if std::env::args().any(|argument| argument == "--sliced") {
        serve::<Engine<true>>();
    } else {
        serve::<Engine<false>>();
    }
}

fn uid(kind: &str, id: &str) -> Outcome<EntityUid> {
    Ok(EntityUid::from_type_name_and_id(
        EntityTypeName::from_str(kind)?,
        EntityId::new(id),
    ))
}

/// A rule as a policy. Rust writes a text in quotes as Cedar does.
fn policy(rule: &peers::Rule) -> Outcome<Policy> {
    let effect = if rule.effect == "deny" {
        "forbid"
    } else {
        "permit"
    };
    let actions: Vec<String> = rule
        .actions
        .iter()
        .map(|action| format!("Action::{action:?}"))
        .collect();
    let owner = if rule.owner {
        " when { resource.owner == principal }"
    } else {
        ""
    };
    let text = format!(
        "{effect} (principal in Role::{:?}, action in [{}], resource is {}){owner};",
        rule.role,
        actions.join(", "),
        rule.kind,
    );
    Ok(Policy::parse(
        Some(PolicyId::new(rule.number.to_string())),
        text,
    )?)
}

/// Users below their roles, a role below those it includes, and the resources of all requests with their owners.
fn entities(policy: &peers::Policy, requests: &Batches<Vec<peers::Request>>) -> Outcome<Entities> {
    let mut all = Vec::new();
    let groups = |names: &[String]| {
        names
            .iter()
            .map(|name| uid("Role", name))
            .collect::<Outcome<HashSet<_>>>()
    };
    for (name, role) in &policy.roles {
        all.push(Entity::new_no_attrs(
            uid("Role", name)?,
            groups(&role.includes)?,
        ));
    }
    for (name, roles) in &policy.users {
        all.push(Entity::new_no_attrs(uid("User", name)?, groups(roles)?));
    }
    let mut seen = HashSet::new();
    for request in requests.hot.iter().chain(&requests.cold) {
        if !seen.insert((&request.kind, resource_id(request))) {
            continue;
        }
        let owner = RestrictedExpression::new_entity_uid(uid("User", &request.owner)?);
        let attributes = HashMap::from([("owner".to_string(), owner)]);
        let resource = uid(&request.kind, &resource_id(request))?;
        all.push(Entity::new(resource, attributes, HashSet::new())?);
    }
    Ok(Entities::from_entities(all, None)?)
}

/// A workload may name two owners of one id in two requests; to Cedar, which keeps the owner with the resource, these
/// are two resources.
fn resource_id(request: &peers::Request) -> String {
    format!("{}/{}", request.id, request.owner)
}

fn request(asked: &peers::Request) -> Outcome<Request> {
    Ok(Request::new(
        uid("User", &asked.user)?,
        uid("Action", &asked.action)?,
        uid(&asked.kind, &resource_id(asked))?,
        Context::empty(),
        None,
    )?)
}

impl<const SLICED: bool> peers::Engine for Engine<SLICED> {
    type Policy = peers::Policy;
    type Request = peers::Request;

    fn hello() -> [String; 3] {
        let look_up = if SLICED {
            "the look-up of the policies of the action and the type, and "
        } else {
            ""
        };
        let name = if SLICED {
            "Cedar (Rust, sliced)"
        } else {
            "Cedar (Rust)"
        };
        [
            name.into(),
            env!("CEDAR").into(),
            format!(
                "{look_up}is_authorized on a request and entities built beforehand (all users, roles and resources in \
                 memory); a response with the decision and the ids of the deciding policies"
            ),
        ]
    }

    fn load(
        policy_file: peers::Policy,
        requests: Batches<Vec<peers::Request>>,
    ) -> Outcome<(Self, f64, String)> {
        let start = Instant::now();
        let mut whole = PolicySet::new();
        let mut slices = Slices::new();
        for rule in &policy_file.rules {
            let parsed = policy(rule)?;
            if SLICED {
                for action in &rule.actions {
                    let about = slices
                        .entry(EntityTypeName::from_str(&rule.kind)?)
                        .or_default();
                    about
                        .entry(uid("Action", action)?)
                        .or_default()
                        .add(parsed.clone())?;
                }
            } else {
                whole.add(parsed)?;
            }
        }
        let entities = entities(&policy_file, &requests)?;
        let seconds = start.elapsed().as_secs_f64();
        let prepared = Batches {
            hot: requests.hot.iter().map(request).collect::<Outcome<_>>()?,
            cold: requests.cold.iter().map(request).collect::<Outcome<_>>()?,
        };
        let note = if SLICED {
            "one policy a rule, in one set for each action on each type".into()
        } else {
            "one policy a rule, all in one set".into()
        };
        let engine = Engine {
            authorizer: Authorizer::new(),
            whole,
            slices,
            none: PolicySet::new(),
            entities,
            requests: prepared,
        };
        Ok((engine, seconds, note))
    }

    fn decide(&mut self, batch: &str) -> Outcome<Vec<u8>> {
        let letter = |request| {
            let response = self.ask(request);
            if let Some(error) = response.diagnostics().errors().next() {
                return Err(error.to_string().into());
            }
            Ok(match response.decision() {
                Decision::Allow => ALLOWED,
                Decision::Deny if response.diagnostics().reason().next().is_some() => DENIED,
                Decision::Deny => NONE,
            })
        };
        self.requests.of(batch)?.iter().map(letter).collect()
    }

    fn pass(&mut self, batch: &str) -> Outcome<usize> {
        let requests = self.requests.of(batch)?;
        let mut allowed = 0;
        for request in requests {
            allowed += usize::from(self.ask(request).decision() == Decision::Allow);
        }
        black_box(allowed);
        Ok(requests.len())
    }
}

impl<const SLICED: bool> Engine<SLICED> {
    fn ask(&self, request: &Request) -> Response {
        let policies = if SLICED {
            self.slice(request).unwrap_or(&self.none)
        } else {
            &self.whole
        };
        self.authorizer
            .is_authorized(request, policies, &self.entities)
    }

    fn slice(&self, request: &Request) -> Option<&PolicySet> {
        self.slices
            .get(request.resource()?.type_name())?
            .get(request.action()?)
    }
}
