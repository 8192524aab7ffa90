//! The candidate for Cedar on two small applications, `github` and `tinytodo`: policies as one writes them by hand
//! (`src/applications`), the application's objects as entities in Cedar's hierarchy.
//!
//! `applications` asks the authorizer with the whole policy set; `applications --sliced` with the policies that name the
//! request's action in their scopes, or name none. The caller keeps those by action and looks them up.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hint::black_box;
use std::str::FromStr;
use std::time::Instant;

use cedar_policy::{
    ActionConstraint, Authorizer, Context, Decision, Entities, Entity, EntityId, EntityTypeName,
    EntityUid, PolicySet, Request, Response, RestrictedExpression,
};
use peers::{ALLOWED, Batches, NONE, Outcome, serve};
use serde::Deserialize;

/// Each includes the one before it. Beside the role stands the repository's attribute with the group of its holders.
const ROLES: [(&str, &str); 5] = [
    ("read", "readers"),
    ("triage", "triagers"),
    ("write", "writers"),
    ("maintain", "maintainers"),
    ("admin", "admins"),
];

#[derive(Deserialize)]
#[serde(tag = "application", rename_all = "lowercase")]
enum World {
    Github(Github),
    Tinytodo(Tinytodo),
}

#[derive(Deserialize)]
struct Github {
    users: Vec<String>,
    teams: BTreeMap<String, Team>,
    organisations: BTreeMap<String, Organisation>,
    repositories: BTreeMap<String, Repository>,
    issues: BTreeMap<String, Issue>,
}

#[derive(Deserialize)]
struct Tinytodo {
    users: Vec<String>,
    teams: BTreeMap<String, Team>,
    lists: BTreeMap<String, List>,
}

#[derive(Deserialize)]
struct Team {
    members: Vec<String>,
    /// The teams it lies in.
    within: Vec<String>,
}

/// By role.
type Holders = BTreeMap<String, Held>;

#[derive(Deserialize)]
struct Held {
    users: Vec<String>,
    teams: Vec<String>,
}

#[derive(Deserialize)]
struct Organisation {
    roles: Holders,
}

#[derive(Deserialize)]
struct Repository {
    organisation: String,
    roles: Holders,
}

#[derive(Deserialize)]
struct Issue {
    repository: String,
    reporter: String,
}

#[derive(Deserialize)]
struct List {
    owner: String,
    readers: Vec<String>,
    editors: Vec<String>,
}

#[derive(Deserialize)]
struct Asked {
    user: String,
    action: String,
    #[serde(rename = "type")]
    kind: String,
    id: String,
}

struct Engine<const SLICED: bool> {
    authorizer: Authorizer,
    whole: PolicySet,
    slices: HashMap<EntityUid, PolicySet>,
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

fn reference(kind: &str, id: &str) -> Outcome<RestrictedExpression> {
    Ok(RestrictedExpression::new_entity_uid(uid(kind, id)?))
}

fn references(kind: &str, ids: &[String]) -> Outcome<RestrictedExpression> {
    let each: Outcome<Vec<_>> = ids.iter().map(|id| reference(kind, id)).collect();
    Ok(RestrictedExpression::new_set(each?))
}

/// What lies directly in what, gathered before the entities are made.
#[derive(Default)]
struct Hierarchy(HashMap<EntityUid, HashSet<EntityUid>>);

impl Hierarchy {
    fn new(users: &[String], teams: &BTreeMap<String, Team>) -> Outcome<Self> {
        let mut made = Self::default();
        for user in users {
            made.0.entry(uid("User", user)?).or_default();
        }
        for (name, team) in teams {
            made.0.entry(uid("Team", name)?).or_default();
            for member in &team.members {
                made.put(uid("User", member)?, uid("Team", name)?);
            }
            for outer in &team.within {
                made.put(uid("Team", name)?, uid("Team", outer)?);
            }
        }
        Ok(made)
    }

    fn put(&mut self, inner: EntityUid, outer: EntityUid) {
        self.0.entry(inner).or_default().insert(outer);
    }

    /// The group of a place's role, with those in it who hold that role there.
    fn holders(&mut self, place: &str, role: &str, held: &Held) -> Outcome<EntityUid> {
        let group = uid("Holders", &format!("{place}/{role}"))?;
        self.0.entry(group.clone()).or_default();
        for user in &held.users {
            self.put(uid("User", user)?, group.clone());
        }
        for team in &held.teams {
            self.put(uid("Team", team)?, group.clone());
        }
        Ok(group)
    }

