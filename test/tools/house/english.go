package main

import (
	"go/token"
	"regexp"

	"golang.org/x/tools/go/analysis"
)

// rules are those of CONTRIBUTING for the English of comments, as far as a machine can see them.
var rules = []struct {
	wrong *regexp.Regexp
	right string
}{
	{regexp.MustCompile(`(?i)\bsays whether\b`), `a function "reports whether"`},
	{regexp.MustCompile(`(^// |\. )(What|Who|Whose|Whoever|Else) [a-z]`), "no sentence begins with a bare who, what or else"},
	{regexp.MustCompile(`(?i)\b(s?he|hers?|him|his|herself|himself)\b`), `users and operators are "they"`},
}

// english holds that comments of the product keep the rules.
var english = &analysis.Analyzer{
	Name: "english",
	Doc:  "comments keep the rules of CONTRIBUTING",
	Run: func(pass *analysis.Pass) (any, error) {
		for _, file := range pass.Files {
			if isTest(pass, file) {
				continue
			}
			for _, group := range file.Comments {
				for _, c := range group.List {
					for _, rule := range rules {
						if at := rule.wrong.FindStringIndex(c.Text); at != nil {
							pass.Reportf(c.Pos()+token.Pos(at[0]), "%s: %q", rule.right, c.Text[at[0]:at[1]])
						}
					}
				}
			}
		}
		return nil, nil
	},
}
