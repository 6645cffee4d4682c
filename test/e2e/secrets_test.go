package e2e_test

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
	"sigs.k8s.io/yaml"

	"provision/test/internal/harness"
)

// secrets takes every private key that is in a folder, in kubeconfigs and in
// the journal, and looks for any piece of it in the files.
//
//	[!] secrets FOLDER FILE...
//
// With ! there must be some in each file: so a script shows that it would find
// them.
func secrets(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: [!] secrets FOLDER FILE...")
	}
	known, err := secretsOf(ts.MkAbs(args[0]))
	ts.Check(err)
	if len(known) == 0 {
		ts.Fatalf("no private keys in %s", args[0])
	}
	ts.Logf("%d pieces of private keys", len(known))
	for _, name := range args[1:] {
		data := ts.ReadFile(name)
		found := known.In([]byte(data + dumped(data)))
		switch {
		case len(found) > 0 && !neg:
			ts.Fatalf("%s holds secrets: %s", name, strings.Join(found, ", "))
		case len(found) == 0 && neg:
			ts.Fatalf("%s holds no secrets", name)
		}
	}
}

// dumpLine is a line of a hexadecimal dump, as client-go logs binary bodies.
var dumpLine = regexp.MustCompile(`(?m)^\s*[0-9a-f]{8}  ((?:[0-9a-f]{2} {1,2}){1,16})`)

// dumped is what the hexadecimal dumps in a log say.
func dumped(log string) string {
	var b strings.Builder
	for _, line := range dumpLine.FindAllStringSubmatch(log, -1) {
		bytes, err := hex.DecodeString(strings.ReplaceAll(line[1], " ", ""))
		if err == nil {
			b.Write(bytes)
		}
	}
	return b.String()
}

// secretsOf gathers what is secret of every key below a folder.
func secretsOf(dir string) (harness.Secrets, error) {
	known := harness.Secrets{}
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var keys [][]byte
		switch filepath.Ext(path) {
		case ".kubeconfig":
			var config struct {
				Users []struct {
					User struct {
						Key []byte `json:"client-key-data"`
					}
				}
			}
			if err := yaml.Unmarshal(data, &config); err != nil {
				return nil // a broken one that a script has put there
			}
			for _, u := range config.Users {
				keys = append(keys, u.User.Key)
			}
		case ".key": // its owner's
			keys = append(keys, data)
		case ".json":
			var journal struct {
				PrivateKey string
			}
			if err := json.Unmarshal(data, &journal); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			keys = append(keys, []byte(journal.PrivateKey))
		}
		for _, key := range keys {
			if len(key) == 0 {
				continue
			}
			if err := known.Add(key, filepath.Base(path)); err != nil {
				return err
			}
		}
		return nil
	})
	return known, err
}
