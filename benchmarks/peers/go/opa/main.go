// The candidate for Open Policy Agent in process, as a Go library. With -write it writes the same policy, data and the
// first hot request for the command `opa eval` instead.
package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"

	"peers/contract"
)

//go:embed policy.rego
var policyText string

const query = "data.peers.decision"

type engine struct {
	prepared rego.PreparedEvalQuery
	store    storage.Store
	inputs   map[string][]ast.Value
}

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
	contract.Serve(&engine{inputs: map[string][]ast.Value{}})
}

func (e *engine) Hello() (string, string, string) {
	return "OPA (Go library)", contract.Version("github.com/open-policy-agent/opa"),
		"Eval of a prepared query on an input parsed beforehand, in one read transaction of the store in memory; the result set with the decision and its reason"
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

func (e *engine) Load(policy *contract.Policy) (string, error) {
	ctx := context.Background()
	// The store keeps values as the evaluator reads them, so nothing is converted while deciding.
	e.store = inmem.NewFromObjectWithOpts(data(policy), inmem.OptReturnASTValuesOnRead(true))
	var err error
	e.prepared, err = rego.New(
		rego.Query(query),
		rego.Module("policy.rego", policyText),
		rego.Store(e.store),
	).PrepareForEval(ctx)
	return "roles closed over inheritance in the data; one policy of a few rules at every size", err
}

func input(request contract.Request) map[string]string {
	return map[string]string{
		"user": request.User, "action": request.Action, "type": request.Type, "id": request.ID, "owner": request.Owner,
	}
}

func (e *engine) Prepare(batch string, requests []contract.Request) error {
	inputs := make([]ast.Value, len(requests))
	for at, request := range requests {
		value, err := ast.InterfaceToValue(input(request))
		if err != nil {
			return err
		}
		inputs[at] = value
	}
	e.inputs[batch] = inputs
	return nil
}

// each asks the whole batch in one read transaction, as an embedding program does that answers many questions at once.
func (e *engine) each(batch string, take func(at int, letter byte)) error {
	ctx := context.Background()
	transaction, err := e.store.NewTransaction(ctx)
	if err != nil {
		return err
	}
	defer e.store.Abort(ctx, transaction)
	within := rego.EvalTransaction(transaction)
	for at, value := range e.inputs[batch] {
		results, err := e.prepared.Eval(ctx, rego.EvalParsedInput(value), within)
		if err != nil {
			return err
		}
		if len(results) != 1 {
			return fmt.Errorf("request %d of `%s` has no result", at, batch)
		}
		take(at, results[0].Expressions[0].Value.(string)[0])
	}
	return nil
}

func (e *engine) Decide(batch string) ([]byte, error) {
	letters := make([]byte, len(e.inputs[batch]))
	return letters, e.each(batch, func(at int, letter byte) { letters[at] = letter })
}

func (e *engine) Pass(batch string) (int, error) {
	allowed := 0
	err := e.each(batch, func(_ int, letter byte) {
		if letter == contract.Allowed {
			allowed++
		}
	})
	return len(e.inputs[batch]), err
}

func (e *engine) Close() {}

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
