package usersfile

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"provision/internal/recipient"
)

// maxRecipientsFile is room for as many post-quantum keys as a user can have, and for notes between them.
const maxRecipientsFile = 64 << 10

// recipients reads those to whom a user's private key is sealed: public keys in the users file, or in a file beside it. None: the
// key stands in the kubeconfig. No mistake quotes what stands there, which may be a private key.
func (r *reader) recipients(list, file value) []recipient.Recipient {
	all := r.recipientList(list)
	if file.given() {
		data, ok := r.beside(file, maxRecipientsFile)
		if !ok {
			return nil
		}
		more, err := recipientsIn(data)
		if err != nil {
			r.add(file, "Invalid value: "+err.Error())
			return nil
		}
		all = append(all, more...)
	}
	at := list
	if !at.given() {
		at = file
	}
	if err := recipient.Check(all); err != nil {
		r.add(at, "Invalid value: "+err.Error())
	}
	return all
}

// recipientList reads the public keys that stand in the users file itself.
func (r *reader) recipientList(v value) []recipient.Recipient {
	if !v.given() {
		return nil
	}
	if v.node.Kind != yaml.SequenceNode || len(v.node.Content) == 0 {
		r.add(v, "Invalid value: must be a list of public keys, at least one; or leave the field out")
		return nil
	}
	var all []recipient.Recipient
	for _, one := range r.list(v) {
		if one.node.Kind != yaml.ScalarNode || one.node.Tag != "!!str" {
			r.add(one, "Invalid value: must be a public key, as a string")
			continue
		}
		found, err := recipient.Parse(one.node.Value)
		if err != nil {
			r.add(one, "Invalid value: "+err.Error())
			continue
		}
		all = append(all, found)
	}
	return all
}

// recipientsIn reads a file of public keys: one on each line, beside empty lines and those that begin with #.
func recipientsIn(data []byte) ([]recipient.Recipient, error) {
	if !utf8.Valid(data) {
		return nil, errors.New("the file is not UTF-8: is it a list of public keys?")
	}
	var all []recipient.Recipient
	number := 0
	for line := range bytes.Lines(bytes.TrimPrefix(data, []byte("\ufeff"))) {
		number++
		text := strings.TrimSpace(string(line))
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		if len(all) == recipient.Most {
			return nil, fmt.Errorf("line %d of the file: there are more than %d keys", number, recipient.Most)
		}
		found, err := recipient.Parse(text)
		if err != nil {
			return nil, fmt.Errorf("line %d of the file: %w", number, err)
		}
		all = append(all, found)
	}
	if len(all) == 0 {
		return nil, errors.New("the file has no public key")
	}
	return all, nil
}
