package main

import (
	"fmt"

	"provision/internal/spec"
)

type validateCmd struct {
	fileFlags
}

func (c *validateCmd) Help() string {
	return `Checks everything that can be checked without a cluster, and reports all errors at once.

Examples:
  provision validate -f users.yaml
  cat users.yaml | provision validate -f -

Exit status: 0 valid, 1 errors.`
}

func (c *validateCmd) Run(s streams) error {
	sets, err := spec.Load(c.Filename, s.in)
	if err != nil {
		return err
	}
	for _, set := range sets {
		fmt.Fprintf(s.out, "%s: set %s is valid: %s, %s, %s\n", set.Pos.File, set.Name,
			plural(len(set.Users), "user"), plural(len(set.Groups), "group"), plural(len(set.Roles), "role"))
		for _, g := range set.SimilarGroups() {
			fmt.Fprintf(s.err, "%s %s: %s\n", s.errStyle.yellow("warning:"), g.Pos, similarGroupWords(g.User, g.Group, g.Defined))
		}
	}
	return nil
}
