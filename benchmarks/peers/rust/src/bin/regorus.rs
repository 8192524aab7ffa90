//! The candidate for regorus, Microsoft's Rego engine in Rust, on its virtual machine, with data in the shape that the
//! candidate for OPA has.

use std::collections::BTreeMap;

use peers::{ALLOWED, Batches, Outcome, Policy, Request, serve};
use regorus::languages::rego::compiler::Compiler;
use regorus::rvm::vm::RegoVM;
use regorus::{Engine as Regorus, Value};
use serde_json::json;

const POLICY: &str = include_str!("../policy.rego");
const DECISION: &str = "data.peers.decision";

struct Engine {
    machine: RegoVM,
    inputs: Batches<Vec<Value>>,
}

fn main() {
    serve::<Engine>();
}

/// What the policy expects below `data`. Every role has a cell's entry for the rules it inherits, too.
fn data(policy: &Policy) -> serde_json::Value {
    type Row<'a> = BTreeMap<&'a str, &'a str>;
    let heirs = policy.heirs();
    let mut cells: BTreeMap<&str, BTreeMap<&str, BTreeMap<&str, Row>>> = BTreeMap::new();
    for (name, kind) in &policy.types {
        let actions = cells.entry(name).or_default();
        for action in &kind.actions {
            actions.insert(action, ["deny", "allow"].map(|e| (e, Row::new())).into());
        }
    }
    for rule in &policy.rules {
        let actions = cells.entry(&rule.kind).or_default();
        for action in &rule.actions {
            let row = actions.entry(action).or_default();
            let row = row.entry(&rule.effect).or_default();
            for role in &heirs[rule.role.as_str()] {
                if rule.owner {
                    row.entry(role).or_insert("own");
                } else {
                    row.insert(role, "always");
                }
            }
        }
    }
    json!({"cells": cells, "users": policy.users})
}

impl peers::Engine for Engine {
    type Policy = Policy;
    type Request = Request;

    fn hello() -> [String; 3] {
        [
            "regorus".into(),
            env!("REGORUS").into(),
            "set_input with a clone of a value prepared beforehand (a reference count), and execute on the virtual \
             machine; a value with the decision and its reason"
                .into(),
        ]
    }

    fn encode(policy: Policy) -> Outcome<[String; 2]> {
        Ok([POLICY.into(), data(&policy).to_string()])
    }

    fn load([policy, data]: [String; 2]) -> Outcome<(Self, String)> {
        let mut source = Regorus::new();
        source.add_policy("policy.rego".into(), policy)?;
        let compiled = source.compile_with_entrypoint(&DECISION.into())?;
        let program = Compiler::compile_from_policy(&compiled, &[DECISION])
            .map_err(|error| error.to_string())?;
        let mut machine = RegoVM::new();
        machine.load_program(program);
        machine.set_data(Value::from_json_str(&data)?)?;
        let note =
            "roles closed over inheritance in the data; one policy of a few rules at every size";
        let inputs = Batches {
            hot: Vec::new(),
            cold: Vec::new(),
        };
        Ok((Engine { machine, inputs }, note.into()))
    }

    fn prepare(&mut self, requests: Batches<Vec<Request>>) -> Outcome<()> {
        self.inputs = requests.prepared(|r| {
            let request = json!({"user": r.user, "action": r.action, "type": r.kind, "id": r.id, "owner": r.owner});
            Ok(serde_json::from_value(request)?)
        })?;
        Ok(())
    }

    fn decide(&mut self, batch: &str) -> Outcome<Vec<u8>> {
        let Engine { machine, inputs } = self;
        inputs
            .of(batch)?
            .iter()
            .map(|input| ask(machine, input))
            .collect()
    }

    fn pass(&mut self, batch: &str) -> Outcome<usize> {
        let Engine { machine, inputs } = self;
        let inputs = inputs.of(batch)?;
        let mut allowed = 0;
        for input in inputs {
            allowed += usize::from(ask(machine, input)? == ALLOWED);
        }
        std::hint::black_box(allowed);
        Ok(inputs.len())
    }
}

fn ask(machine: &mut RegoVM, input: &Value) -> Outcome<u8> {
    machine.set_input(input.clone());
    Ok(machine.execute()?.as_string()?.as_bytes()[0])
}
