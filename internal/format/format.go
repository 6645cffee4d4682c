// Package format picks something out of a document by a template, as kubectl's -o jsonpath= and -o go-template= do.
package format

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/template"

	"k8s.io/apimachinery/pkg/util/json"
	"k8s.io/client-go/util/jsonpath"
)

// Prefixes of the formats that have a template.
const (
	jsonPath   = "jsonpath="
	goTemplate = "go-template="
)

// Check refuses a format that is none of those listed, and no jsonpath=TEMPLATE or go-template=TEMPLATE that can be read.
func Check(format string, listed []string) error {
	switch {
	case slices.Contains(listed, format):
		return nil
	case strings.HasPrefix(format, jsonPath):
		_, err := pathOf(format)
		return err
	case strings.HasPrefix(format, goTemplate):
		_, err := templateOf(format)
		return err
	case format == "jsonpath" || format == "go-template":
		return fmt.Errorf("%s needs a template: %s=TEMPLATE", format, format)
	}
	return fmt.Errorf("must be one of %s, jsonpath=TEMPLATE, go-template=TEMPLATE, but is %q", strings.Join(listed, ", "), format)
}

// pathOf reads the template of a jsonpath=. As for kubectl, the outer braces and the first dot may be missing.
func pathOf(format string) (*jsonpath.JSONPath, error) {
	text := strings.TrimPrefix(format, jsonPath)
	if !strings.ContainsAny(text, "{}") {
		text = "{." + strings.TrimPrefix(text, ".") + "}"
	}
	path := jsonpath.New("output").AllowMissingKeys(true)
	if err := path.Parse(text); err != nil {
		return nil, fmt.Errorf("jsonpath: %w", err)
	}
	return path, nil
}

// templateOf reads the template of a go-template=.
func templateOf(format string) (*template.Template, error) {
	t, err := template.New("output").Parse(strings.TrimPrefix(format, goTemplate))
	if err != nil {
		return nil, fmt.Errorf("go-template: %s", strings.TrimPrefix(err.Error(), "template: "))
	}
	return t, nil
}

// Pick fills the template of a format, which Check has let through, from a document in JSON.
func Pick(format string, document []byte) ([]byte, error) {
	var data any
	if err := json.Unmarshal(document, &data); err != nil { // whole numbers stay whole, for comparisons
		return nil, err
	}
	var out bytes.Buffer
	if strings.HasPrefix(format, goTemplate) {
		t, err := templateOf(format)
		if err == nil {
			err = t.Execute(&out, data)
		}
		if exec, ok := errors.AsType[template.ExecError](err); ok {
			return nil, fmt.Errorf("go-template: %w", exec.Err)
		}
		return out.Bytes(), err
	}
	path, err := pathOf(format)
	if err == nil {
		err = path.Execute(&out, data)
	}
	if err != nil {
		return nil, fmt.Errorf("jsonpath: %w", err)
	}
	return out.Bytes(), nil
}
