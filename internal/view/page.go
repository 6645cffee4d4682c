package view

import (
	"time"

	"provision/internal/cluster"
	"provision/internal/plan"
	"provision/internal/usersfile"
)

// Page is what all that one command shows has in common: where that is, and how much of it the person wants to see.
type Page struct {
	Dir      string           // the output directory, as the operator gave it
	Endpoint plan.Endpoint    // the operator's own
	UID      string           // the cluster's
	All      bool             // list every row and every name
	Reading  bool             // the command applies nothing: permissions that are missing for it are no error
	Verb     Verb             // what the command does; none: it changes nothing
	Broken   usersfile.Errors // mistakes in the users files, whose sets are left out
	At       time.Time        // when it was looked at; the zero time: now
}

// PageOf makes the page of a command that changes nothing; dir is the output directory.
func PageOf(client *cluster.Client, dir string) Page {
	return Page{Dir: dir, Endpoint: client.Endpoint(), UID: client.UID()}
}

// command returns what is to be run again once an error is mended.
func (v Page) command() string {
	if v.Verb.Command == "" {
		return "provision plan"
	}
	return v.Verb.Command
}

// brief makes a text with the first few of each of its lists, or with all where all is asked for.
func (v Page) brief(text func(lister) string) string {
	if v.All {
		return text(everyone)
	}
	return cut("--show-all lists them", text)
}

// names lists the first few, or all where all is asked for.
func (v Page) names(items []string) string {
	return v.brief(func(names lister) string { return names(items) })
}
