package view

// Verb is what a change is called where its plan is shown and asked about.
type Verb struct {
	Command  string // to be run again: provision apply
	question string // what a person is asked, before the names of the sets
	nothing  string // what is said of a plan that does nothing; "": how much is as the file says
}

// The changes that there are.
var (
	Apply = Verb{Command: "provision apply", question: "Apply these changes to"}

	Revoke = Verb{Command: "provision revoke", question: "Revoke in",
		nothing: "nothing to revoke: no binding of the set, no kubeconfig and no record is left to change"}

	Unblock = Verb{Command: "provision unblock", question: "Unblock in",
		nothing: "nothing to unblock"}

	Destroy = Verb{Command: "provision destroy", question: "Destroy",
		nothing: "nothing to destroy: no role, no binding and no kubeconfig of the set is there"}
)
