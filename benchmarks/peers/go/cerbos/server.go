package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"peers/contract"
)

// server is a running Cerbos with its folder of policies.
type server struct {
	command    *exec.Cmd
	ended      chan error
	folder     string
	http, grpc string // addresses
}

const patience = 5 * time.Minute // for loading the largest policies

// newServer writes the policies, and tells how many seconds the server takes to be ready where it has none.
func newServer(program string, policy *contract.Policy) (*server, float64, error) {
	folder, err := os.MkdirTemp("", "cerbos")
	if err != nil {
		return nil, 0, err
	}
	s := &server{folder: folder, ended: make(chan error, 1)}
	if err := os.Mkdir(s.policies(), 0o755); err != nil {
		return nil, 0, errors.Join(err, s.remove())
	}
	began := time.Now()
	err = s.start(program)
	seconds := time.Since(began).Seconds()
	if err = errors.Join(err, s.stop()); err == nil {
		err = writePolicies(policy, s.policies())
	}
	if err != nil {
		return nil, 0, errors.Join(err, s.remove())
	}
	return s, seconds, nil
}

func (s *server) policies() string { return filepath.Join(s.folder, "policies") }

func (s *server) start(program string) error {
	var err error
	if s.http, err = freeAddress(); err != nil {
		return err
	}
	if s.grpc, err = freeAddress(); err != nil {
		return err
	}
	config := filepath.Join(s.folder, "config.json")
	if err := writeJSON(config, map[string]any{
		"server":    map[string]any{"httpListenAddr": s.http, "grpcListenAddr": s.grpc},
		"storage":   map[string]any{"driver": "disk", "disk": map[string]any{"directory": s.policies(), "watchForChanges": false}},
		"telemetry": map[string]any{"disabled": true},
	}); err != nil {
		return err
	}
	s.command = exec.Command(program, "server", "--config="+config, "--log-level=error")
	s.command.Stderr = os.Stderr
	s.command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := s.command.Start(); err != nil {
		s.command = nil
		return err
	}
	go func() { s.ended <- s.command.Wait() }()
	for began := time.Now(); time.Since(began) < patience; {
		select {
		case err := <-s.ended:
			s.command = nil
			return fmt.Errorf("the server ended: %w", err)
		case <-time.After(10 * time.Millisecond):
		}
		if answer, err := http.Get("http://" + s.http + "/_cerbos/health"); err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return nil
			}
		}
	}
	return errors.New("the server does not get ready")
}

func (s *server) stop() error {
	if s.command == nil {
		return nil
	}
	if err := s.command.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-s.ended:
	case <-time.After(10 * time.Second):
		if err := s.command.Process.Kill(); err != nil {
			return err
		}
		<-s.ended
	}
	s.command = nil
	return nil
}

func (s *server) remove() error { return os.RemoveAll(s.folder) }

// freeAddress is one that nobody listened to a moment ago.
func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer listener.Close()
	return listener.Addr().String(), nil
}

// writePolicies writes one resource policy a type. The server gets the roles that a user was assigned; those that
// inherit a rule are listed in it.
//
// To Cerbos, a deny weighs only against the same role's allows: another role of the user may still allow. Where a deny
// has to beat all, the rule is for every role (`*`), on the condition that the user holds one of those meant.
func writePolicies(policy *contract.Policy, folder string) error {
	heirs := policy.Heirs()
	rules := map[string][]any{}
	for _, rule := range policy.Rules {
		roles := heirs[rule.Role]
		effect := allow
		var conditions []any
		if rule.Effect == "deny" {
			effect = "EFFECT_DENY"
			quoted := make([]string, len(roles))
			for at, role := range roles {
				quoted[at] = fmt.Sprintf("%q", role)
			}
			held := fmt.Sprintf("hasIntersection(P.roles, [%s])", strings.Join(quoted, ", "))
			conditions = append(conditions, map[string]string{"expr": held})
			roles = []string{"*"}
		}
		if rule.Owner {
			conditions = append(conditions, map[string]string{"expr": "R.attr.owner == P.id"})
		}
		written := map[string]any{"actions": rule.Actions, "effect": effect, "roles": roles}
		if len(conditions) > 0 {
			written["condition"] = map[string]any{"match": map[string]any{"all": map[string]any{"of": conditions}}}
		}
		rules[rule.Type] = append(rules[rule.Type], written)
	}
	for kind := range policy.Types {
		if err := writeJSON(filepath.Join(folder, kind+".json"), map[string]any{
			"apiVersion":     "api.cerbos.dev/v1",
			"resourcePolicy": map[string]any{"resource": kind, "version": "default", "rules": rules[kind]},
		}); err != nil {
			return err
		}
	}
	return nil
}

func writeJSON(path string, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o644)
}
