// The candidate for Cerbos, which is a server: this program writes the policies into a folder, starts the server of the
// npm package on free ports, and asks it over HTTP, over gRPC, or over gRPC with as much in one call as its limits take.
// With -write it only writes the policies, for timing `cerbos compile`.
package main

import (
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"peers/contract"
)

// effects holds, for each resource of a call, what the server says on each action.
type effects []map[string]string

const (
	allow = "EFFECT_ALLOW"
	// perCall is the server's own default limit of resources in a call; perResource keeps to the eight of the README.
	perCall, perResource = 50, 8
	// callsPerPass bounds one pass over the big batches: so many calls hold 20,000 decisions and more.
	callsPerPass = 400
)

// connection is a way to ask the server.
type connection interface {
	// encode gives the body of a call for one user, to be sent any number of times.
	encode(user string, roles []string, resources []resource) ([]byte, error)
	check(body []byte) (effects, error)
	close()
}

type resource struct {
	kind, id, owner string
	actions         []string
}

type call struct {
	body      []byte
	decisions int
}

// spot is where the answer to a request is found.
type spot struct {
	call, resource int
	action         string
}

type engine struct {
	program, over string
	batched       bool
	policy        *contract.Policy
	server        *server
	started       float64 // seconds
	connection    connection
	calls         map[string][]call
	spots         map[string][]spot
}

func main() {
	program := flag.String("server", "cerbos-linux-x64", "the program of the npm package")
	over := flag.String("over", "http", "`http`, `grpc` or `batch` (gRPC, up to 50 resources in one call)")
	workload := flag.String("workload", "", "with -write: the folder of the workload")
	write := flag.String("write", "", "write the policies into this folder, and end")
	flag.Parse()
	if *write != "" {
		policy, err := contract.ReadPolicy(*workload)
		if err == nil {
			err = writePolicies(policy, *write)
		}
		if err != nil {
			log.Fatal(err)
		}
		return
	}
	// The server is to end with this program, whatever ends it; Linux ties that to the thread that started it.
	runtime.LockOSThread()
	contract.Serve[contract.Policy](&engine{program: *program, over: *over, batched: *over == "batch"})
}

func (e *engine) Hello() (string, string, string) {
	version, err := exec.Command(e.program, "--version").Output()
	if err != nil {
		version = []byte("unknown: " + err.Error())
	}
	name := map[string]string{"http": "Cerbos (HTTP)", "grpc": "Cerbos (gRPC)", "batch": "Cerbos (gRPC, batches)"}[e.over]
	includes := "one call with a body encoded beforehand, over one kept connection to the server on the same machine, and the decoding of its answer"
	if e.batched {
		includes += fmt.Sprintf("; a call asks about %d resources and up to %d actions of each for one user, a pass makes at most %d calls, and the time is that of one decision", perCall, perResource, callsPerPass)
	}
	return name, strings.SplitN(string(version), "\n", 2)[0], includes
}

func (e *engine) Encode(policy *contract.Policy) (err error) {
	e.Close()
	e.calls, e.spots, e.policy = map[string][]call{}, map[string][]spot{}, policy
	e.server, e.started, err = newServer(e.program, policy)
	return err
}

// Started is how long the server takes to be ready with no policies.
func (e *engine) Started() float64 { return e.started }

func (e *engine) Load() (string, error) {
	err := e.server.start(e.program)
	if err != nil {
		return "", err
	}
	switch e.over {
	case "http":
		e.connection = dialHTTP(e.server.http)
	case "grpc", "batch":
		e.connection, err = dialGRPC(e.server.grpc)
	default:
		err = fmt.Errorf("unknown way to ask: `%s`", e.over)
	}
	return fmt.Sprintf("one resource policy a type, %d in all; less the %.2f s in which the server is ready without any", len(e.policy.Types), e.started), err
}

func (e *engine) Prepare(batch string, requests []contract.Request) error {
	e.calls[batch] = nil
	e.spots[batch] = make([]spot, len(requests))
	if !e.batched {
		for at, asked := range requests {
			one := resource{asked.Type, asked.ID, asked.Owner, []string{asked.Action}}
			e.spots[batch][at] = spot{len(e.calls[batch]), 0, asked.Action}
			if err := e.add(batch, asked.User, []resource{one}); err != nil {
				return err
			}
		}
		return nil
	}
	var users []string // in order of appearance
	of := map[string][]int{}
	for at, asked := range requests {
		if of[asked.User] == nil {
			users = append(users, asked.User)
		}
		of[asked.User] = append(of[asked.User], at)
	}
	for _, user := range users {
		for own := of[user]; len(own) > 0; own = own[min(perCall, len(own)):] {
			var resources []resource
			for _, at := range own[:min(perCall, len(own))] {
				e.spots[batch][at] = spot{len(e.calls[batch]), len(resources), requests[at].Action}
				resources = append(resources, e.resource(requests[at]))
			}
			// Filled up with what others ask about.
			for at := own[0] + 1; len(resources) < perCall; at++ {
				resources = append(resources, e.resource(requests[at%len(requests)]))
			}
			if err := e.add(batch, user, resources); err != nil {
				return err
			}
		}
	}
	return nil
}

// resource is that of a request, with all actions of its type as far as they fit, the request's among them.
func (e *engine) resource(asked contract.Request) resource {
	actions := []string{asked.Action}
	for _, action := range e.policy.Types[asked.Type].Actions {
		if action != asked.Action && len(actions) < perResource {
			actions = append(actions, action)
		}
	}
	return resource{asked.Type, asked.ID, asked.Owner, actions}
}

func (e *engine) add(batch, user string, resources []resource) error {
	body, err := e.connection.encode(user, e.policy.Users[user], resources)
	decisions := 0
	for _, one := range resources {
		decisions += len(one.actions)
	}
	e.calls[batch] = append(e.calls[batch], call{body, decisions})
	return err
}

func (e *engine) Decide(batch string) ([]byte, error) {
	answers := make([]effects, len(e.calls[batch]))
	for at, asked := range e.calls[batch] {
		var err error
		if answers[at], err = e.connection.check(asked.body); err != nil {
			return nil, err
		}
	}
	letters := make([]byte, len(e.spots[batch]))
	for at, spot := range e.spots[batch] {
		answer := answers[spot.call]
		if spot.resource >= len(answer) || answer[spot.resource][spot.action] == "" {
			return nil, fmt.Errorf("request %d of `%s` has no answer", at, batch)
		}
		letters[at] = contract.Untold
		if answer[spot.resource][spot.action] == allow {
			letters[at] = contract.Allowed
		}
	}
	return letters, nil
}

func (e *engine) Pass(batch string) (int, error) {
	calls := e.calls[batch]
	if e.batched {
		calls = calls[:min(callsPerPass, len(calls))]
	}
	decisions := 0
	for _, asked := range calls {
		answer, err := e.connection.check(asked.body)
		if err != nil {
			return 0, err
		}
		if len(answer) == 0 {
			return 0, errors.New("an answer without results")
		}
		decisions += asked.decisions
	}
	return decisions, nil
}

func (e *engine) Close() {
	if e.connection != nil {
		e.connection.close()
		e.connection = nil
	}
	if e.server != nil {
		if err := errors.Join(e.server.stop(), e.server.remove()); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		e.server = nil
	}
}
