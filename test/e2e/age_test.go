package e2e_test

import (
	"sync"

	"github.com/rogpeppe/go-internal/testscript"

	"provision/test/internal/harness"
)

// age puts the program age into PATH, built from the module that the product uses: it is the other end of what is sealed.
func age(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) == 0, "age")
	_, err := tools()
	ts.Check(err)
}

// tools are the programs with which people make and open what they keep.
var tools = sync.OnceValues(func() (harness.Tools, error) { return harness.FindTools("../..", bin) })
