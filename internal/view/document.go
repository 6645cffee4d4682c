package view

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	node "go.yaml.in/yaml/v3"
	"sigs.k8s.io/yaml"

	pick "provision/internal/format"
)

// formatVersion is that of all documents for programs. A field may come without a new version; none goes or changes.
const formatVersion = "1"

// head is what every document for programs begins with: what it is, and of when and where.
type head struct {
	FormatVersion string     `json:"formatVersion"`
	Kind          string     `json:"kind"`      // Plan, Report, Status, Verification or Remainder
	Time          time.Time  `json:"time"`      // when it was made, in UTC, to the second
	Cluster       clusterDoc `json:"cluster"`   // as the operator's own context has it
	OutputDir     string     `json:"outputDir"` // with the kubeconfigs
}

// head makes the head of a document about what the page shows, as of then.
func (v Page) head(kind string) head {
	at := v.At
	if at.IsZero() {
		at = time.Now()
	}
	return head{formatVersion, kind, at.UTC().Truncate(time.Second), v.cluster(), v.Dir}
}

// clusterDoc is the cluster, as the operator's own context has it.
type clusterDoc struct {
	Name   string `json:"name"`
	Server string `json:"server"`
	UID    string `json:"uid"` // of its namespace kube-system
}

func (v Page) cluster() clusterDoc { return clusterDoc{v.Endpoint.Name, v.Endpoint.Server, v.UID} }

// printDocument writes one document as JSON or YAML, or what the template of the format picks of it.
func printDocument(w io.Writer, format string, doc any) error {
	data, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		return fmt.Errorf("encode %s: %w", format, err)
	}
	switch data = append(data, '\n'); format {
	case "json":
	case "yaml":
		if data, err = yamlOf(data); err != nil {
			return fmt.Errorf("encode yaml: %w", err)
		}
	default:
		if data, err = pick.Pick(format, data); err != nil {
			return err
		}
	}
	_, err = w.Write(data)
	return err
}

// yamlOf writes a JSON document as YAML. Standard output escapes characters that steer a terminal in the way of JSON, and
// only in double quotes does YAML read such an escape: strings that hold one are quoted so.
func yamlOf(data []byte) ([]byte, error) {
	var escaped bytes.Buffer // a YAML reader refuses some of these characters, also in JSON
	if _, err := (printable{w: &escaped}).Write(data); err != nil {
		return nil, err
	}
	text, err := yaml.JSONToYAML(escaped.Bytes())
	if err != nil || !bytes.ContainsFunc(text, steers) {
		return text, err
	}
	var document node.Node
	if err := node.Unmarshal(text, &document); err != nil {
		return nil, err
	}
	quoteSteering(&document)
	return encodeYAML(&document)
}

// encodeYAML writes a document as all of ours are: two spaces, and lists where their names are.
func encodeYAML(document *node.Node) ([]byte, error) {
	var b bytes.Buffer
	encoder := node.NewEncoder(&b)
	encoder.SetIndent(2)
	encoder.CompactSeqIndent()
	if err := encoder.Encode(document); err != nil {
		return nil, err
	}
	return b.Bytes(), encoder.Close()
}

// quoteSteering puts strings into double quotes below a node that hold what steers a terminal.
func quoteSteering(n *node.Node) {
	if n.Kind == node.ScalarNode && strings.ContainsFunc(n.Value, steers) {
		n.Style = node.DoubleQuotedStyle
	}
	for _, child := range n.Content {
		quoteSteering(child)
	}
}

// orEmpty returns the list, or one that JSON writes as [] instead of null.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