    fn entities(self) -> Vec<Entity> {
        let each = self.0.into_iter();
        each.map(|(inner, outer)| Entity::new_no_attrs(inner, outer))
            .collect()
    }
}

impl Github {
    fn entities(&self) -> Outcome<Vec<Entity>> {
        let mut hierarchy = Hierarchy::new(&self.users, &self.teams)?;
        let mut resources = Vec::new();
        for (name, organisation) in &self.organisations {
            for (role, _) in ROLES {
                hierarchy.holders(name, role, &organisation.roles[role])?;
            }
        }
        for (name, repository) in &self.repositories {
            let mut attributes = HashMap::new();
            let mut lower = None;
            for (role, attribute) in ROLES {
                let group = hierarchy.holders(name, role, &repository.roles[role])?;
                let above = format!("{}/{role}", repository.organisation);
                hierarchy.put(uid("Holders", &above)?, group.clone());
                if let Some(included) = lower.replace(group.clone()) {
                    hierarchy.put(group.clone(), included);
                }
                let value = RestrictedExpression::new_entity_uid(group);
                attributes.insert(attribute.to_string(), value);
            }
            let repository = uid("Repository", name)?;
            resources.push(Entity::new(repository, attributes, HashSet::new())?);
        }
        for (name, issue) in &self.issues {
            let attributes = HashMap::from([
                (
                    "repository".to_string(),
                    reference("Repository", &issue.repository)?,
                ),
                ("reporter".to_string(), reference("User", &issue.reporter)?),
            ]);
            resources.push(Entity::new(
                uid("Issue", name)?,
                attributes,
                HashSet::new(),
            )?);
        }
        resources.extend(hierarchy.entities());
        Ok(resources)
    }
}

impl Tinytodo {
    fn entities(&self) -> Outcome<Vec<Entity>> {
        let mut all = Hierarchy::new(&self.users, &self.teams)?.entities();
        for (name, list) in &self.lists {
            let attributes = HashMap::from([
                ("owner".to_string(), reference("User", &list.owner)?),
                ("readers".to_string(), references("Team", &list.readers)?),
                ("editors".to_string(), references("Team", &list.editors)?),
            ]);
            all.push(Entity::new(uid("List", name)?, attributes, HashSet::new())?);
        }
        Ok(all)
    }
}

fn request(asked: &Asked) -> Outcome<Request> {
    let kind = match asked.kind.as_str() {
        "repository" => "Repository",
        "issue" => "Issue",
        "list" => "List",
        other => return Err(format!("unknown type `{other}`").into()),
    };
    Ok(Request::new(
        uid("User", &asked.user)?,
        uid("Action", &asked.action)?,
        uid(kind, &asked.id)?,
        Context::empty(),
        None,
    )?)
}

/// The policies that may say something about an action, for each action that is asked about.
fn slices<'a>(
    whole: &PolicySet,
    requests: impl Iterator<Item = &'a Request>,
) -> Outcome<HashMap<EntityUid, PolicySet>> {
    let mut found = HashMap::new();
    for action in requests.filter_map(Request::action) {
        if found.contains_key(action) {
            continue;
        }
        let fitting = whole
            .policies()
            .filter(|policy| match policy.action_constraint() {
                ActionConstraint::Any => true,
                ActionConstraint::Eq(named) => named == *action,
                ActionConstraint::In(named) => named.contains(action),
            });
        found.insert(action.clone(), PolicySet::from_policies(fitting.cloned())?);
    }
    Ok(found)
}

impl<const SLICED: bool> peers::Engine for Engine<SLICED> {
    type Policy = World;
    type Request = Asked;

    fn hello() -> [String; 3] {
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
                "{look_up}is_authorized on a request and entities built beforehand (all of the application in memory); \
                 a response with the decision and the ids of the deciding policies"
            ),
        ]
    }

    fn load(world: World, requests: Batches<Vec<Asked>>) -> Outcome<(Self, f64, String)> {
        let start = Instant::now();
        let (policies, entities) = match &world {
            World::Github(about) => (
                include_str!("../applications/github.cedar"),
                about.entities()?,
            ),
            World::Tinytodo(about) => (
                include_str!("../applications/tinytodo.cedar"),
                about.entities()?,
            ),
        };
        let whole = PolicySet::from_str(policies)?;
        let entities = Entities::from_entities(entities, None)?;
        let seconds = start.elapsed().as_secs_f64();
        let requests: Batches<Vec<Request>> = Batches {
            hot: requests.hot.iter().map(request).collect::<Outcome<_>>()?,
            cold: requests.cold.iter().map(request).collect::<Outcome<_>>()?,
        };
        let slices = if SLICED {
            slices(&whole, requests.hot.iter().chain(&requests.cold))?
        } else {
            HashMap::new()
        };
        let engine = Engine {
            authorizer: Authorizer::new(),
            whole,
            slices,
            entities,
            requests,
        };
        Ok((engine, seconds, String::new()))
    }

    fn decide(&mut self, batch: &str) -> Outcome<Vec<u8>> {
        let letter = |request| {
            let response = self.ask(request);
            if let Some(error) = response.diagnostics().errors().next() {
                return Err(error.to_string().into());
            }
            Ok(match response.decision() {
                Decision::Allow => ALLOWED,
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
        let sliced = request.action().and_then(|action| self.slices.get(action));
        self.authorizer
            .is_authorized(request, sliced.unwrap_or(&self.whole), &self.entities)
    }
}
