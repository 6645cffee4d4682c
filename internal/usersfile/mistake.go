package usersfile

import (
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// fail records a mistake in the words of the Kubernetes API.
func (r *reader) fail(v value, e *field.Error) {
	if s, ok := e.BadValue.(string); ok {
		e.BadValue = clip(s)
	}
	bad := ""
	if s, ok := e.BadValue.(string); ok && s != "" {
		bad = strconv.Quote(s)
	}
	r.note(v, Rule{Type: e.Type, Detail: e.Detail}, bad, e.ErrorBody())
}

// tell records a mistake in the words of the Kubernetes API whose detail repeats what the file has: found is that, and rule is
// the detail without it.
func (r *reader) tell(v value, e *field.Error, found, rule string) {
	r.note(v, Rule{Type: e.Type, Detail: rule}, found, e.ErrorBody())
}

// add records a mistake in words of our own, which repeat nothing of the file.
func (r *reader) add(v value, msg string) { r.note(v, Rule{Detail: msg}, "", msg) }

// note counts a mistake and lists it among the first maxErrors: the rule that it breaks, whose field is filled in here, and
// what the file has there.
func (r *reader) note(v value, rule Rule, found, msg string) {
	if r.mistakes++; len(r.errs) >= maxErrors {
		return
	}
	rule.Field = v.form
	e := Error{Pos: r.at(v), Msg: msg, Rule: rule, Value: found}
	if v.path != nil { // the root has none
		e.Field = v.path.String()
	}
	r.errs = append(r.errs, e)
}

func (r *reader) invalid(v value, bad, detail string) {
	r.fail(v, field.Invalid(v.path, bad, detail))
}

// required records that a value is missing, unless the file has it under a misspelt name: that was recorded.
func (r *reader) required(v value, detail string) {
	if !v.misspelt {
		r.fail(v, field.Required(v.path, detail))
	}
}

func (r *reader) duplicate(v value, bad string, first Pos) {
	e := field.Duplicate(v.path, bad)
	e.Detail = fmt.Sprintf("is at %s already", first)
	e.BadValue = clip(bad)
	r.tell(v, e, fmt.Sprintf("%q %s", e.BadValue, e.Detail), "")
}

// wrongType records that the value is not of the type that the field has.
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
	r.note(v, Rule{Type: field.ErrorTypeTypeInvalid, Detail: want}, found, "Invalid value: "+found+": must be "+want)
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
	return strings.ToValidUTF8(s[:most], "") + "..."
}
