//! The candidate for Cedar on two small applications, `github` and `tinytodo`: policies as one writes them by hand
//! (`src/applications`), the application's objects as entities in Cedar's hierarchy.
//!
//! `applications` asks the authorizer with the whole policy set; `applications --sliced` with the policies that name the
//! request's action in their scopes, or name none. The caller keeps those by action and looks them up.

use std::collections::{BTreeMap, BTreeSet};

use peers::cedar::{Cedar, entity, hello, reference, request};
use peers::{Batches, Outcome, serve};
use serde::Deserialize;
use serde_json::{Map, Value, json};

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

struct Engine<const SLICED: bool>(Cedar<SLICED>);

fn main() {
    if std::env::args().any(|argument| argument == "--sliced") {
        serve::<Engine<true>>();
    } else {
        serve::<Engine<false>>();
    }
}

/// An entity's type and id.
type Name = (&'static str, String);

/// What lies directly in what, gathered before the entities are made.
#[derive(Default)]
struct Hierarchy(BTreeMap<Name, BTreeSet<Name>>);

impl Hierarchy {
    fn new(users: &[String], teams: &BTreeMap<String, Team>) -> Self {
        let mut made = Self::default();
        for user in users {
            made.0.entry(("User", user.clone())).or_default();
        }
        for (name, team) in teams {
            made.0.entry(("Team", name.clone())).or_default();
            for member in &team.members {
                made.put(("User", member.clone()), ("Team", name.clone()));
            }
            for outer in &team.within {
                made.put(("Team", name.clone()), ("Team", outer.clone()));
            }
        }
        made
    }

    fn put(&mut self, inner: Name, outer: Name) {
        self.0.entry(inner).or_default().insert(outer);
    }

    /// The group of a place's role, with those in it who hold that role there.
    fn holders(&mut self, place: &str, role: &str, held: &Held) -> Name {
        let group = ("Holders", format!("{place}/{role}"));
        self.0.entry(group.clone()).or_default();
        for user in &held.users {
            self.put(("User", user.clone()), group.clone());
        }
        for team in &held.teams {
            self.put(("Team", team.clone()), group.clone());
        }
        group
    }

    fn entities(&self) -> Vec<Value> {
        let made = |((kind, id), outer): (&Name, &BTreeSet<Name>)| {
            let within = outer.iter().map(|(kind, id)| (*kind, id.as_str()));
            entity((kind, id), json!({}), within)
        };
        self.0.iter().map(made).collect()
    }
}

impl Github {
    fn entities(&self) -> Vec<Value> {
        let mut hierarchy = Hierarchy::new(&self.users, &self.teams);
        let mut resources = Vec::new();
        for (name, organisation) in &self.organisations {
            for (role, _) in ROLES {
                hierarchy.holders(name, role, &organisation.roles[role]);
            }
        }
        for (name, repository) in &self.repositories {
            let mut attributes = Map::new();
            let mut lower = None;
            for (role, attribute) in ROLES {
                let group = hierarchy.holders(name, role, &repository.roles[role]);
                let above = format!("{}/{role}", repository.organisation);
                hierarchy.put(("Holders", above), group.clone());
                if let Some(included) = lower.replace(group.clone()) {
                    hierarchy.put(group.clone(), included);
                }
                attributes.insert(attribute.to_string(), reference(group.0, &group.1));
            }
            resources.push(entity(("Repository", name), attributes.into(), []));
        }
        for (name, issue) in &self.issues {
            let attributes = json!({
                "repository": reference("Repository", &issue.repository),
                "reporter": reference("User", &issue.reporter),
            });
            resources.push(entity(("Issue", name), attributes, []));
        }
        resources.extend(hierarchy.entities());
        resources
    }
}

impl Tinytodo {
    fn entities(&self) -> Vec<Value> {
        let mut all = Hierarchy::new(&self.users, &self.teams).entities();
        let teams = |names: &[String]| -> Vec<Value> {
            names.iter().map(|name| reference("Team", name)).collect()
        };
        for (name, list) in &self.lists {
            let attributes = json!({
                "owner": reference("User", &list.owner),
                "readers": teams(&list.readers),
                "editors": teams(&list.editors),
            });
            all.push(entity(("List", name), attributes, []));
        }
        all
    }
}

impl<const SLICED: bool> peers::Engine for Engine<SLICED> {
    type Policy = World;
    type Request = Asked;

    fn hello() -> [String; 3] {
        hello::<SLICED>("all of the application")
    }

    fn encode(world: World) -> Outcome<[String; 2]> {
        let (policies, entities) = match &world {
            World::Github(about) => (
                include_str!("../applications/github.cedar"),
                about.entities(),
            ),
            World::Tinytodo(about) => (
                include_str!("../applications/tinytodo.cedar"),
                about.entities(),
            ),
        };
        Ok([policies.into(), serde_json::to_string(&entities)?])
    }

    fn load([policies, entities]: [String; 2]) -> Outcome<(Self, String)> {
        let cedar = Cedar::load(&policies, &entities)?;
        let note = cedar.note();
        Ok((Engine(cedar), note))
    }

    fn prepare(&mut self, asked: Batches<Vec<Asked>>) -> Outcome<()> {
        let prepared = asked.prepared(|one| {
            let kind = match one.kind.as_str() {
                "repository" => "Repository",
                "issue" => "Issue",
                "list" => "List",
                other => return Err(format!("unknown type `{other}`").into()),
            };
            request(&one.user, &one.action, (kind, &one.id))
        })?;
        self.0.prepare(prepared, Vec::new())
    }

    fn decide(&mut self, batch: &str) -> Outcome<Vec<u8>> {
        self.0.decide(batch)
    }

    fn pass(&mut self, batch: &str) -> Outcome<usize> {
        self.0.pass(batch)
    }
}
