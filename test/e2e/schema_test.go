package e2e_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

// TestSchemaAgreesWithTheReader holds that an editor shows no mistake where provision reads a users file, in all the files that there
// are to test either, and that the two refuse the mistakes that people make.
func TestSchemaAgreesWithTheReader(t *testing.T) {
	t.Parallel()
	schema := usersSchema(t)
	dir := t.TempDir()
	var refused []string
	accepted := 0
	for i, text := range usersFiles(t) {
		if accepts(schema, text) == nil {
			accepted++
			continue
		}
		file := filepath.Join(dir, fmt.Sprintf("%04d.yaml", i))
		if err := os.WriteFile(file, text, 0o644); err != nil {
			t.Fatal(err)
		}
		refused = append(refused, file)
	}
	if accepted < 30 || len(refused) < 30 {
		t.Errorf("the schema accepts %d of the files and refuses %d: are they there?", accepted, len(refused))
	}
	told := mistakes(t, refused...)
	for _, file := range refused {
		// A mistake of two files is none of each.
		if own := strings.Split(told, file+":"); len(own) == 1 || len(own)-1 == strings.Count(told, ": Duplicate value") {
			if text := mistakes(t, file); text == "" {
				content, _ := os.ReadFile(file)
				t.Errorf("provision reads what the schema refuses (%v):\n%s", accepts(schema, content), content)
			}
		}
	}
}

// usersFiles are the texts of all users files of the tests, wrong ones too, and of some that fuzzing has found on this machine.
func usersFiles(t *testing.T) [][]byte {
	var texts [][]byte
	for _, pattern := range []string{"../../internal/usersfile/testdata/*.yaml", "../../internal/usersfile/testdata/*/*.yaml", "../../examples/users.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			texts = append(texts, text)
		}
	}
	scripts, err := filepath.Glob("testdata/*/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, script := range scripts {
		archive, err := txtar.ParseFile(script)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range archive.Files {
			if bytes.Contains(f.Data, []byte("kind: Users\n")) {
				texts = append(texts, []byte(strings.NewReplacer("$SET", "story", "$NS", "story").Replace(string(f.Data))))
			}
		}
	}
	return append(texts, fuzzed(t)...)
}

// mostFuzzed is how many texts of the fuzzer are tried.
const mostFuzzed = 500

