// Package schema has the JSON Schema of the users file, for editors, and explains the file's fields by it. Package usersfile
// reads the file; tests hold that the two know the same fields.
package schema

import (
	"embed"
	"fmt"
	"slices"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"

	"provision/internal/usersfile"
)

// Text is the schema, of draft 2020-12: every field with a description and an example.
//
//go:embed users.schema.json
var Text []byte

// Field is what the schema says of a field of the users file, or of the whole file.
type Field struct {
	Path        string // users.roles.clusterRole; "": the whole file
	Type        string // in words; a list says of what
	Required    bool
	Description string
	Default     string   // "": none
	Values      []string // all that are possible; none: the type says it
	Example     string   // YAML, with the field's name
	Fields      []Field  // those of the object, or of the objects of the list, in the order of the schema
}

// Name returns the last word of the path.
func (f Field) Name() string { return f.Path[strings.LastIndexByte(f.Path, '.')+1:] }

// UnknownError is that the users file has no such field.
type UnknownError struct {
	Path    string
	Closest string   // the path that was probably meant, or ""
	Known   []string // the fields of the object that is known on the way
	In      string   // its path
}

// Error names the path.
func (e *UnknownError) Error() string { return fmt.Sprintf("the users file has no field %s", e.Path) }

// Explain returns a field by its path, as in users.roles.clusterRole; "" is the whole file. Brackets of lists may stand in it, with
// or without a number. An error is an UnknownError.
func Explain(path string) (Field, error) {
	s := load()
	at, named := s.root(), ""
	for _, word := range words(path) {
		fields := s.fields(at)
		next := fields[word]
		if next == nil {
			known := s.names(at)
			err := &UnknownError{Path: path, Known: known, In: named}
			if closest := usersfile.Closest(word, known); closest != "" {
				err.Closest = join(named, closest)
			}
			return Field{}, err
		}
		at, named = next, join(named, word)
	}
	field := s.field(named, at)
	for _, name := range s.names(at) {
		field.Fields = append(field.Fields, s.field(join(named, name), s.fields(at)[name]))
	}
	return field, nil
}

// Paths are those of all fields, in the order of the schema.
func Paths() []string {
	s := load()
	var list []string
	var walk func(path string, at *yaml.Node)
	walk = func(path string, at *yaml.Node) {
		for _, name := range s.names(at) {
			list = append(list, join(path, name))
			walk(join(path, name), s.fields(at)[name])
		}
	}
	walk("", s.root())
	return list
}

