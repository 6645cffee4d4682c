package main

import _ "embed"

// The texts are those that --help shows of each command above its flags: what it does, examples, and how it exits.
var (
	//go:embed help/apply.txt
	applyHelp string
	//go:embed help/destroy.txt
	destroyHelp string
	//go:embed help/plan.txt
	planHelp string
	//go:embed help/revoke.txt
	revokeHelp string
	//go:embed help/status.txt
	statusHelp string
	//go:embed help/validate.txt
	validateHelp string
	//go:embed help/verify.txt
	verifyHelp string
)

func (*applyCmd) Help() string    { return applyHelp }
func (*destroyCmd) Help() string  { return destroyHelp }
func (*planCmd) Help() string     { return planHelp }
func (*revokeCmd) Help() string   { return revokeHelp }
func (*statusCmd) Help() string   { return statusHelp }
func (*validateCmd) Help() string { return validateHelp }
func (*verifyCmd) Help() string   { return verifyHelp }
