package main

import (
	"embed"
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"provision/internal/completion"
	"provision/internal/hint"
	"provision/internal/usersfile"
	"provision/internal/view"
)

// help has a text for each command, help/NAME.txt, that --help shows above its flags: what it does, examples, and how it exits. In
// help/topics are those of the command help.
//
//go:embed help
var help embed.FS

// describe gives each command its text. One that has none explains itself.
func describe(app *kong.Application) {
	app.HelpFlag.Help = "Show this help."
	for _, command := range app.Children {
		if text, err := help.ReadFile("help/" + command.Name + ".txt"); err == nil {
			command.Detail = string(text)
		}
	}
}

type helpCmd struct {
	Topic string `arg:"" optional:"" placeholder:"TOPIC" complete:"topic" help:"A command, exit-codes or users-file."`
}

// topics are the texts that are about no command.
var topics = []completion.Word{
	{Name: "exit-codes", About: "what the program ends with"},
	{Name: "users-file", About: "what stands in it"},
}

func (c *helpCmd) Run(s view.Streams, line *kong.Context) error {
	if c.Topic == "" {
		return showHelp(line.Kong)
	}
	if text, err := help.ReadFile("help/topics/" + c.Topic + ".txt"); err == nil {
		_, err := s.Out.Write(text)
		return err
	}
	var known []string
	for _, word := range helpTopics(line.Model) {
		known = append(known, word.Name)
	}
	if slices.Contains(known, c.Topic) {
		return showHelp(line.Kong, c.Topic)
	}
	way := s.Program + " help"
	if meant := usersfile.Closest(c.Topic, known); meant != "" {
		way += " " + meant
	}
	return hint.With(fmt.Errorf("there is no help on %q: there is on %s", c.Topic, strings.Join(known, ", ")), way)
}

// helpTopics are all that there is help on.
func helpTopics(app *kong.Application) []completion.Word {
	words := slices.Clone(topics)
	for _, command := range app.Children {
		words = append(words, completion.Word{Name: command.Name, About: command.Help})
	}
	return words
}

// showHelp shows what --help does, of a command or of the program.
func showHelp(parser *kong.Kong, command ...string) error {
	_, err := parser.Parse(append(command, "--help"))
	return err
}
