//! What the candidates for Cedar share: policies and entities from their texts, the policies kept by action for the
//! sliced forms, and asking.

use std::collections::{HashMap, HashSet};
use std::hint::black_box;
use std::str::FromStr;

use cedar_policy::{
    ActionConstraint, Authorizer, Context, Decision, Entities, EntityId, EntityTypeName, EntityUid,
    Policy, PolicySet, Request, Response,
};
use serde_json::{Value, json};

use crate::{ALLOWED, Batches, DENIED, NONE, Outcome};

/// A policy set with its entities. With `SLICED` the authorizer is given only the policies whose scopes fit the
/// request's action, which the caller keeps and looks up; else the whole set.
pub struct Cedar<const SLICED: bool> {
    authorizer: Authorizer,
    whole: PolicySet,
    slices: HashMap<EntityUid, PolicySet>,
    entities: Entities,
    requests: Batches<Vec<Request>>,
}

/// The name, the version, and what one timed call includes, where all of `held` stands in memory.
pub fn hello<const SLICED: bool>(held: &str) -> [String; 3] {
    let (name, look_up) = if SLICED {
        (
            "Cedar (Rust, sliced)",
            "the look-up of the policies of the action, and ",
        )
    } else {
        ("Cedar (Rust)", "")
    };
    [
        name.into(),
        env!("CEDAR").into(),
        format!(
            "{look_up}is_authorized on a request and entities built beforehand ({held} in memory); a response with \
             the decision and the ids of the deciding policies"
        ),
    ]
}

pub fn uid(kind: &str, id: &str) -> Outcome<EntityUid> {
    Ok(EntityUid::from_type_name_and_id(
        EntityTypeName::from_str(kind)?,
        EntityId::new(id),
    ))
}

/// A request about entities of these types and ids.
pub fn request(user: &str, action: &str, (kind, id): (&str, &str)) -> Outcome<Request> {
    Ok(Request::new(
        uid("User", user)?,
        uid("Action", action)?,
        uid(kind, id)?,
        Context::empty(),
        None,
    )?)
}

/// An entity as Cedar reads it from JSON.
pub fn entity<'a>(
    (kind, id): (&str, &str),
    attributes: Value,
    within: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Value {
    let parents: Vec<Value> = within.into_iter().map(named).collect();
    json!({"uid": named((kind, id)), "attrs": attributes, "parents": parents})
}

/// An attribute's value that is another entity.
pub fn reference(kind: &str, id: &str) -> Value {
    json!({"__entity": named((kind, id))})
}

fn named((kind, id): (&str, &str)) -> Value {
    json!({"type": kind, "id": id})
}

impl<const SLICED: bool> Cedar<SLICED> {
    /// From the text of all policies, and the JSON of a list of entities.
    pub fn load(policies: &str, entities: &str) -> Outcome<Self> {
        let whole = PolicySet::from_str(policies)?;
        let entities = Entities::from_json_str(entities, None)?;
        let slices = if SLICED {
            slices(&whole, &entities)?
        } else {
            HashMap::new()
        };
        Ok(Cedar {
            authorizer: Authorizer::new(),
            whole,
            slices,
            entities,
            requests: Batches {
                hot: Vec::new(),
                cold: Vec::new(),
            },
        })
    }

    /// How many policies there are, and in how many sets.
    pub fn note(&self) -> String {
        let count = self.whole.num_of_policies();
        if SLICED {
            format!("{count} policies, in {} sets by action", self.slices.len())
        } else {
            format!("{count} policies in one set")
        }
    }

    /// With the entities that only these requests are about.
    pub fn prepare(&mut self, requests: Batches<Vec<Request>>, about: Vec<Value>) -> Outcome<()> {
        let known = std::mem::replace(&mut self.entities, Entities::empty());
        self.entities = known.add_entities_from_json_value(Value::Array(about), None)?;
        self.requests = requests;
        Ok(())
    }

    pub fn decide(&self, batch: &str) -> Outcome<Vec<u8>> {
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

    pub fn pass(&self, batch: &str) -> Outcome<usize> {
        let requests = self.requests.of(batch)?;
        let mut allowed = 0;
        for request in requests {
            allowed += usize::from(self.ask(request).decision() == Decision::Allow);
        }
        black_box(allowed);
        Ok(requests.len())
    }

    /// An action that is in no scope has no slice, and then the whole set is as good.
    fn ask(&self, request: &Request) -> Response {
        let sliced = request.action().and_then(|action| self.slices.get(action));
        self.authorizer
            .is_authorized(request, sliced.unwrap_or(&self.whole), &self.entities)
    }
}

/// For every action that is no group, known as an entity or named in a scope: the policies whose scopes name it, or a
/// group it is in, or no action at all. All others cannot match.
fn slices(whole: &PolicySet, entities: &Entities) -> Outcome<HashMap<EntityUid, PolicySet>> {
    let mut always: Vec<&Policy> = Vec::new();
    let mut naming: HashMap<EntityUid, Vec<&Policy>> = HashMap::new();
    for policy in whole.policies() {
        match policy.action_constraint() {
            ActionConstraint::Any => always.push(policy),
            ActionConstraint::Eq(named) => naming.entry(named).or_default().push(policy),
            ActionConstraint::In(several) => {
                for named in several {
                    naming.entry(named).or_default().push(policy);
                }
            }
        }
    }
    let groups: HashSet<&EntityUid> = entities
        .iter()
        .filter_map(|one| entities.ancestors(&one.uid()))
        .flatten()
        .collect();
    let known = entities.iter().map(|entity| entity.uid());
    let actions = known
        .chain(naming.keys().cloned())
        .filter(|uid| uid.type_name().basename() == "Action" && !groups.contains(uid));
    let mut found = HashMap::new();
    for action in actions {
        if found.contains_key(&action) {
            continue;
        }
        let above = entities.ancestors(&action).into_iter().flatten();
        let named = above.chain([&action]).filter_map(|uid| naming.get(uid));
        let fitting = always.iter().chain(named.flatten());
        let mut slice = PolicySet::new();
        for policy in fitting {
            if slice.policy(policy.id()).is_none() {
                slice.add((*policy).clone())?;
            }
        }
        found.insert(action, slice);
    }
    Ok(found)
}
