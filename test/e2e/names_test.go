package e2e_test

import (
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// plainNames are the scripts whose files may have names that are no set's own, and why they disturb nobody.
var plainNames = map[string]string{
	"invalid-files":       "the files are refused",
	"file-draws-no-lines": "the file is refused",
	"names-in-the-file":   "the files are refused, or only validated",
	"names":               "the names are what it is about, and no other story has such",
	"command-line":        "it applies none of them",
}

// TestSharedScriptsKeepTheirNames refuses a script that grants rights to, or makes a certificate for, a user or a group that
// another script may have as well: they share a control plane and run beside each other, so what one gives to ann, the
// others see of theirs.
func TestSharedScriptsKeepTheirNames(t *testing.T) {
	t.Parallel()
	scripts, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	left := maps.Clone(plainNames)
	for _, path := range scripts {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(path), ".txtar")
		found := bareNames(archive)
		if _, known := left[name]; known && len(found) > 0 {
			delete(left, name)
			continue
		}
		for _, bare := range found {
			t.Errorf("%s: %s is a name that other stories may have, and they run on the same control plane: call it $SET-%s ('$SET' outside of quotes in a pattern)",
				path, bare, strings.Trim(bare, `"'`))
		}
	}
	for name := range left {
		t.Errorf("plainNames has %s, which has no such name", name)
	}
}

func TestBareNames(t *testing.T) {
	for _, c := range []struct{ script, want string }{
		{"-- a --\nkind: Users\nusers:\n  - {name: ann}\n  - name: \"bob\"\n", "\"bob\" ann"},
		{"-- a --\nkind: Users\nusers: [{name: ann}, {name: $SET-bob}]\n", "ann"},
		{"-- a --\nkind: Users\nroles:\n  - {name: reader}\ngroups:\n  - {name: dev}\nusers:\n  - {name: $SET-ann, roles: [{role: x}]}\n", "dev"},
		{"-- a --\nusers:\n- name: bob\n", ""},
		{"-- a --\nsubjects: [{kind: User, name: eve}, {kind: Group, name: $SET:dev}, {kind: ServiceAccount, name: ci}]\n", "eve"},
		{"-- a --\nsubjects:\n- apiGroup: x\n  kind: Group\n  name: dev\n", "dev"},
		{"-- a --\nsubjects: [{kind: Group, name: \"system:authenticated\"}]\n", ""},
		{"exec kubectl create rolebinding x --clusterrole=view --user=ann\nexec sh -c 'kubectl create clusterrolebinding x --group=dev'\n", "ann dev"},
		{"exec kubectl create rolebinding x --clusterrole=view --user=$SET-ann --group=system:authenticated\n", ""},
		{"stdout 'kubectl create rolebinding x --user=ann'\nexec kubectl config set-context c --user=ann\n", ""},
	} {
		if got := strings.Join(bareNames(txtar.Parse([]byte(c.script))), " "); got != c.want {
			t.Errorf("%q: %q, want %q", c.script, got, c.want)
		}
	}
}

var (
	createsBinding = regexp.MustCompile(`(?m)^[^#\n]*\b(?:exec|eventually|exit \d+|begin \S+)\b.*\bkubectl\b.* create (?:cluster)?rolebinding .*$`)
	subjectFlag    = regexp.MustCompile(`--(?:user|group)[= ]([^\s';|&)]+)`)
	subject        = regexp.MustCompile(`kind: (?:User|Group),?\s+name: *("[^"]*"|'[^']*'|[^,}\s]+)`)
	topLevel       = regexp.MustCompile(`(?m)^(\w+):`)
	item           = regexp.MustCompile(`(?m)(?:^  - |^users: \[|\}, )\{?name: *("[^"]*"|'[^']*'|[^,}\]\s]+)`)
)

// bareNames are the users and groups that a script gives rights or certificates to and that have not the set in their name,
// sorted: in users files, in manifests of bindings, and in kubectl create.
func bareNames(script *txtar.Archive) []string {
	var names []string
	add := func(matches [][]string) {
		for _, m := range matches {
			if plain := strings.Trim(m[1], `"'`); !strings.Contains(plain, "$SET") && !strings.Contains(plain, "$NS") && !strings.HasPrefix(plain, "system:") {
				names = append(names, m[1])
			}
		}
	}
	for _, line := range createsBinding.FindAllString(string(script.Comment), -1) {
		if !strings.Contains(line, "--dry-run") {
			add(subjectFlag.FindAllStringSubmatch(line, -1))
		}
	}
	for _, file := range script.Files {
		text := string(file.Data)
		add(subject.FindAllStringSubmatch(text, -1))
		if !strings.Contains(text, "kind: Users") {
			continue
		}
		parts := topLevel.FindAllStringSubmatchIndex(text, -1)
		for i, part := range parts {
			end := len(text)
			if i+1 < len(parts) {
				end = parts[i+1][0]
			}
			if key := text[part[2]:part[3]]; key == "users" || key == "groups" {
				add(item.FindAllStringSubmatch(text[part[0]:end], -1))
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