// words are those of a path, without the brackets of lists: users[0].roles[].role.
func words(path string) []string {
	var list []string
	for _, word := range strings.Split(strings.Trim(path, "."), ".") {
		name, _, _ := strings.Cut(word, "[")
		if name != "" {
			list = append(list, name)
		}
	}
	return list
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// document is the schema as a tree, which keeps the order of the fields.
type document struct{ node *yaml.Node }

var load = sync.OnceValue(func() document {
	var n yaml.Node
	if err := yaml.Unmarshal(Text, &n); err != nil { // it is a part of the program
		panic(err)
	}
	return document{n.Content[0]}
})

func (d document) root() *yaml.Node { return d.node }

// get returns what an object of the schema has under a name, or nil. Where it does not say it, the object that it refers to
// counts.
func (d document) get(at *yaml.Node, name string) *yaml.Node {
	if found := child(at, name); found != nil {
		return found
	}
	if ref := child(at, "$ref"); ref != nil {
		return d.get(child(child(d.node, "$defs"), strings.TrimPrefix(ref.Value, "#/$defs/")), name)
	}
	return nil
}

func child(at *yaml.Node, name string) *yaml.Node {
	for i := 0; at != nil && i+1 < len(at.Content); i += 2 {
		if at.Kind == yaml.MappingNode && at.Content[i].Value == name {
			return at.Content[i+1]
		}
	}
	return nil
}

// object is what says the fields of a field: itself, or the items of a list.
func (d document) object(at *yaml.Node) *yaml.Node {
	if items := d.get(at, "items"); items != nil {
		return items
	}
	return at
}

// names are those of the fields below a field.
func (d document) names(at *yaml.Node) []string {
	properties := d.get(d.object(at), "properties")
	var list []string
	for i := 0; properties != nil && i < len(properties.Content); i += 2 {
		list = append(list, properties.Content[i].Value)
	}
	return list
}

// fields are those below a field, by name.
func (d document) fields(at *yaml.Node) map[string]*yaml.Node {
	of := map[string]*yaml.Node{}
	for _, name := range d.names(at) {
		of[name] = child(d.get(d.object(at), "properties"), name)
	}
	return of
}

// required reports whether the object that has the field at a path needs it.
func (d document) required(path string) bool {
	names := words(path)
	if len(names) == 0 {
		return true
	}
	at := d.root()
	for _, name := range names[:len(names)-1] {
		at = d.fields(at)[name]
	}
	list := d.get(d.object(at), "required")
	return list != nil && slices.ContainsFunc(list.Content, func(n *yaml.Node) bool { return n.Value == names[len(names)-1] })
}

func (d document) field(path string, at *yaml.Node) Field {
	f := Field{Path: path, Type: d.typeOf(at), Required: d.required(path), Description: d.text(at, "description"), Default: d.text(at, "default")}
	if one := d.get(at, "const"); one != nil {
		f.Values = []string{one.Value}
	}
	if values := d.get(at, "enum"); values != nil {
		for _, v := range values.Content {
			f.Values = append(f.Values, v.Value)
		}
	}
	if examples := d.get(at, "examples"); examples != nil && len(examples.Content) > 0 {
		f.Example = example(f.Name(), examples.Content[0])
	}
	return f
}

func (d document) text(at *yaml.Node, name string) string {
	if n := d.get(at, name); n != nil {
		return n.Value
	}
	return ""
}

// typeOf says what type a value has. That a field may also be left empty (null) is no type.
func (d document) typeOf(at *yaml.Node) string {
	n := d.get(at, "type")
	if n == nil {
		return ""
	}
	name := n.Value
	if n.Kind == yaml.SequenceNode {
		name = n.Content[0].Value
	}
	switch name {
	case "array":
		return "list of " + d.typeOf(d.get(at, "items")) + "s"
	case "boolean":
		return "true or false"
	case "integer":
		return "whole number"
	}
	return name
}

// example is a value of a field as a users file has it.
func example(name string, value *yaml.Node) string {
	block := plain(value)
	text, err := yaml.Marshal(&yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{{Kind: yaml.ScalarNode, Value: name}, block}})
	if err != nil { // the schema is a part of the program
		panic(err)
	}
	return string(text)
}

// plain is a value without the quotes and braces of JSON, but for lists of words, which stand on one line.
func plain(n *yaml.Node) *yaml.Node {
	c := *n
	c.Style = 0
	c.Content = nil
	words := n.Kind == yaml.SequenceNode
	for _, inner := range n.Content {
		words = words && inner.Kind == yaml.ScalarNode
		c.Content = append(c.Content, plain(inner))
	}
	if words {
		c.Style = yaml.FlowStyle
	}
	return &c
}

//go:embed documents/*.schema.json
var documents embed.FS

// Kinds are those of the documents that provision writes for programs, sorted.
func Kinds() []string {
	files, err := documents.ReadDir("documents")
	if err != nil {
		return nil
	}
	var kinds []string
	for _, f := range files {
		kind := strings.TrimSuffix(f.Name(), ".schema.json")
		kinds = append(kinds, strings.ToUpper(kind[:1])+kind[1:])
	}
	return kinds
}

// Document is the JSON Schema of a kind of document, whatever its case; false: there is none.
func Document(kind string) ([]byte, bool) {
	for _, known := range Kinds() {
		if strings.EqualFold(known, kind) {
			text, err := documents.ReadFile("documents/" + strings.ToLower(known[:1]) + known[1:] + ".schema.json")
			return text, err == nil
		}
	}
	return nil, false
}
