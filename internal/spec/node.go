package spec

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// reader walks one document and gathers its mistakes. It goes on after each, so that all are told at once.
type reader struct {
	file     string
	seen     *seen
	reserved map[string]bool // allowReserved of this document
	errs     Errors
}

// value is a field or an element of the document: its node and the path that leads to it.
type value struct {
	node   *yaml.Node // nil when the file does not say it
	parent *yaml.Node // where a missing field is reported
	path   *field.Path
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

// fail records a mistake in the words of the Kubernetes API.
func (r *reader) fail(v value, e *field.Error) {
	if s, ok := e.BadValue.(string); ok {
		e.BadValue = clip(s)
	}
	r.add(v, e.ErrorBody())
}

// add records a mistake in words of our own.
func (r *reader) add(v value, msg string) {
	e := Error{Pos: r.at(v), Msg: msg}
	if v.path != nil { // the root has none
		e.Field = v.path.String()
	}
	r.errs = append(r.errs, e)
}

func (r *reader) invalid(v value, bad, detail string) {
	r.fail(v, field.Invalid(v.path, bad, detail))
}

func (r *reader) required(v value, detail string) {
	r.fail(v, field.Required(v.path, detail))
}

func (r *reader) duplicate(v value, bad string, first Pos) {
	e := field.Duplicate(v.path, bad)
	e.Detail = fmt.Sprintf("is at %s already", first)
	r.fail(v, e)
}

// wrongType records that a node is not what the field holds.
func (r *reader) wrongType(v value, want string) {
	var found string
	switch n := v.node; {
	case n.Kind == yaml.MappingNode:
		found = "an object"
	case n.Kind == yaml.SequenceNode:
		found = "a list"
	case isEmpty(n):
		r.required(v, "must be "+want+", and there is nothing")
		return
	case n.Tag == "!!str":
		found = strconv.Quote(clip(n.Value))
	default:
		found = printable(n.Value)
	}
	if found == "" {
		found = `""`
	}
	r.add(v, "Invalid value: "+found+": must be "+want)
}

// object is a mapping whose keys have been checked.
type object struct {
	value
	fields []string // in the order of values
	values []*yaml.Node
}

// object reads a mapping with the given fields; unknown and repeated keys are errors. What is not a mapping gives an
// object without any field and false.
func (r *reader) object(v value, fields ...string) (object, bool) {
	o := object{value: v, fields: fields, values: make([]*yaml.Node, len(fields))}
	if v.node.Kind != yaml.MappingNode {
		r.wrongType(v, "an object")
		return o, false
	}
	var unknown map[string]*yaml.Node
	for i := 0; i+1 < len(v.node.Content); i += 2 {
		key := v.node.Content[i]
		if key.Kind != yaml.ScalarNode {
			r.add(value{node: key, path: v.path}, "a field's name must be a string; known are "+strings.Join(fields, ", "))
			continue
		}
		f := slices.Index(fields, key.Value)
		if f < 0 {
			if first, ok := unknown[key.Value]; ok {
				r.duplicate(value{node: key, path: child(v.path, key.Value)}, key.Value, r.pos(first))
				continue
			}
			if unknown == nil {
				unknown = map[string]*yaml.Node{}
			}
			unknown[key.Value] = key
			r.unknownField(v, key, fields)
			continue
		}
		if first := o.values[f]; first != nil {
			r.duplicate(value{node: key, path: child(v.path, key.Value)}, key.Value, r.pos(first))
			continue
		}
		o.values[f] = v.node.Content[i+1]
	}
	return o, true
}

func (r *reader) unknownField(v value, key *yaml.Node, fields []string) {
	msg := "unknown field; known are " + strings.Join(fields, ", ")
	if s := Closest(key.Value, fields); s != "" {
		msg = fmt.Sprintf("unknown field (did you mean %q?)", s)
	}
	r.add(value{node: key, path: child(v.path, key.Value)}, msg)
}

// get returns a field, which must be one of those that the object was read with.
func (o object) get(name string) value {
	path := field.NewPath(name)
	if o.path != nil {
		path = o.path.Child(name)
	}
	return value{node: o.values[slices.Index(o.fields, name)], parent: o.node, path: path}
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
		all[i] = value{node: n, parent: v.node, path: v.path.Index(i)}
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
		r.add(v, msg)
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

// child is the path of a key as the file has it; a root has no path of its own.
func child(p *field.Path, name string) *field.Path {
	name = printable(name)
	if p == nil {
		return field.NewPath(name)
	}
	return p.Child(name)
}

// printable makes a word of the file fit for one line of an error.
func printable(s string) string {
	q := strconv.Quote(clip(s))
	return strings.ReplaceAll(q[1:len(q)-1], `\"`, `"`)
}

// clip shortens what an error repeats of the file.
func clip(s string) string {
	const most = 120
	if len(s) <= most {
		return s
	}
	cut := most
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "..."
}

// Closest returns the one of the known words that a misspelt one was most likely meant to be, or "".
func Closest(word string, known []string) string {
	best, least := "", 3
	for _, k := range known {
		if strings.EqualFold(k, word) {
			return k
		}
		if len(word) > 2*len(k) {
			continue
		}
		if d := distance(word, k); d < least && d*2 < len(k) {
			best, least = k, d
		}
	}
	return best
}

// distance counts the bytes to insert, delete, replace or swap with the next to turn a into b.
func distance(a, b string) int {
	before, row := []int(nil), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		next := make([]int, len(b)+1)
		next[0] = i + 1
		for j := range len(b) {
			change := row[j]
			if a[i] != b[j] {
				change++
			}
			next[j+1] = min(change, row[j+1]+1, next[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				next[j+1] = min(next[j+1], before[j-1]+1)
			}
		}
		before, row = row, next
	}
	return row[len(b)]
}

// isNumber reports whether a node is a number, which no field of a users file is.
func isNumber(n *yaml.Node) bool { return n.Tag == "!!int" || n.Tag == "!!float" }
