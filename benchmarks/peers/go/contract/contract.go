// Package contract speaks the benchmark's protocol: one JSON object a line on standard input, one answer a line on
// standard output. An engine implements Engine and hands itself to Serve; reading the workload, the clock and the
// answers are here, so that every engine is timed by the same few lines.
package contract

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"
)

// Policy is the neutral policy that every candidate encodes for itself.
type Policy struct {
	Types map[string]struct {
		Actions []string `json:"actions"`
	} `json:"types"`
	Roles map[string]struct {
		Includes []string `json:"includes"`
	} `json:"roles"`
	Rules []Rule              `json:"rules"`
	Users map[string][]string `json:"users"` // the roles directly assigned
}

// Rule allows or denies actions on a type to a role and all that include it; Owner: only on one's own resources.
type Rule struct {
	Number  int      `json:"number"`
	Effect  string   `json:"effect"` // "allow" or "deny"
	Role    string   `json:"role"`
	Actions []string `json:"actions"`
	Type    string   `json:"type"`
	Owner   bool     `json:"owner"`
}

// Request is one question: may the user do this to that resource?
type Request struct {
	User   string `json:"user"`
	Action string `json:"action"`
	Type   string `json:"type"`
	ID     string `json:"id"`
	Owner  string `json:"owner"`
}

// What a decision rests on.
const (
	Allowed byte = 'a'
	Denied  byte = 'd' // by a deny rule
	None    byte = 'n' // nothing matched
	Untold  byte = '?' // denied, and the engine does not tell why
)

// Engine is one candidate, for a workload whose policy.json holds a P: Policy, or an application's own form. Encode,
// Load and Prepare are called in that order, then the others in any; a second Load is one of another workload.
type Engine[P any] interface {
	// Hello gives the name, the version, and in words what one timed call includes.
	Hello() (name, version, includes string)
	// Encode writes the policy as the engine's own texts or files, and keeps them.
	Encode(policy *P) error
	// Load builds the engine from those; the note says what is worth knowing about it. The clock runs.
	Load() (note string, err error)
	// Prepare brings the requests of a batch into the form closest to the engine that its API takes.
	Prepare(batch string, requests []Request) error
	// Decide answers every request of the batch with one of the letters above, in order.
	Decide(batch string) ([]byte, error)
	// Pass asks the whole batch once, one after the other, and counts the decisions. It is what is timed.
	Pass(batch string) (decisions int, err error)
	// Close ends what Load started.
	Close()
}

// Starting is an Engine part of whose Load is the start of a process, which no other engine's has. Started gives the
// seconds of that part.
type Starting interface{ Started() float64 }

type command struct {
	Do     string `json:"do"`
	Folder string `json:"folder"`
	Batch  string `json:"batch"`
	Passes int    `json:"passes"`
}

// Serve answers commands until "bye" or the end of the input. A failure is answered, and ends nothing.
func Serve[P any](engine Engine[P]) {
	defer engine.Close()
	out := json.NewEncoder(os.Stdout)
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var asked command
		err := json.Unmarshal(lines.Bytes(), &asked)
		var answer any
		if err == nil {
			if asked.Do == "bye" {
				return
			}
			answer, err = obey(engine, asked)
		}
		if err != nil {
			answer = map[string]string{"error": err.Error()}
		}
		if out.Encode(answer) != nil {
			return // nobody listens any more
		}
	}
}

func obey[P any](engine Engine[P], asked command) (answer any, err error) {
	defer func() {
		if broken := recover(); broken != nil {
			err = fmt.Errorf("panic: %v", broken)
			os.Stderr.Write(debug.Stack())
		}
	}()
	switch asked.Do {
	case "hello":
		name, version, includes := engine.Hello()
		return map[string]string{"name": name, "version": version, "includes": includes}, nil
	case "load":
		seconds, note, err := load(engine, asked.Folder)
		return map[string]any{"seconds": seconds, "note": note}, err
	case "decide":
		reasons, err := engine.Decide(asked.Batch)
		if err != nil {
			return nil, err
		}
		decisions := make([]byte, len(reasons))
		for at, reason := range reasons {
			decisions[at] = '0'
			if reason == Allowed {
				decisions[at] = '1'
			}
		}
		return map[string]string{"decisions": string(decisions), "reasons": string(reasons)}, nil
	case "round":
		count := 0
		start := time.Now()
		for range asked.Passes {
			decisions, err := engine.Pass(asked.Batch)
			if err != nil {
				return nil, err
			}
			count += decisions
		}
		return map[string]any{"seconds": time.Since(start).Seconds(), "count": count}, nil
	}
	return nil, fmt.Errorf("unknown command `%s`", asked.Do)
}

func load[P any](engine Engine[P], folder string) (seconds float64, note string, err error) {
	policy := new(P)
	if err := Read(filepath.Join(folder, "policy.json"), policy); err != nil {
		return 0, "", err
	}
	if err := engine.Encode(policy); err != nil {
		return 0, "", err
	}
	start := time.Now()
	note, err = engine.Load()
	if err != nil {
		return 0, "", err
	}
	seconds = time.Since(start).Seconds()
	if starting, ok := any(engine).(Starting); ok {
		seconds = max(0, seconds-starting.Started())
	}
	for _, batch := range []string{"hot", "cold"} {
		requests, err := ReadRequests(folder, batch)
		if err != nil {
			return 0, "", err
		}
		if err := engine.Prepare(batch, requests); err != nil {
			return 0, "", err
		}
	}
	return seconds, note, nil
}

// ReadPolicy reads policy.json of a workload's folder.
func ReadPolicy(folder string) (*Policy, error) {
	policy := new(Policy)
	return policy, Read(filepath.Join(folder, "policy.json"), policy)
}

// ReadRequests reads a batch, "hot" or "cold", of a workload's folder.
func ReadRequests(folder, batch string) ([]Request, error) {
	var requests []Request
	return requests, Read(filepath.Join(folder, batch+".json"), &requests)
}

// Read reads a file of JSON.
func Read(path string, into any) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// Heirs gives for every role the roles that have its rules: itself and all that include it, directly or not.
func (policy *Policy) Heirs() map[string][]string {
	heirs := make(map[string][]string, len(policy.Roles))
	for role := range policy.Roles {
		for included := range policy.closure(role, map[string]bool{}) {
			heirs[included] = append(heirs[included], role)
		}
	}
	return heirs
}

// closure adds a role and all that it includes to `found`.
func (policy *Policy) closure(role string, found map[string]bool) map[string]bool {
	if !found[role] {
		found[role] = true
		for _, included := range policy.Roles[role].Includes {
			policy.closure(included, found)
		}
	}
	return found
}

// Version gives the version of a module that this program was built with.
func Version(module string) string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, dependency := range info.Deps {
			if dependency.Path == module {
				return dependency.Version
			}
		}
	}
	return "unknown"
}
