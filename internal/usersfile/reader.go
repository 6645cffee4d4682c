package usersfile

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// reader reads one document and gathers its mistakes. It goes on after each, so that a run lists all of them.
type reader struct {
	file     string
	seen     *seen
	reserved map[string]bool // allowReserved of this document
	errs     Errors          // the first maxErrors
	mistakes int             // all that were found
	shared   int             // of these: Shared, or a set that two files describe
	subjects *int            // of all bindings of the file, so far
	folder   *folder         // that the file is in
	judge    JudgeRequest    // of requests that users have made
	besides  []byte          // what the set's digest has of the files that the document names
}

// value is a field or an element of the document: its node and the path that leads to it.
type value struct {
	node   *yaml.Node // nil when the file does not say it
	parent *yaml.Node // where a missing field is reported
	path   *field.Path
	form   string // the path without numbers: that of all fields that are read alike

	misspelt bool // the file does not say it, and has an unknown field that was meant to be it
}

// given reports whether the file has the field, even if it is null or empty.
func (v value) given() bool { return v.node != nil }

// isEmptyList reports whether a given value is null or a list without elements, so neither a mistake nor of use.
func (v value) isEmptyList() bool {
	return isNull(v.node) || v.node.Kind == yaml.SequenceNode && len(v.node.Content) == 0
}

func (r *reader) pos(n *yaml.Node) Pos {
	return Pos{File: r.file, Line: n.Line, Column: n.Column}
}

// at is the place of a value, or of the object that lacks it.
func (r *reader) at(v value) Pos {
	if v.node == nil {
		return r.pos(v.parent)
	}
	return r.pos(v.node)
}

// object is a mapping whose keys have been checked.
type object struct {
	value
	fields []string // in the order of keys and values
	keys   []*yaml.Node
	values []*yaml.Node
	meant  map[string]bool // fields that unknown ones were meant to be
}

// object reads a mapping with the given fields; unknown and repeated keys are errors. Anything but a mapping gives an
// object without any field and false.
func (r *reader) object(v value, fields ...string) (object, bool) {
	o := object{value: v, fields: fields, keys: make([]*yaml.Node, len(fields)), values: make([]*yaml.Node, len(fields)), meant: map[string]bool{}}
	if v.node.Kind != yaml.MappingNode {
		r.wrongType(v, "an object ("+strings.Join(fields, ", ")+")")
		return o, false
	}
	unknown := map[string]*yaml.Node{}
	for i := 0; i+1 < len(v.node.Content); i += 2 {
		key := v.node.Content[i]
		if key.Kind != yaml.ScalarNode {
			r.add(value{node: key, path: v.path, form: v.form}, "a field's name must be a string; known are "+strings.Join(fields, ", "))
			continue
		}
		f := slices.Index(fields, key.Value)
		if f < 0 {
			if first, ok := unknown[key.Value]; ok {
				r.duplicate(value{node: key, path: child(v.path, key.Value), form: v.form}, key.Value, r.pos(first))
				continue
			}
			unknown[key.Value] = key
			o.meant[r.unknownField(v, key, fields)] = true
			continue
		}
		if first := o.keys[f]; first != nil {
			r.duplicate(value{node: key, path: child(v.path, key.Value), form: v.form}, key.Value, r.pos(first))
			continue
		}
		o.keys[f], o.values[f] = key, v.node.Content[i+1]
	}
	return o, true
}

// unknownField records an unknown field, and returns the one that it was meant to be, or "".
func (r *reader) unknownField(v value, key *yaml.Node, fields []string) (meant string) {
	msg := "unknown field; known are " + strings.Join(fields, ", ")
	if meant = Closest(key.Value, fields); meant != "" {
		msg = fmt.Sprintf("unknown field (did you mean %q?)", meant)
	}
	r.note(value{node: key, path: child(v.path, key.Value), form: v.form}, Rule{Detail: msg}, printable(clip(key.Value)), msg)
	return meant
}

// get returns a field, which must be one of those that the object was read with.
func (o object) get(name string) value {
	path := field.NewPath(name)
	if o.path != nil {
		path = o.path.Child(name)
	}
	n := o.values[slices.Index(o.fields, name)]
	return value{node: n, parent: o.node, path: path, form: o.form + "." + name, misspelt: n == nil && o.meant[name]}
}

// list returns the elements of a sequence; none for an absent, null or wrong value.
func (r *reader) list(v value) []value {
	if !v.given() || isNull(v.node) {
		return nil
	}
	if v.node.Kind != yaml.SequenceNode {
		r.wrongType(v, "a list")
		return nil
	}
	all := make([]value, len(v.node.Content))
	for i, n := range v.node.Content {
		all[i] = value{node: n, parent: v.node, path: v.path.Index(i), form: v.form + "[]"}
	}
	return all
}

// names reads a list of strings, each with the given check, that must not repeat one.
func (r *reader) names(v value, check func(value) (string, bool)) []string {
	var all []string
	first := map[string]Pos{}
	for _, e := range r.list(v) {
		s, ok := check(e)
		if !ok {
			continue
		}
		if at, ok := first[s]; ok {
			r.duplicate(e, s, at)
			continue
		}
		first[s] = r.at(e)
		all = append(all, s)
	}
	return all
}

// text returns a string, which may be empty, and false when the value is absent or not a string. A string that some
// YAML reader takes for something else must be quoted, as kubectl has it too.
func (r *reader) text(v value) (string, bool) {
	if !v.given() {
		return "", false
	}
	n := v.node
	if n.Kind == yaml.ScalarNode && n.Tag == "!!str" && !(n.Style == 0 && isOldBool(n.Value)) {
		return n.Value, true
	}
	if n.Kind == yaml.ScalarNode && !isEmpty(n) {
		found := printable(n.Value)
		msg := fmt.Sprintf("Invalid value: %s: must be a string: quote it: \"%s\"", found, found)
		if isNull(n) {
			msg += ", or leave the field out"
		}
		r.note(v, Rule{Type: field.ErrorTypeTypeInvalid, Detail: "a string in quotes"}, found, msg)
		return "", false
	}
	r.wrongType(v, "a string")
	return "", false
}

// filled returns a string that is not empty, and false otherwise. An absent value is no mistake.
func (r *reader) filled(v value) (string, bool) {
	s, ok := r.text(v)
	if ok && s == "" {
		r.required(v, "must not be empty")
		return "", false
	}
	return s, ok
}

// flag returns a boolean, false when absent.
func (r *reader) flag(v value) bool {
	if !v.given() {
		return false
	}
	if v.node.Kind != yaml.ScalarNode || v.node.Tag != "!!bool" {
		r.wrongType(v, "true or false")
		return false
	}
	return strings.EqualFold(v.node.Value, "true")
}

// isEmpty reports whether a document or a field has nothing in it: null, but not written so.
func isEmpty(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Tag == "!!null" && n.Value == ""
}

// isNull reports whether a node is null, written or left out.
func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

// isOldBool reports whether YAML 1.1, which kubectl reads, takes a plain scalar for a boolean.
func isOldBool(s string) bool {
	switch strings.ToLower(s) {
	case "y", "n", "yes", "no", "on", "off":
		return true
	}
	return false
}

// isNumber reports whether a node is a number.
func isNumber(n *yaml.Node) bool { return n.Tag == "!!int" || n.Tag == "!!float" }

// child is the path of a key as the file has it; a root has no path of its own.
func child(p *field.Path, name string) *field.Path {
	name = printable(name)
	if p == nil {
		return field.NewPath(name)
	}
	return p.Child(name)
}
