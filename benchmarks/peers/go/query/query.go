// Package query is OPA as a Go library, as the candidates use it: a query prepared once over a store in memory, and
// batches of inputs parsed beforehand.
package query

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"

	"peers/contract"
)

// Query is asked in one module with its data. Letter reads what a request's value says, one of the letters of the
// contract.
type Query struct {
	Letter func(value any) byte

	query, name, module string
	data                []byte
	prepared            rego.PreparedEvalQuery
	store               storage.Store
	inputs              map[string][]ast.Value
}

// Hello is that of a contract.Engine.
func (q *Query) Hello() (string, string, string) {
	return "OPA (Go library)", contract.Version("github.com/open-policy-agent/opa"),
		"Eval of a prepared query on an input parsed beforehand, in one read transaction of the store in memory; the result set"
}

// Text keeps the query, the module with the name of its file, and what the module expects below `data`, as JSON.
func (q *Query) Text(query, name, module string, data any) (err error) {
	q.query, q.name, q.module = query, name, module
	q.data, err = json.Marshal(data)
	return err
}

// Load reads the texts, and prepares the query.
func (q *Query) Load() (string, error) {
	var data map[string]any
	if err := json.Unmarshal(q.data, &data); err != nil {
		return "", err
	}
	// The store keeps values as the evaluator reads them, so nothing is converted while deciding.
	q.store = inmem.NewFromObjectWithOpts(data, inmem.OptReturnASTValuesOnRead(true))
	var err error
	q.prepared, err = rego.New(
		rego.Query(q.query), rego.Module(q.name, q.module), rego.Store(q.store),
	).PrepareForEval(context.Background())
	q.inputs = map[string][]ast.Value{}
	return "roles closed over inheritance in the data; one policy of a few rules at every size", err
}

// Parse keeps the inputs of a batch.
func (q *Query) Parse(batch string, requests []contract.Request, input func(contract.Request) map[string]string) error {
	inputs := make([]ast.Value, len(requests))
	for at, request := range requests {
		value, err := ast.InterfaceToValue(input(request))
		if err != nil {
			return err
		}
		inputs[at] = value
	}
	q.inputs[batch] = inputs
	return nil
}

// each asks the whole batch in one read transaction, as an embedding program does that answers many questions at once.
func (q *Query) each(batch string, take func(at int, letter byte)) error {
	ctx := context.Background()
	transaction, err := q.store.NewTransaction(ctx)
	if err != nil {
		return err
	}
	defer q.store.Abort(ctx, transaction)
	within := rego.EvalTransaction(transaction)
	for at, value := range q.inputs[batch] {
		results, err := q.prepared.Eval(ctx, rego.EvalParsedInput(value), within)
		if err != nil {
			return err
		}
		if len(results) != 1 {
			return fmt.Errorf("request %d of `%s` has no result", at, batch)
		}
		take(at, q.Letter(results[0].Expressions[0].Value))
	}
	return nil
}

// Decide is that of a contract.Engine.
func (q *Query) Decide(batch string) ([]byte, error) {
	letters := make([]byte, len(q.inputs[batch]))
	return letters, q.each(batch, func(at int, letter byte) { letters[at] = letter })
}

// Pass is that of a contract.Engine.
func (q *Query) Pass(batch string) (int, error) {
	allowed := 0
	err := q.each(batch, func(_ int, letter byte) {
		if letter == contract.Allowed {
			allowed++
		}
	})
	return len(q.inputs[batch]), err
}

// Close is that of a contract.Engine.
func (q *Query) Close() {}
