package schema_test

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"

	"provision/internal/schema"
	"provision/internal/usersfile"
)

const head = "apiVersion: provision/v1alpha1\nkind: Users\n"

// mistakesOf are those of a users file, a line each; "": it has none.
func mistakesOf(text string) string {
	_, err := usersfile.Load([]string{usersfile.Stdin}, strings.NewReader(text), nil)
	if err == nil {
		return ""
	}
	return err.Error()
}

// TestSchemaHasTheFieldsOfTheReader holds that the JSON Schema, and so editors and explain, know just the fields that are read. The
// reader itself tells which: of something that is no object it says which fields one has there.
func TestSchemaHasTheFieldsOfTheReader(t *testing.T) {
	fieldsAt := func(path string) []string {
		// The file says 7 at the path, and objects and lists of them on the way.
		text, depth := "", 0
		for _, word := range strings.FieldsFunc(path, func(r rune) bool { return r == '.' }) {
			name, list := strings.CutSuffix(word, "[]")
			text += "\n" + strings.Repeat(" ", depth) + name + ":"
			depth += 2
			if list {
				text += "\n" + strings.Repeat(" ", depth) + "-"
				depth += 2
			}
		}
		mistakes := mistakesOf(head + "name: a" + text + " 7\n")
		line := regexp.MustCompile(`(?m): ` + regexp.QuoteMeta(numbered(path)) + `: .*must be an object \((.*)\)$`).FindStringSubmatch(mistakes)
		if line == nil {
			return nil
		}
		return strings.Split(line[1], ", ")
	}
	objects := 0
	var compare func(form, path string)
	compare = func(form, path string) {
		field, err := schema.Explain(path)
		if err != nil {
			t.Fatal(err)
		}
		var have []string
		for _, f := range field.Fields {
			have = append(have, f.Name())
		}
		var want []string
		if form == "" {
			if _, list, ok := strings.Cut(mistakesOf(head+"name: a\nnone: 7\n"), "unknown field; known are "); ok {
				list, _, _ = strings.Cut(list, "\n")
				want = strings.Split(list, ", ")
			}
		} else {
			want = fieldsAt(form)
		}
		if have, want := slices.Sorted(slices.Values(have)), slices.Sorted(slices.Values(want)); !slices.Equal(have, want) {
			t.Errorf("%q: the schema has %q, the reader %q: internal/schema/users.schema.json has to say the same", path, have, want)
		}
		if len(have) > 0 {
			objects++
		}
		for _, f := range field.Fields {
			form := strings.TrimPrefix(form+"."+f.Name(), ".")
			if f.Type == "list of objects" {
				form += "[]"
			}
			compare(form, f.Path)
		}
	}
	compare("", "")
	if objects < 9 {
		t.Errorf("only %d kinds of objects were compared", objects)
	}
}

// numbered is a path as mistakes have it, with the first of each list.
func numbered(path string) string { return strings.ReplaceAll(path, "[]", "[0]") }

func TestExplain(t *testing.T) {
	for path, want := range map[string]string{
		"users.roles.clusterRole":       "users.roles.clusterRole: string",
		"users[].roles[0].namespaces":   "users.roles.namespaces: list of strings",
		".users.":                       "users: list of objects",
		"":                              ": object",
		"cluster":                       "cluster: object",
		"users.generation":              "users.generation: whole number",
		"groups.shared":                 "groups.shared: true or false",
		"user.name":                     "the users file has no field user.name, but users",
		"users.clusterRole":             "the users file has no field users.clusterRole, but ",
		"users.roles.clusterrole":       "the users file has no field users.roles.clusterrole, but users.roles.clusterRole",
		"users.name.first":              "the users file has no field users.name.first, but ",
		"groups.roles.namespaces.items": "the users file has no field groups.roles.namespaces.items, but ",
	} {
		f, err := schema.Explain(path)
		got := f.Path + ": " + f.Type
		if unknown, ok := errors.AsType[*schema.UnknownError](err); ok {
			got = unknown.Error() + ", but " + unknown.Closest
		}
		if got != want {
			t.Errorf("%q: %q, not %q", path, got, want)
		}
	}
}

// TestEveryFieldIsExplained holds that editors and explain have a sentence and an example of each field, and that the defaults are
// those of the reader.
func TestEveryFieldIsExplained(t *testing.T) {
	defaults := map[string]string{
		"defaults.duration": usersfile.FormatDuration(usersfile.DefaultDuration), "defaults.keyAlgorithm": string(usersfile.KeyAlgorithms()[0]),
		"defaults.renewBefore": usersfile.RenewBefore{Share: usersfile.DefaultRenewBefore}.String(), "ledger.namespace": usersfile.DefaultLedgerNamespace,
		"groups.bindTo": string(usersfile.BindToMembers),
	}
	for _, path := range schema.Paths() {
		f, err := schema.Explain(path)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(f.Description, ".") || f.Example == "" || f.Type == "" {
			t.Errorf("%s: give it a description that ends with a full stop, an example and a type: %+v", path, f)
		}
		if want, ok := defaults[path]; ok && f.Default != want {
			t.Errorf("%s: the default is %q, not %q", path, want, f.Default)
		}
		delete(defaults, path)
	}
	for path := range defaults {
		t.Errorf("the schema has no %s", path)
	}
	var kinds []string
	for _, k := range usersfile.KeyAlgorithms() {
		kinds = append(kinds, string(k))
	}
	if f, err := schema.Explain("users.keyAlgorithm"); err != nil || !slices.Equal(f.Values, kinds) {
		t.Errorf("the schema has the key algorithms %q, the reader %q (%v)", f.Values, kinds, err)
	}
}
