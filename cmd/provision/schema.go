package main

import (
	"errors"
	"strings"

	"provision/internal/completion"
	"provision/internal/hint"
	"provision/internal/schema"
	"provision/internal/view"
)

type schemaCmd struct{}

func (schemaCmd) Run(s view.Streams) error {
	_, err := s.Out.Write(schema.Text)
	return err
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
