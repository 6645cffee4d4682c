package main

import (
	"errors"
	"fmt"
	"strings"

	"provision/internal/completion"
	"provision/internal/hint"
	"provision/internal/plan"
	"provision/internal/schema"
	"provision/internal/usersfile"
	"provision/internal/view"
)

type schemaCmd struct {
	Kind string `arg:"" optional:"" name:"kind" placeholder:"KIND" complete:"kind" help:"A kind of document that -o json writes, such as Plan or Status. Default: the users file."`
}

func (c *schemaCmd) Run(s view.Streams) error {
	text := schema.Text
	if c.Kind != "" && !strings.EqualFold(c.Kind, usersfile.Kind) {
		var known bool
		if text, known = schema.Document(c.Kind); !known {
			return hint.With(fmt.Errorf("there is no kind of document %s", plan.Quoted(c.Kind)), "known are "+strings.Join(append(schema.Kinds(), usersfile.Kind), ", "))
		}
	}
	_, err := s.Out.Write(text)
	return err
}

// documentKinds are the kinds of documents that have a schema.
func documentKinds(completion.Given, string) []completion.Word {
	words := []completion.Word{{Name: usersfile.Kind, About: "the users file"}}
	for _, kind := range schema.Kinds() {
		words = append(words, completion.Word{Name: kind})
	}
	return words
}

type explainCmd struct {
	Path string `arg:"" optional:"" name:"field" placeholder:"FIELD" complete:"field" help:"A field of the users file, as in users.roles.clusterRole. Default: the whole file."`
}

func (c *explainCmd) Run(s view.Streams) error {
	field, err := schema.Explain(c.Path)
	unknown, ok := errors.AsType[*schema.UnknownError](err)
	switch {
	case !ok:
		s.Explained(field)
		return nil
	case unknown.Closest != "":
		return hint.With(err, s.Program+" explain "+unknown.Closest)
	case len(unknown.Known) == 0:
		return hint.With(err, unknown.In+" has no fields: "+s.Program+" explain "+unknown.In)
	}
	return hint.With(err, "known are "+strings.Join(unknown.Known, ", ")+": "+s.Program+" explain "+unknown.In)
}

// fieldPaths are the fields of the users file.
func fieldPaths(completion.Given, string) []completion.Word {
	var words []completion.Word
	for _, path := range schema.Paths() {
		field, err := schema.Explain(path)
		if err == nil {
			words = append(words, completion.Word{Name: path, About: field.Description})
		}
	}
	return words
}
