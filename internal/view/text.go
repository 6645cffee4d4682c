package view

import (
	"errors"
	"strings"
	"sync"
	"text/template"

	rbacv1 "k8s.io/api/rbac/v1"

	"provision/internal/hint"
	"provision/internal/plan"
	"provision/internal/usersfile"
)

// textFunctions are what texts use besides the fields and methods of what they are about.
var textFunctions = template.FuncMap{
	"time": timeWords, "moment": momentWords, "ends": endsWithLines, "duration": usersfile.FormatDuration, "quoted": plan.Quoted, "orDash": orDash, "key": shortKey, "since": sinceWords, "generation": generationWords, "shell": hint.ShellWord, "plural": Plural, "shortened": shortened,
	"object": objectName, "objects": objectNames, "subjects": subjectTexts, "holders": holderTexts, "addresses": addressTexts,
	"where": whereWords, "role": roleObject, "roleReach": roleReach, "grantee": grantedTo, "grants": grantedBy,
	"rules": func(list []rbacv1.PolicyRule) string { return strings.Join(ruleTexts(list), "; ") },
	"cause": func(text string) string { return OneLine(errors.New(text)) },
	"clock": clockWords, "moveLedger": moveLedger, "wayOutOfSet": wayOutOfSet,
	"misspelt": func(w plan.Warning) bool { return misplacement(w) == misspelt },
}

// compiled holds the texts that were used, each as a *template.Template.
var compiled sync.Map

// fill completes a text of a table, which is a template of package text/template, from what it is about. It is safe for concurrent
// use. A text that names what is not there is a mistake of the table: the tests, which use every text, would show the error.
func fill(text string, about any) string {
	t, ok := compiled.Load(text)
	if !ok {
		t, _ = compiled.LoadOrStore(text, template.Must(template.New("").Funcs(textFunctions).Parse(text)))
	}
	var b strings.Builder
	if err := t.(*template.Template).Execute(&b, about); err != nil {
		return err.Error()
	}
	return b.String()
}
