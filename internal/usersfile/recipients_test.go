package usersfile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
)

const (
	sshKey  = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
	sshHash = "SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU"
)

// ageKey makes a key of age: its public half and its private one.
func ageKey(t *testing.T) (public, private string) {
	t.Helper()
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return identity.Recipient().String(), identity.String()
}

// folderOf writes files, and a users file with one user of these fields. It returns the path of the users file.
func folderOf(t *testing.T, fields string, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	files["users.yaml"] = "apiVersion: provision/v1alpha1\nkind: Users\nname: team\nusers:\n  - name: jane\n" + fields
	for name, text := range files {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "users.yaml")
}

func TestRecipients(t *testing.T) {
	one, _ := ageKey(t)
	other, _ := ageKey(t)
	for _, c := range []struct {
		name, fields, file string
		want               []string // fingerprints and comments
	}{
		{"none", "", "", nil},
		{"here", "    recipients: ['" + sshKey + " jane@laptop', " + one + "]\n", "", []string{sshHash + " (jane@laptop)", one}},
		{"in a file", "    recipientsFile: keys/jane.txt\n", "\ufeff# jane's\r\n\r\n  " + sshKey + " jane@laptop\r\n" + one, []string{sshHash + " (jane@laptop)", one}},
		{"both", "    recipients: [" + one + "]\n    recipientsFile: ./keys/jane.txt\n", other + "\n", []string{one, other}},
	} {
		sets, err := Load([]string{folderOf(t, c.fields, map[string]string{"keys/jane.txt": c.file})}, nil, nil)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		var got []string
		for _, r := range sets[0].Users[0].Recipients {
			got = append(got, r.String())
		}
		if strings.Join(got, ", ") != strings.Join(c.want, ", ") {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// The digest of a set is that of its document alone, until that names a file.
func TestDigestOfFiles(t *testing.T) {
	one, _ := ageKey(t)
	other, _ := ageKey(t)
	digestOf := func(fields, file string) string {
		t.Helper()
		sets, err := Load([]string{folderOf(t, fields, map[string]string{"jane.txt": file})}, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		return sets[0].Digest
	}
	named := "    recipientsFile: jane.txt\n"
	if digestOf("", one) != digestOf("", other) {
		t.Error("a file that nothing names counts")
	}
	first, again := digestOf(named, one), digestOf(named, one)
	if first != again || first == digestOf(named, other) || first == digestOf(named, one+"\n") {
		t.Error("the file that is named does not count")
	}
}

// Each mistake stands at its line, and repeats nothing of what it is about.
func TestRecipientsRefused(t *testing.T) {
	one, private := ageKey(t)
	hybrid, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	quantum := hybrid.Recipient().String()
	_, secret, _ := strings.Cut(private, "1")
	outside := t.TempDir()
	if err := os.WriteFile(filepath.Join(outside, "key"), []byte(one), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, fields, file, want string }{
		{"no list", "    recipients: " + private + "\n", "", "users.yaml:6:17: users[0].recipients: Invalid value: must be a list of public keys"},
		{"an empty list", "    recipients: []\n", "", "users.yaml:6:17: users[0].recipients: Invalid value: must be a list"},
		{"an object", "    recipients: {" + private + ": 1}\n", "", "users.yaml:6:17: users[0].recipients: Invalid value: must be a list"},
		{"a number", "    recipients: [1]\n", "", "users.yaml:6:18: users[0].recipients[0]: Invalid value: must be a public key"},
		{"a private key", "    recipients: [" + one + ", " + private + "]\n", "", "recipients[1]: Invalid value: is a private key"},
		{"ECDSA", "    recipients: [ecdsa-sha2-nistp256 AAAA]\n", "", "recipients[0]: Invalid value: an ECDSA SSH key cannot be used"},
		{"post-quantum and other", "    recipients:\n      - " + one + "\n      - " + quantum + "\n", "", "users.yaml:7:7: users[0].recipients: Invalid value: mixes post-quantum"},
		{"twice", "    recipients: [" + one + "]\n    recipientsFile: key\n", one, "users[0].recipients: Invalid value: has one key twice"},
		{"a private key in the file", "    recipientsFile: key\n", "# jane\n" + private + "\n", "users.yaml:6:21: users[0].recipientsFile: Invalid value: line 2 of the file: is a private key"},
		{"a private key for a path", "    recipientsFile: " + private + "\n", "", "recipientsFile: Invalid value: there is no such file"},
		{"no key in the file", "    recipientsFile: key\n", "# none\n\n", "recipientsFile: Invalid value: the file has no public key"},
		{"no text", "    recipientsFile: key\n", "\xff\xfe", "the file is not UTF-8"},
		{"too many", "    recipientsFile: key\n", strings.Repeat(one+"\n", 17), "line 17 of the file: there are more than 16 keys"},
		{"too long", "    recipientsFile: key\n", strings.Repeat("#\n", maxRecipientsFile), "the file is too long: it must have at most 64 KiB"},
		{"not there", "    recipientsFile: keys/key\n", "", "there is no such file"},
		{"empty", "    recipientsFile: ''\n", "", "recipientsFile: Required value"},
		{"a directory", "    recipientsFile: .\n", "", "is a directory"},
		{"above", "    recipientsFile: ../users.yaml\n", "", "must be a path below the folder of the users file"},
		{"absolute", "    recipientsFile: " + filepath.Join(outside, "key") + "\n", "", "must be a path below the folder of the users file"},
		{"through a link", "    recipientsFile: link/key\n", "", "must be a path below the folder of the users file"},
		{"beside a request", "    recipients: [" + one + "]\n    request: none.csr\n", "", "recipients: must not stand beside a request"},
		{"for everybody", "defaults: {recipients: [" + one + "]}\n", "", "defaults.recipients: unknown field"},
	} {
		path := folderOf(t, c.fields, map[string]string{"key": c.file})
		if c.name == "through a link" {
			if err := os.Symlink(outside, filepath.Join(filepath.Dir(path), "link")); err != nil {
				t.Skip(err)
			}
		}
		sets, err := Load([]string{path}, nil, nil)
		if err == nil || len(sets) > 0 || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
			continue
		}
		checkErrors(t, err)
		if strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), one[4:]) {
			t.Errorf("%s: %v repeats a key", c.name, err)
		}
	}
}

// Standard input is in no folder.
func TestRecipientsFileOfStandardInput(t *testing.T) {
	text := "apiVersion: provision/v1alpha1\nkind: Users\nname: team\nusers:\n  - {name: jane, recipientsFile: key}\n"
	if _, err := Load([]string{"-"}, strings.NewReader(text), nil); err == nil || !strings.Contains(err.Error(), "<stdin>:5:34: users[0].recipientsFile: Invalid value: cannot be used with -f -") {
		t.Error(err)
	}
}
