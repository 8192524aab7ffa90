//! The benchmark's protocol: one JSON object a line on standard input, one answer a line on standard output. A candidate
//! implements [`Engine`] and hands itself to [`serve`]; reading the workload, the clock and the answers are here, so
//! that every candidate is timed by the same few lines.

pub mod cedar;

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fs::File;
use std::io::{BufReader, Write, stdin, stdout};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::Instant;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

pub type Outcome<T> = Result<T, Box<dyn Error>>;

/// The neutral policy that every candidate encodes for itself.
#[derive(Deserialize)]
pub struct Policy {
    pub types: BTreeMap<String, Kind>,
    pub roles: BTreeMap<String, Role>,
    pub rules: Vec<Rule>,
    /// The roles directly assigned.
    pub users: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
pub struct Kind {
    pub actions: Vec<String>,
}

#[derive(Deserialize)]
pub struct Role {
    #[serde(default)]
    pub includes: Vec<String>,
}

/// Allows or denies actions on a type to a role and all that include it; `owner`: only on one's own resources.
#[derive(Deserialize)]
pub struct Rule {
    pub number: u64,
    /// `allow` or `deny`
    pub effect: String,
    pub role: String,
    pub actions: Vec<String>,
    #[serde(rename = "type")]
    pub kind: String,
    pub owner: bool,
}

/// One question: may the user do this to that resource?
#[derive(Deserialize)]
pub struct Request {
    pub user: String,
    pub action: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub id: String,
    pub owner: String,
}

/// What a decision rests on.
pub const ALLOWED: u8 = b'a';
/// Denied by a deny rule.
pub const DENIED: u8 = b'd';
/// Nothing matched.
pub const NONE: u8 = b'n';

/// The two batches of a workload.
pub struct Batches<T> {
    pub hot: T,
    pub cold: T,
}

impl<T> Batches<Vec<T>> {
    /// The same of every request.
    pub fn prepared<U>(&self, prepare: impl Fn(&T) -> Outcome<U>) -> Outcome<Batches<Vec<U>>> {
        Ok(Batches {
            hot: self.hot.iter().map(&prepare).collect::<Outcome<_>>()?,
            cold: self.cold.iter().map(&prepare).collect::<Outcome<_>>()?,
        })
    }
}

impl<T> Batches<T> {
    pub fn of(&self, name: &str) -> Outcome<&T> {
        match name {
            "hot" => Ok(&self.hot),
            "cold" => Ok(&self.cold),
            _ => Err(format!("unknown batch `{name}`").into()),
        }
    }
}

/// One candidate, built for one workload.
pub trait Engine: Sized {
    /// What `policy.json` holds: [`Policy`], or an application's own form.
    type Policy: DeserializeOwned;
    /// What a batch holds: [`Request`], or an application's own form.
    type Request: DeserializeOwned;

    /// The name, the version, and in words what one timed call includes.
    fn hello() -> [String; 3];
    /// The engine's own texts, as they would lie in its files: its policy, and in most engines data beside it.
    fn encode(policy: Self::Policy) -> Outcome<[String; 2]>;
    /// Builds the engine from its texts, and says in a note what is worth knowing. The clock runs.
    fn load(texts: [String; 2]) -> Outcome<(Self, String)>;
    /// Prepares the requests as far as the engine's API lets a caller.
    fn prepare(&mut self, requests: Batches<Vec<Self::Request>>) -> Outcome<()>;
    /// One of the letters above for every request, in order.
    fn decide(&mut self, batch: &str) -> Outcome<Vec<u8>>;
    /// Asks the whole batch once, one after the other, and counts the decisions. It is what is timed.
    fn pass(&mut self, batch: &str) -> Outcome<usize>;
}

#[derive(Deserialize)]
struct Command {
    #[serde(rename = "do")]
    verb: String,
    #[serde(default)]
    folder: String,
    #[serde(default)]
    batch: String,
    #[serde(default)]
    passes: usize,
}

/// Answers commands until `bye` or the end of the input. A failure is answered, and ends nothing.
pub fn serve<E: Engine>() {
    let mut engine: Option<E> = None;
    for line in stdin().lines() {
        let Ok(line) = line else { return };
        let answer = catch_unwind(AssertUnwindSafe(|| obey(&mut engine, &line)));
        let answer = match answer {
            Ok(Ok(None)) => return,
            Ok(Ok(Some(answer))) => answer,
            Ok(Err(error)) => json!({"error": error.to_string()}),
            Err(_) => json!({"error": "panic, see standard error"}),
        };
        let mut out = stdout().lock();
        if writeln!(out, "{answer}")
            .and_then(|()| out.flush())
            .is_err()
        {
            return; // nobody listens any more
        }
    }
}

fn obey<E: Engine>(engine: &mut Option<E>, line: &str) -> Outcome<Option<Value>> {
    let command: Command = serde_json::from_str(line)?;
    let loaded = || "nothing is loaded";
    let answer = match command.verb.as_str() {
        "hello" => {
            let [name, version, includes] = E::hello();
            json!({"name": name, "version": version, "includes": includes})
        }
        "load" => {
            let folder = Path::new(&command.folder);
            let requests = Batches {
                hot: read(&folder.join("hot.json"))?,
                cold: read(&folder.join("cold.json"))?,
            };
            let texts = E::encode(read(&folder.join("policy.json"))?)?;
            let start = Instant::now();
            let (mut built, note) = E::load(texts)?;
            let seconds = start.elapsed().as_secs_f64();
            built.prepare(requests)?;
            *engine = Some(built);
            json!({"seconds": seconds, "note": note})
        }
        "decide" => {
            let reasons = engine.as_mut().ok_or_else(loaded)?.decide(&command.batch)?;
            let digit = |reason: &u8| if *reason == ALLOWED { '1' } else { '0' };
            let decisions: String = reasons.iter().map(digit).collect();
            json!({"decisions": decisions, "reasons": String::from_utf8(reasons)?})
        }
        "round" => {
            let engine = engine.as_mut().ok_or_else(loaded)?;
            let mut count = 0;
            let start = Instant::now();
            for _ in 0..command.passes {
                count += engine.pass(&command.batch)?;
            }
            json!({"seconds": start.elapsed().as_secs_f64(), "count": count})
        }
        "bye" => return Ok(None),
        verb => return Err(format!("unknown command `{verb}`").into()),
    };
    Ok(Some(answer))
}

fn read<T: DeserializeOwned>(path: &Path) -> Outcome<T> {
    let file = File::open(path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(serde_json::from_reader(BufReader::new(file))?)
}

impl Policy {
    /// For every role, the roles that have its rules: itself and all that include it, directly or not.
    pub fn heirs(&self) -> BTreeMap<&str, Vec<&str>> {
        let mut heirs: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for role in self.roles.keys() {
            let mut found = BTreeSet::new();
            self.close(role, &mut found);
            for included in found {
                heirs.entry(included).or_default().push(role);
            }
        }
        heirs
    }

    fn close<'a>(&'a self, role: &'a str, found: &mut BTreeSet<&'a str>) {
        if found.insert(role) {
            for included in self.roles.get(role).iter().flat_map(|role| &role.includes) {
                self.close(included, found);
            }
        }
    }
}
