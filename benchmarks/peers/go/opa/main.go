// The candidate for Open Policy Agent in process, as a Go library. With -write it writes the same policy, data and the
// first hot request for the command `opa eval` instead.
package main

import (
	_ "embed"
	"encoding/json"
	"flag"
	"log"
	"os"
	"path/filepath"

	"peers/contract"
	"peers/query"
)

//go:embed policy.rego
var policyText string

const decision = "data.peers.decision"

type engine struct{ *query.Query }

func main() {
	workload := flag.String("workload", "", "with -write: the folder of the workload")
	write := flag.String("write", "", "write policy.rego, data.json and input.json into this folder, and end")
	flag.Parse()
	if *write != "" {
		if err := writeFiles(*workload, *write); err != nil {
			log.Fatal(err)
		}
		return
	}
	contract.Serve[contract.Policy](engine{&query.Query{Letter: func(value any) byte { return value.(string)[0] }}})
}

// data is what the policy expects below `data`. Every role has a cell's entry for the rules it inherits, too.
func data(policy *contract.Policy) map[string]any {
	heirs := policy.Heirs()
	cells := map[string]any{}
	for name, kind := range policy.Types {
		actions := map[string]any{}
		for _, action := range kind.Actions {
			actions[action] = map[string]any{"deny": map[string]any{}, "allow": map[string]any{}}
		}
		cells[name] = actions
	}
	for _, rule := range policy.Rules {
		for _, action := range rule.Actions {
			row := cells[rule.Type].(map[string]any)[action].(map[string]any)[rule.Effect].(map[string]any)
			for _, role := range heirs[rule.Role] {
				if !rule.Owner {
					row[role] = "always"
				} else if row[role] == nil {
					row[role] = "own"
				}
			}
		}
	}
	users := make(map[string]any, len(policy.Users))
	for user, roles := range policy.Users {
		listed := make([]any, len(roles))
		for at, role := range roles {
			listed[at] = role
		}
		users[user] = listed
	}
	return map[string]any{"cells": cells, "users": users}
}

func (e engine) Encode(policy *contract.Policy) error {
	return e.Text(decision, "policy.rego", policyText, data(policy))
}

func input(request contract.Request) map[string]string {
	return map[string]string{
		"user": request.User, "action": request.Action, "type": request.Type, "id": request.ID, "owner": request.Owner,
	}
}

func (e engine) Prepare(batch string, requests []contract.Request) error {
	return e.Parse(batch, requests, input)
}

func writeFiles(workload, folder string) error {
	policy, err := contract.ReadPolicy(workload)
	if err != nil {
		return err
	}
	hot, err := contract.ReadRequests(workload, "hot")
	if err != nil {
		return err
	}
	dataText, err := json.Marshal(data(policy))
	if err != nil {
		return err
	}
	inputText, err := json.Marshal(input(hot[0]))
	if err != nil {
		return err
	}
	for name, text := range map[string][]byte{"policy.rego": []byte(policyText), "data.json": dataText, "input.json": inputText} {
		if err := os.WriteFile(filepath.Join(folder, name), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}
