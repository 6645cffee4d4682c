// Command house is a tool for go vet: it checks what the house promises and no compiler sees.
//
//	go vet -vettool=bin/house ./...
//
// Analyzers of others: exhaustive (in package view, each switch over codes has a case for all of them), errorlint (errors are
// compared with errors.Is and errors.AsType, and wrapped with %w) and dupword (no word stands twice in a comment). Our own: words and reasons, in this file,
// and english.
package main

import (
	"go/ast"
	"go/types"
	"strings"

	"codeberg.org/polyfloyd/go-errorlint/errorlint"
	"github.com/Abirdcfly/dupword"
	"github.com/nishanths/exhaustive/passes/exhaustive"
	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/unitchecker"
)

func main() {
	duplicates := dupword.NewAnalyzer()
	for flag, value := range map[string]string{
		"comments-only": "true", // a string may repeat a word: it holds arguments and names as they come
		"ignore":        "x",    // the mark in a table
	} {
		if err := duplicates.Flags.Set(flag, value); err != nil {
			panic(err)
		}
	}
	unitchecker.Main(only(exhaustive.Analyzer, "provision/internal/view"), errorlint.NewAnalyzer(), duplicates, words, reasons, english)
}

// only returns the analyzer for one package. Elsewhere a switch may well be about some of the codes.
func only(a *analysis.Analyzer, path string) *analysis.Analyzer {
	all := a.Run
	a.Run = func(pass *analysis.Pass) (any, error) {
		if pass.Pkg.Path() != path {
			return nil, nil
		}
		return all(pass)
	}
	return a
}

// words holds that package plan makes no text for the screen. A function that formats may be called there for an error, and
// where a comment says what else the text is for: //words:ignore REASON, on the line or above it.
var words = &analysis.Analyzer{
	Name: "words",
	Doc:  "package plan makes no text for the screen",
	Run: func(pass *analysis.Pass) (any, error) {
		if pass.Pkg.Path() != "provision/internal/plan" {
			return nil, nil
		}
		for _, file := range pass.Files {
			if isTest(pass, file) {
				continue
			}
			excepted := exceptions(pass, file)
			ast.Inspect(file, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok || !formats(pass.TypesInfo, call) || excepted[pass.Fset.Position(call.Pos()).Line] {
					return true
				}
				pass.ReportRangef(call, "package plan makes no text for the screen: give the value to package view, or say what the text is for (//words:ignore REASON)")
				return true
			})
		}
		return nil, nil
	},
}

// formats reports whether a call makes text of values: those of package fmt that do but Errorf, and usersfile's.
func formats(info *types.Info, call *ast.CallExpr) bool {
	selector, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	f, ok := info.Uses[selector.Sel].(*types.Func)
	if !ok || f.Pkg() == nil {
		return false
	}
	switch f.Pkg().Path() {
	case "fmt":
		return f.Name() != "Errorf" && !strings.Contains(f.Name(), "can")
	case "time":
		return f.Name() == "Format"
	case "provision/internal/usersfile":
		return f.Name() == "FormatDuration"
	}
	return false
}

// exceptions returns the lines that a words:ignore stands on or above.
func exceptions(pass *analysis.Pass, file *ast.File) map[int]bool {
	lines := map[int]bool{}
	for _, group := range file.Comments {
		for _, c := range group.List {
			if strings.HasPrefix(c.Text, "//words:ignore ") {
				line := pass.Fset.Position(c.Pos()).Line
				lines[line], lines[line+1] = true, true
			}
		}
	}
	return lines
}

// reasons holds that an exception from exhaustive, which itself takes no reason, stands below one.
var reasons = &analysis.Analyzer{
	Name: "reasons",
	Doc:  "an exception has its reason above it",
	Run: func(pass *analysis.Pass) (any, error) {
		for _, file := range pass.Files {
			for _, group := range file.Comments {
				if first := group.List[0]; strings.HasPrefix(first.Text, "//exhaustive:ignore") {
					pass.Reportf(first.Pos(), "an exception gives its reason, in a comment above it")
				}
			}
		}
		return nil, nil
	},
}

func isTest(pass *analysis.Pass, file *ast.File) bool {
	return strings.HasSuffix(pass.Fset.File(file.FileStart).Name(), "_test.go")
}
