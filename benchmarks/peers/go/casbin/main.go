// The candidate for Casbin, as a Go library.
//
// `casbin` keeps all rules in one enforcer, which goes through them for every request. `casbin -sharded` does what its
// page on performance advises for many rules: an enforcer holds the rules of one shard only, here of one action on one
// type, and the roles are shared by all.
package main

import (
	_ "embed"
	"flag"
	"fmt"
	"strings"

	"github.com/casbin/casbin/v2"
	"github.com/casbin/casbin/v2/model"
	stringadapter "github.com/casbin/casbin/v2/persist/string-adapter"
	"github.com/casbin/casbin/v2/rbac"
	defaultrolemanager "github.com/casbin/casbin/v2/rbac/default-role-manager"

	"peers/contract"
)

//go:embed model.conf
var modelText string

// object is the resource, whose attributes the matcher reads.
type object struct{ Type, Owner string }

type shard struct{ kind, action string }

type question struct {
	shard
	arguments []any
}

type engine struct {
	sharded bool
	text    string           // all rules and roles, as they stand in a file of policies
	texts   map[shard]string // sharded: the rules of each, and those in `text` are the roles alone
	whole   *casbin.Enforcer
	shards  map[shard]*casbin.Enforcer
	batches map[string][]question
}

func main() {
	sharded := flag.Bool("sharded", false, "one enforcer for each action on each type")
	flag.Parse()
	contract.Serve[contract.Policy](&engine{sharded: *sharded})
}

func (e *engine) Hello() (string, string, string) {
	version := contract.Version("github.com/casbin/casbin/v2")
	if e.sharded {
		return "Casbin (Go, sharded)", version, "the look-up of the enforcer of the action and the type, and Enforce on arguments built beforehand; a boolean"
	}
	return "Casbin (Go)", version, "Enforce on arguments built beforehand; a boolean"
}

func (e *engine) Encode(policy *contract.Policy) error {
	var rules, roles strings.Builder
	shards := map[shard]*strings.Builder{}
	written := map[string]bool{} // two rules may say the same
	for _, rule := range policy.Rules {
		whose := "any"
		if rule.Owner {
			whose = "own"
		}
		for _, action := range rule.Actions {
			line := strings.Join([]string{"p", rule.Role, rule.Type, action, whose, rule.Effect}, ", ") + "\n"
			if written[line] {
				continue
			}
			written[line] = true
			into := &rules
			if at := (shard{rule.Type, action}); e.sharded {
				if shards[at] == nil {
					shards[at] = new(strings.Builder)
				}
				into = shards[at]
			}
			into.WriteString(line)
		}
	}
	for role, detail := range policy.Roles {
		for _, included := range detail.Includes {
			fmt.Fprintf(&roles, "g, %s, %s\n", role, included)
		}
	}
	for user, held := range policy.Users {
		for _, role := range held {
			fmt.Fprintf(&roles, "g, %s, %s\n", user, role)
		}
	}
	e.text, e.texts = rules.String()+roles.String(), map[shard]string{}
	for at, text := range shards {
		e.texts[at] = text.String()
	}
	return nil
}

func (e *engine) Load() (string, error) {
	e.batches, e.shards = map[string][]question{}, map[shard]*casbin.Enforcer{}
	var err error
	// Loading policies empties a role manager, so the shards take the shared one before it is filled.
	shared := defaultrolemanager.NewRoleManager(10)
	for at, text := range e.texts {
		if e.shards[at], err = enforcer(text, shared); err != nil {
			return "", err
		}
	}
	if e.whole, err = enforcer(e.text, shared); err != nil {
		return "", err
	}
	if e.sharded {
		return fmt.Sprintf("%d plain Enforcers, one for each action on each type; one role manager", len(e.shards)), nil
	}
	policies, err := e.whole.GetPolicy()
	return fmt.Sprintf("%d policies in one plain Enforcer (Cached answers from a map, Synced adds a lock)", len(policies)), err
}

func enforcer(text string, roles rbac.RoleManager) (*casbin.Enforcer, error) {
	parsed, err := model.NewModelFromString(modelText)
	if err != nil {
		return nil, err
	}
	made, err := casbin.NewEnforcer(parsed)
	if err != nil {
		return nil, err
	}
	made.SetRoleManager(roles)
	made.SetAdapter(stringadapter.NewAdapter(text))
	return made, made.LoadPolicy()
}

func (e *engine) Prepare(batch string, requests []contract.Request) error {
	questions := make([]question, len(requests))
	for at, request := range requests {
		questions[at] = question{
			shard{request.Type, request.Action},
			[]any{request.User, object{request.Type, request.Owner}, request.Action},
		}
	}
	e.batches[batch] = questions
	return nil
}

// of gives the enforcer for a question, nil if no rule is about its action and type.
func (e *engine) of(asked question) *casbin.Enforcer {
	if e.sharded {
		return e.shards[asked.shard]
	}
	return e.whole
}

func (e *engine) Decide(batch string) ([]byte, error) {
	letters := make([]byte, 0, len(e.batches[batch]))
	for _, asked := range e.batches[batch] {
		letter := contract.None
		if one := e.of(asked); one != nil {
			allowed, rule, err := one.EnforceEx(asked.arguments...)
			if err != nil {
				return nil, err
			}
			if allowed {
				letter = contract.Allowed
			} else if len(rule) > 0 {
				letter = contract.Denied
			}
		}
		letters = append(letters, letter)
	}
	return letters, nil
}

func (e *engine) Pass(batch string) (int, error) {
	allowed := 0
	for _, asked := range e.batches[batch] {
		one := e.of(asked)
		if one == nil {
			continue
		}
		yes, err := one.Enforce(asked.arguments...)
		if err != nil {
			return 0, err
		}
		if yes {
			allowed++
		}
	}
	return len(e.batches[batch]), nil
}

func (e *engine) Close() {}
