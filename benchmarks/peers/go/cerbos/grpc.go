package main

import (
	"context"
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/encoding/protowire"
)

// overGRPC writes and reads the two messages by the numbers of their fields (cerbos/request/v1/request.proto and
// cerbos/response/v1/response.proto), since the generated code is no module of its own to fetch. It is also the least
// that a client can spend on them.
type overGRPC struct{ client *grpc.ClientConn }

const method = "/cerbos.svc.v1.CerbosService/CheckResources"

var effectNames = []string{"EFFECT_UNSPECIFIED", allow, "EFFECT_DENY", "EFFECT_NO_MATCH"}

func dialGRPC(address string) (*overGRPC, error) {
	client, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	return &overGRPC{client}, err
}

// field appends one of the kinds that carry their length: a text or a message.
func field[T string | []byte](message []byte, number protowire.Number, value T) []byte {
	message = protowire.AppendTag(message, number, protowire.BytesType)
	return protowire.AppendBytes(message, []byte(value))
}

func (o *overGRPC) encode(user string, roles []string, resources []resource) ([]byte, error) {
	principal := field(nil, 1, user)
	for _, role := range roles {
		principal = field(principal, 3, role)
	}
	request := field(nil, 3, principal)
	for _, one := range resources {
		var entry []byte
		for _, action := range one.actions {
			entry = field(entry, 1, action)
		}
		// An attribute is an entry of a map: its key, and a google.protobuf.Value that holds a text.
		owner := field(field(nil, 1, "owner"), 2, field(nil, 3, one.owner))
		entry = field(entry, 2, field(field(field(nil, 1, one.kind), 3, one.id), 4, owner))
		request = field(request, 4, entry)
	}
	return request, nil
}

func (o *overGRPC) check(body []byte) (effects, error) {
	var answer []byte
	if err := o.client.Invoke(context.Background(), method, &body, &answer, grpc.ForceCodec(bare{})); err != nil {
		return nil, err
	}
	var found effects
	err := fields(answer, func(number protowire.Number, result []byte, _ uint64) error {
		if number != 2 {
			return nil
		}
		actions := map[string]string{}
		found = append(found, actions)
		return fields(result, func(number protowire.Number, entry []byte, _ uint64) error {
			if number != 2 {
				return nil
			}
			var action string
			var effect uint64
			err := fields(entry, func(number protowire.Number, text []byte, value uint64) error {
				if number == 1 {
					action = string(text)
				} else {
					effect = value
				}
				return nil
			})
			if err == nil && effect >= uint64(len(effectNames)) {
				err = fmt.Errorf("unknown effect %d", effect)
			}
			if err == nil {
				actions[action] = effectNames[effect]
			}
			return err
		})
	})
	return found, err
}

// fields shows all fields of a message in turn: `text` of those that carry their length, `value` of plain numbers.
func fields(message []byte, show func(number protowire.Number, text []byte, value uint64) error) error {
	for len(message) > 0 {
		number, kind, used := protowire.ConsumeTag(message)
		if used < 0 {
			return protowire.ParseError(used)
		}
		message = message[used:]
		var text []byte
		var value uint64
		switch kind {
		case protowire.BytesType:
			text, used = protowire.ConsumeBytes(message)
		case protowire.VarintType:
			value, used = protowire.ConsumeVarint(message)
		default:
			used = protowire.ConsumeFieldValue(number, kind, message)
		}
		if used < 0 {
			return protowire.ParseError(used)
		}
		message = message[used:]
		if err := show(number, text, value); err != nil {
			return err
		}
	}
	return nil
}

func (o *overGRPC) close() { o.client.Close() }

// bare hands messages through as the bytes they are.
type bare struct{}

func (bare) Marshal(message any) ([]byte, error) { return *message.(*[]byte), nil }

func (bare) Unmarshal(text []byte, message any) error {
	// The transport takes its buffer back.
	*message.(*[]byte) = append([]byte(nil), text...)
	return nil
}

func (bare) Name() string { return "proto" }