// fuzzed are texts that the fuzzer of the reader has found, which Go keeps in its cache; none on a new machine.
func fuzzed(t *testing.T) [][]byte {
	cache, err := exec.Command("go", "env", "GOCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(cache)), "fuzz/provision/internal/usersfile/FuzzLoad/*"))
	if err != nil {
		t.Fatal(err)
	}
	var texts [][]byte
	for _, file := range files[:min(len(files), mostFuzzed)] {
		data, err := os.ReadFile(file)
		if err != nil {
			continue // the fuzzer has taken it back
		}
		_, value, _ := strings.Cut(string(data), "\n[]byte(")
		if text, err := strconv.Unquote(strings.TrimSuffix(strings.TrimSpace(value), ")")); err == nil {
			texts = append(texts, []byte(text))
		}
	}
	return texts
}

// TestSchemaRefusesMistakes holds that an editor shows what people do wrong.
func TestSchemaRefusesMistakes(t *testing.T) {
	t.Parallel()
	schema := usersSchema(t)
	const head = "apiVersion: provision/v1alpha1\nkind: Users\n"
	wrong := []string{
		"apiVersion: v1\nkind: Users\nname: x\nusers: [{name: a}]\n",
		"apiVersion: provision/v1alpha1\nkind: User\nname: x\nusers: [{name: a}]\n",
		"kind: Users\nname: x\nusers: [{name: a}]\n",
		head + "users: [{name: a}]\n",
		head + "name: x\n",
		head + "name: x\nusers: []\n",
		head + "name: Not_A_Label\nusers: [{name: a}]\n",
		head + "name: " + strings.Repeat("x", 41) + "\nusers: [{name: a}]\n",
		head + "name: x\nmetadata: {name: x}\nusers: [{name: a}]\n",
	}
	in := func(text string) { wrong = append(wrong, head+"name: x\nusers: [{name: a}]\n"+text+"\n") }
	user := func(fields string) {
		wrong = append(wrong, head+"name: x\ngroups: [{name: g, bindTo: Group}]\nusers: [{name: a, "+fields+"}]\n")
	}
	for _, text := range []string{
		"cluster: prod", "cluster: {server: 'http://a'}", "cluster: {server: a:6443}", "cluster: {uid: kube-system}", "cluster: {contxt: a}",
		"cluster: {certificateAuthorityData: '-----BEGIN CERTIFICATE-----'}", "cluster: {proxyURL: 'ftp://a'}", "cluster: {proxyURL: null}",
		"ledger: {namespace: Not_A_Label}", "ledger: {namespace: null}",
		"defaults: {duration: 30}", "defaults: {duration: 30 days}", "defaults: {duration: 1y}", "defaults: {keyAlgorithm: RSA}", "defaults: {renewBefore: 33}",
		"defaults: {renewBefore: a third}", "defaults: {renewElsewhere: 'yes'}", "defaults: {recipients: [age1x]}", "defaults: {groups: [a]}",
		"roles: {name: a}", "roles: [{name: a}]", "roles: [{name: a, rules: []}]", "roles: [{name: a/b, rules: [{apiGroups: [''], resources: [pods], verbs: [get]}]}]",
		"roles: [{name: a, namespaces: [], rules: [{apiGroups: [''], resources: [pods], verbs: [get]}]}]",
		"roles: [{name: a, rules: [{apiGroups: [''], resources: [pods]}]}]", "roles: [{name: a, rules: [{resources: [pods], verbs: [get]}]}]",
		"roles: [{name: a, rules: [{apiGroups: [''], verbs: [get]}]}]",
		"roles: [{name: a, rules: [{apiGroups: [''], resources: [pods], nonResourceURLs: [/x], verbs: [get]}]}]",
		"groups: [{roles: [{clusterRole: view}]}]", "groups: [{name: g, bindTo: members}]", "groups: [{name: g, shared: true}]", "groups: [{name: g, bindTo: Group, inCertificate: false}]",
		"groups: [{name: 'provision:g'}]", "groups: [{name: 'system:masters'}]", "groups: [{name: g, role: view}]", "groups: [{name: g, members: [a]}]",
		"allowReserved: true", "allowReserved: [a, a]",
	} {
		in(text)
	}
	for _, fields := range []string{
		"group: [g]", "groups: g", "groups: [g, g]", "groups: [1]", "groups: ['system:masters']", "duration: 8", "keyAlgorithm: rsa-2048", "namespace: A", "namespace: null",
		"generation: 0", "generation: '2'", "generation: 1.5", "generation: 1000000000", "reuse: 'true'", "renewBefore: 110",
		"roles: [view]", "roles: [{}]", "roles: [{role: a}]", "roles: [{role: a, namespaces: []}]", "roles: [{role: a, clusterRole: b, namespaces: [c]}]",
		"roles: [{clusterRole: view, namespace: a}]", "roles: [{clusterRole: view, namespaces: a}]", "roles: [{clusterRole: view, namespaces: [a, a]}]", "roles: [{clusterRole: 'a/b'}]",
		"recipients: []", "recipients: age1x", "recipients: null", "request: ''", "request: a.csr, recipients: [age1x]", "request: a.csr, keyAlgorithm: Ed25519", "email: a@b",
		"until: tomorrow", "until: 2027-02-01T18:00:00", "until: 30d", "until: null", "roles: [{clusterRole: view, until: 2027}]",
	} {
		user(fields)
	}
	wrong = append(wrong, head+"name: x\nusers: [{groups: [g]}]\n", head+"name: x\nusers: [a]\n", head+"name: x\nusers: [{name: 5}]\n", head+"name: x\nusers: [{name: ''}]\n",
		head+"name: x\nusers: [{name: "+strings.Repeat("x", 65)+"}]\n", head+"name: x\nusers: {a: {}}\n")
	dir := t.TempDir()
	var files []string
	for i, text := range wrong {
		if accepts(schema, []byte(text)) == nil {
			t.Errorf("the schema accepts\n%s", text)
		}
		file := filepath.Join(dir, fmt.Sprintf("%03d.yaml", i))
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	told := mistakes(t, files...)
	for i, file := range files {
		if !strings.Contains(told, file+":") {
			t.Errorf("provision reads\n%s", wrong[i])
		}
	}
}

// usersSchema is what provision schema prints.
func usersSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text, err := exec.Command(filepath.Join(bin, "provision"), "schema").Output()
	if err != nil {
		t.Fatal(err)
	}
	schema, err := compileSchema("users", text)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func compileSchema(name string, text []byte) (*jsonschema.Schema, error) {
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource(name+".schema.json", document); err != nil {
		return nil, err
	}
	return compiler.Compile(name + ".schema.json")
}

// accepts is what the schema finds wrong with the documents of a file.
func accepts(schema *jsonschema.Schema, text []byte) error {
	for decoder := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var document any
		err := decoder.Decode(&document)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if document == nil {
			continue
		}
		if err := schema.Validate(asJSON(document)); err != nil {
			return err
		}
	}
}

// asJSON is a value of YAML as one of JSON, which has neither dates nor names that are no text.
func asJSON(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for name := range v {
			v[name] = asJSON(v[name])
		}
	case map[any]any:
		object := map[string]any{}
		for name, inner := range v {
			object[fmt.Sprint(name)] = asJSON(inner)
		}
		return object
	case []any:
		for i := range v {
			v[i] = asJSON(v[i])
		}
	case time.Time, []byte:
		return 0
	}
	return value
}

// mistakes are what provision finds wrong with files; "": nothing.
func mistakes(t *testing.T, files ...string) string {
	t.Helper()
	args := []string{"validate", "--show-all"}
	for _, file := range files {
		args = append(args, "-f", file)
	}
	var told bytes.Buffer
	c := exec.Command(filepath.Join(bin, "provision"), args...)
	c.Stderr = &told
	if err := c.Run(); err == nil {
		return ""
	}
	return told.String()
}
