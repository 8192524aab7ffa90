//! Hands the programs the versions of their engines, read from the manifest: REGORUS and CEDAR.

use std::fs::read_to_string;

fn main() {
    println!("cargo::rerun-if-changed=Cargo.toml");
    let manifest = read_to_string("Cargo.toml").expect("the manifest lies here");
    for (name, variable) in [("regorus", "REGORUS"), ("cedar-policy", "CEDAR")] {
        let version = manifest
            .split_once(&format!("{name} = {{ version = \"="))
            .and_then(|(_, rest)| rest.split_once('"'))
            .expect("the manifest has the engine")
            .0;
        println!("cargo::rustc-env={variable}={version}");
    }
}
