package e2e_test

import (
	"os/exec"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

// age puts the program age into PATH, built from the module that the product uses: it is the other end of what is sealed.
func age(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) == 0, "age")
	ts.Check(buildAge())
}

// buildAge builds age and age-keygen.
var buildAge = sync.OnceValue(func() error {
	build := exec.Command("go", "build", "-o", bin, "filippo.io/age/cmd/age", "filippo.io/age/cmd/age-keygen")
	build.Dir = "../.."
	return build.Run()
})
