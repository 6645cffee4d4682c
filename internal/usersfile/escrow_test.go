package usersfile

import (
	"os"
	"strings"
	"testing"

	"filippo.io/age"
)

// withEscrow is a users file in which jane and joe have recipients and max has none, and an escrow.
func withEscrow(t *testing.T, escrow, jane, joe string) string {
	t.Helper()
	path := folderOf(t, "    recipients: ["+jane+"]\n  - {name: max}\n  - {name: joe, recipients: ["+joe+"]}\nescrow: "+escrow+"\n", map[string]string{})
	return path
}

// A sealed key is open to the escrow too, and nobody else's is.
func TestEscrow(t *testing.T) {
	jane, _ := ageKey(t)
	joe, _ := ageKey(t)
	safe, _ := ageKey(t)
	sets, err := Load([]string{withEscrow(t, "["+safe+" the safe, "+joe+"]", jane, joe)}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{jane + ", " + safe + " (the safe), " + joe, "", joe + ", " + safe + " (the safe)"} {
		var got []string
		for _, r := range sets[0].Users[i].Recipients {
			got = append(got, r.String())
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("%s: %q, want %q", sets[0].Users[i].Name, got, want)
		}
	}
	if len(sets[0].Escrow) != 2 {
		t.Errorf("%v", sets[0].Escrow)
	}
}

func TestEscrowRefused(t *testing.T) {
	jane, _ := ageKey(t)
	joe, private := ageKey(t)
	_, secret, _ := strings.Cut(private, "1")
	hybrid, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	many := make([]string, 16)
	for i := range many {
		many[i], _ = ageKey(t)
	}
	for _, c := range []struct{ name, escrow, want string }{
		{"no list", joe, "users.yaml:9:9: escrow: Invalid value: must be a list of public keys"},
		{"an empty list", "[]", "users.yaml:9:9: escrow: Invalid value: must be a list of public keys"},
		{"a private key", "[" + joe + ", " + private + "]", "escrow[1]: Invalid value: is a private key"},
		{"ECDSA", "[ecdsa-sha2-nistp256 AAAA]", "escrow[0]: Invalid value: an ECDSA SSH key cannot be used"},
		{"twice", "[" + jane + ", " + jane + " again]", "escrow: Invalid value: has one key twice"},
		{"post-quantum beside others", "[" + hybrid.Recipient().String() + "]", "users.yaml:5:5: mixes post-quantum keys"},
		{"too many with the user's", "[" + strings.Join(many, ", ") + "]", "users.yaml:5:5: must be at most 16 keys"},
		{"of one user", "[" + joe + "]\ndefaults: {escrow: [" + joe + "]}", "defaults.escrow: unknown field"},
	} {
		sets, err := Load([]string{withEscrow(t, c.escrow, jane, joe)}, nil, nil)
		if err == nil || len(sets) > 0 || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
			continue
		}
		checkErrors(t, err)
		if strings.Contains(err.Error(), secret) || strings.Count(err.Error(), "users.yaml") > 2 {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	path := withEscrow(t, "["+joe+"]", jane, joe)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text = []byte(strings.NewReplacer("    recipients: ["+jane+"]\n", "", ", recipients: ["+joe+"]", "").Replace(string(text)))
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load([]string{path}, nil, nil); err == nil || !strings.Contains(err.Error(), "users.yaml:8:9: escrow: must not stand where no user has recipients") {
		t.Error(err)
	}
}
