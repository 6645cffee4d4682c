package main

import (
	"provision/internal/hint"
	"provision/internal/savedplan"
	"provision/internal/view"
)

type showCmd struct {
	outputFlags
	Plan    string `arg:"" placeholder:"PLAN" complete:"plan" help:"A plan that provision plan --save wrote."`
	ShowAll bool   `help:"List every user and subject, however many."`
}

// Run shows a saved plan as it was when it was saved. Nothing is read but the file.
func (c *showCmd) Run(s view.Streams) error {
	saved, err := savedplan.Read(c.Plan)
	if saved, other := savedplan.Is(c.Plan); err != nil && other == nil && !saved {
		file := hint.ShellWord(c.Plan)
		return hint.With(err, "provision plan -f "+file+" shows the plan of a users file, provision inspect "+file+" a kubeconfig")
	}
	if err != nil {
		return err
	}
	return view.Saved{File: c.Plan, Saved: saved, All: c.ShowAll}.Print(s, c.Output)
}
