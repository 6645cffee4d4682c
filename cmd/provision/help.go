package main

import (
	"embed"

	"github.com/alecthomas/kong"
)

// help has a text for each command, help/NAME.txt, that --help shows above its flags: what it does, examples, and how it exits.
//
//go:embed help
var help embed.FS

// describe gives each command its text. One that has none explains itself.
func describe(app *kong.Application) {
	for _, command := range app.Children {
		if text, err := help.ReadFile("help/" + command.Name + ".txt"); err == nil {
			command.Detail = string(text)
		}
	}
}
