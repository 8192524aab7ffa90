package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// overHTTP keeps one connection, since there is one call at a time and every answer is read to its end.
type overHTTP struct {
	client *http.Client
	url    string
}

func dialHTTP(address string) *overHTTP {
	return &overHTTP{&http.Client{Transport: &http.Transport{}}, "http://" + address + "/api/check/resources"}
}

func (o *overHTTP) encode(user string, roles []string, resources []resource) ([]byte, error) {
	type object map[string]any
	listed := make([]object, len(resources))
	for at, one := range resources {
		listed[at] = object{
			"actions":  one.actions,
			"resource": object{"kind": one.kind, "id": one.id, "attr": object{"owner": one.owner}},
		}
	}
	return json.Marshal(object{"principal": object{"id": user, "roles": roles}, "resources": listed})
}

func (o *overHTTP) check(body []byte) (effects, error) {
	answer, err := o.client.Post(o.url, "application/json", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the server answers %s: %s", answer.Status, text)
	}
	var read struct {
		Results []struct {
			Actions map[string]string `json:"actions"`
		} `json:"results"`
	}
	if err := json.Unmarshal(text, &read); err != nil {
		return nil, err
	}
	found := make(effects, len(read.Results))
	for at, result := range read.Results {
		found[at] = result.Actions
	}
	return found, nil
}

func (o *overHTTP) close() { o.client.CloseIdleConnections() }
