// The candidate for OPA as a Go library on two small applications, `github` and `tinytodo`: a policy of a few rules, and
// what is held where as data.
package main

import (
	_ "embed"
	"fmt"
	"slices"

	"peers/contract"
	"peers/query"
)

//go:embed github.rego
var githubText string

//go:embed tinytodo.rego
var tinytodoText string

// World is an application with all that is in it; which fields are filled depends on the application.
type World struct {
	Application   string          `json:"application"`
	Users         []string        `json:"users"`
	Teams         map[string]Team `json:"teams"`
	Organisations map[string]struct {
		Roles map[string]Held `json:"roles"`
	} `json:"organisations"`
	Repositories map[string]struct {
		Organisation string          `json:"organisation"`
		Roles        map[string]Held `json:"roles"`
	} `json:"repositories"`
	Issues map[string]struct {
		Repository string `json:"repository"`
		Reporter   string `json:"reporter"`
	} `json:"issues"`
	Lists map[string]struct {
		Owner   string   `json:"owner"`
		Readers []string `json:"readers"`
		Editors []string `json:"editors"`
	} `json:"lists"`
}

// Team has users as members and lies within other teams.
type Team struct {
	Members []string `json:"members"`
	Within  []string `json:"within"`
}

// Held says who holds a role at one place.
type Held struct {
	Users []string `json:"users"`
	Teams []string `json:"teams"`
}

// order has the roles of both applications; each includes those of its application before it.
var order = []string{"read", "triage", "write", "maintain", "admin", "reader", "editor", "owner"}

// highest is {USER: {PLACE: ROLE}}, as the policies expect it.
type highest map[string]map[string]string

func (found highest) add(user, place, role string) {
	if slices.Index(order, role) > slices.Index(order, found[user][place]) {
		found[user][place] = role
	}
}

// people gives the members of a team and of all teams inside it.
func (world *World) people() map[string][]string {
	inside := map[string][]string{}
	var enter func(user, team string)
	enter = func(user, team string) {
		if !slices.Contains(inside[team], user) {
			inside[team] = append(inside[team], user)
			for _, outer := range world.Teams[team].Within {
				enter(user, outer)
			}
		}
	}
	for name, team := range world.Teams {
		for _, user := range team.Members {
			enter(user, name)
		}
	}
	return inside
}

// data is what the policies expect below `data`.
func (world *World) data() map[string]any {
	people := world.people()
	found := highest{}
	for _, user := range world.Users {
		found[user] = map[string]string{}
	}
	held := func(place string, byRole map[string]Held) {
		for role, holders := range byRole {
			for _, user := range holders.Users {
				found.add(user, place, role)
			}
			for _, team := range holders.Teams {
				for _, user := range people[team] {
					found.add(user, place, role)
				}
			}
		}
	}
	for name, repository := range world.Repositories {
		held(name, repository.Roles)
		held(name, world.Organisations[repository.Organisation].Roles)
	}
	for name, list := range world.Lists {
		held(name, map[string]Held{
			"reader": {Teams: list.Readers}, "editor": {Teams: list.Editors}, "owner": {Users: []string{list.Owner}},
		})
	}
	may := map[string]any{
		"read":        map[string]any{"reader": true, "editor": true, "owner": true},
		"update":      map[string]any{"editor": true, "owner": true},
		"create_task": map[string]any{"editor": true, "owner": true},
		"share":       map[string]any{"owner": true},
		"delete":      map[string]any{"owner": true},
	}
	if world.Application == "github" {
		may = githubMay()
	}
	return map[string]any{"role": found, "may": may}
}

// githubMay is {TYPE: {ACTION: {ROLE: "always"|"own"}}}: each action for its lowest role and all above.
func githubMay() map[string]any {
	from := func(lowest string) map[string]any {
		row := map[string]any{}
		for _, role := range order[slices.Index(order, lowest) : slices.Index(order, "admin")+1] {
			row[role] = "always"
		}
		return row
	}
	edit := from("write")
	edit["read"], edit["triage"] = "own", "own"
	return map[string]any{
		"repository": map[string]any{
			"pull": from("read"), "fork": from("read"), "push": from("write"), "manage_settings": from("maintain"),
			"manage_access": from("admin"), "delete": from("admin"),
		},
		"issue": map[string]any{
			"triage": from("triage"), "assign": from("triage"), "edit": edit, "delete": from("maintain"),
		},
	}
}

// input is a request with the attributes of its resource, which its caller has at hand.
func (world *World) input(asked contract.Request) map[string]string {
	made := map[string]string{"user": asked.User, "action": asked.Action, "type": asked.Type}
	switch asked.Type {
	case "repository":
		made["repository"] = asked.ID
	case "issue":
		made["repository"], made["reporter"] = world.Issues[asked.ID].Repository, world.Issues[asked.ID].Reporter
	case "list":
		made["list"] = asked.ID
	}
	return made
}

type engine struct {
	*query.Query
	world *World
}

func main() {
	contract.Serve[World](&engine{Query: &query.Query{Letter: letter}})
}

func letter(value any) byte {
	if value == true {
		return contract.Allowed
	}
	return contract.None
}

func (e *engine) Encode(world *World) error {
	policy, known := map[string]string{"github": githubText, "tinytodo": tinytodoText}[world.Application]
	if !known {
		return fmt.Errorf("unknown application `%s`", world.Application)
	}
	e.world = world
	return e.Text("data."+world.Application+".allow", world.Application+".rego", policy, world.data())
}

func (e *engine) Prepare(batch string, requests []contract.Request) error {
	return e.Parse(batch, requests, e.world.input)
}
