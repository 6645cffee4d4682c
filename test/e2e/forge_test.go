package e2e_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// forge edits a saved plan as somebody would who knows how its digest is made: forge FILE OLD NEW.
func forge(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) == 3, "forge FILE OLD NEW")
	var file struct {
		Digest  string          `json:"digest"`
		Content json.RawMessage `json:"content"`
	}
	text := ts.ReadFile(args[0])
	ts.Check(json.Unmarshal([]byte(text), &file))
	if digest(ts, file.Content) != file.Digest {
		ts.Fatalf("the digest in %s is made in another way", args[0])
	}
	content := strings.ReplaceAll(string(file.Content), args[1], args[2])
	if content == string(file.Content) {
		ts.Fatalf("%s has no %q", args[0], args[1])
	}
	text = strings.Replace(text, string(file.Content), content, 1)
	text = strings.Replace(text, file.Digest, digest(ts, []byte(content)), 1)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
}

func digest(ts *testscript.TestScript, content []byte) string {
	var compact bytes.Buffer
	ts.Check(json.Compact(&compact, content))
	sum := sha256.Sum256(compact.Bytes())
	return "sha256:" + hex.EncodeToString(sum[:])
}
