package e2e_test

import (
	"os"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// forge edits a saved plan, which must have OLD: forge FILE OLD NEW.
func forge(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) == 3, "forge FILE OLD NEW")
	text := ts.ReadFile(args[0])
	forged := strings.ReplaceAll(text, args[1], args[2])
	if forged == text {
		ts.Fatalf("%s has no %q", args[0], args[1])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(forged), 0o600))
}
