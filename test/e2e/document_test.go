package e2e_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"sigs.k8s.io/yaml"
)

// strictJSON parses exactly one JSON document.
func strictJSON(data []byte) (value any, err error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := d.Decode(&value); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the document")
	}
	return value, nil
}

// strictYAML parses one YAML document without duplicate keys.
func strictYAML(data []byte) (any, error) {
	data, err := yaml.YAMLToJSONStrict(data)
	if err != nil {
		return nil, err
	}
	return strictJSON(data)
}

// document makes the command that looks into a document:
//
//	[!] json FILE PATH [VALUE]
//
// FILE may be stdout. PATH is a list of steps with dots between: a field, an
// index, field=value (the items of a list for which this holds), or len (how
// many). Without VALUE the place only has to be there; with ! it must not be.
func document(parse func([]byte) (any, error)) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if len(args) < 2 || len(args) > 3 || neg && len(args) == 3 {
			ts.Fatalf("usage: [!] json FILE PATH [VALUE]")
		}
		value, err := parse([]byte(ts.ReadFile(args[0])))
		if err != nil {
			ts.Fatalf("%s: %v", args[0], err)
		}
		if err := conforms(value); err != nil {
			ts.Fatalf("%s: it is not as its schema says: %v", args[0], err)
		}
		at, err := find(value, strings.Split(args[1], "."))
		switch {
		case neg && err == nil:
			ts.Fatalf("%s: %s is there: %v", args[0], args[1], at)
		case neg:
			return
		case err != nil:
			ts.Fatalf("%s: %s: %v", args[0], args[1], err)
		}
		if len(args) == 3 && text(at) != args[2] {
			ts.Fatalf("%s: %s is %s, want %s", args[0], args[1], text(at), args[2])
		}
	}
}

func text(value any) string {
	switch value.(type) {
	case nil, map[string]any, []any:
		data, err := json.Marshal(value)
		if err != nil {
			return err.Error()
		}
		return string(data)
	}
	return fmt.Sprint(value)
}

// find follows the steps of a path.
func find(value any, steps []string) (any, error) {
	for _, step := range steps {
		field, wanted, filters := strings.Cut(step, "=")
		switch v := value.(type) {
		case map[string]any:
			if step == "len" {
				value = len(v)
				continue
			}
			next, ok := v[step]
			if !ok {
				return nil, fmt.Errorf("no %q", step)
			}
			value = next
		case []any:
			if step == "len" {
				value = len(v)
				continue
			}
			if filters {
				value = having(v, field, wanted)
				continue
			}
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(v) {
				return nil, fmt.Errorf("no item %s of %d", step, len(v))
			}
			value = v[i]
		default:
			return nil, fmt.Errorf("no %q in %v", step, v)
		}
	}
	return value, nil
}

func having(list []any, field, wanted string) []any {
	found := []any{}
	for _, item := range list {
		if m, ok := item.(map[string]any); ok && text(m[field]) == wanted {
			found = append(found, item)
		}
	}
	return found
}

// schemas are those of the documents that provision writes, by their kind, as it prints them.
var schemas sync.Map

// conforms checks a document against the schema of its kind, if it is one that provision writes. So every document that any story looks
// into is checked.
func conforms(value any) error {
	document, ok := value.(map[string]any)
	if !ok || document["formatVersion"] == nil {
		return nil
	}
	kind := fmt.Sprint(document["kind"])
	if kind == "SavedPlan" { // which only provision reads
		return nil
	}
	schema, known := schemas.Load(kind)
	if !known {
		text, err := exec.Command(filepath.Join(bin, "provision"), "schema", kind).Output()
		if err != nil {
			return fmt.Errorf("provision schema %s: %w", kind, err)
		}
		if schema, err = compileSchema(kind, text); err != nil {
			return err
		}
		schemas.Store(kind, schema)
	}
	return schema.(*jsonschema.Schema).Validate(value)
}
