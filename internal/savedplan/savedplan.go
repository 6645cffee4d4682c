// Package savedplan is the file of plan --save: what was reviewed, and what apply compares with the plan that it computes. The
// plan in the file is never executed: whoever can edit it could have anything done.
package savedplan

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"provision/internal/plan"
)

// formatVersion of the file.
const formatVersion = "3"

// File is what the file holds. First stands all that a person wants to know.
type File struct {
	FormatVersion string       `json:"formatVersion"`
	Kind          string       `json:"kind"` // SavedPlan
	Changes       bool         `json:"changes"`
	Summary       plan.Summary `json:"summary"`
	Saved         time.Time    `json:"saved"` // to the second

	Cluster   Cluster         `json:"cluster"`
	Operator  string          `json:"operator"` // who saved it, as the API server calls them
	Filename  []string        `json:"filename"` // -f and -d, as they were given
	OutputDir string          `json:"outputDir"`
	Flags     json.RawMessage `json:"flags"` // what else the command line said, to compute the plan again
	Sets      []Set           `json:"sets"`
	Unplanned []string        `json:"unplanned,omitempty"` // sets that could not be looked at: nothing is done to them
}

// Cluster is the one that the plan is for, as the operator's own context had it. It is for people: what apply compares stands in the inputs.
type Cluster struct {
	Name   string `json:"name"`
	Server string `json:"server"`
	UID    string `json:"uid"` // of its namespace kube-system
}

// Set is the plan of one set, with the versions of what it was computed from.
type Set struct {
	Source string      `json:"source"` // the users file
	Plan   plan.Plan   `json:"plan"`
	Inputs plan.Inputs `json:"inputs"`
}

// Of is the file for plans that were computed from users files, for an output directory, with flags that can be written as JSON.
func Of(all plan.Proposals, filename []string, outputDir string, flags any, now time.Time) (File, error) {
	f := File{
		FormatVersion: formatVersion, Kind: kind, Changes: all.Changes(), Summary: all.Summary(), Saved: now.UTC().Truncate(time.Second),
		Filename: filename, OutputDir: outputDir,
	}
	var err error
	if f.Flags, err = json.Marshal(flags); err != nil {
		return f, fmt.Errorf("save the plan: %w", err)
	}
	for _, p := range all {
		f.Operator = p.Operator
		if p.Failed != nil {
			f.Unplanned = append(f.Unplanned, p.Set)
			continue
		}
		f.Sets = append(f.Sets, Set{Source: p.Source, Plan: p.Plan, Inputs: p.Inputs()})
	}
	return f, nil
}

// Plans are the saved plans.
func (f File) Plans() plan.Proposals {
	var list plan.Proposals
	for _, set := range f.Sets {
		list = append(list, plan.Proposal{Plan: set.Plan, Source: set.Source, Operator: f.Operator})
	}
	return list
}

// Proposals are the saved plans of the sets that could be looked at now, to be compared with what is computed now. A set that cannot
// be looked at now is told, and left as it is.
func (f File) Proposals(now plan.Proposals) plan.Proposals {
	var then plan.Proposals
	for _, set := range f.Sets {
		if !slices.ContainsFunc(now, func(p plan.Proposal) bool { return p.Failed != nil && p.Set == set.Plan.Set }) {
			then = append(then, plan.Proposal{Plan: set.Plan, Source: set.Source})
		}
	}
	return then
}

// Moved are the inputs of the saved plans that are not what they were, set by set.
func (f File) Moved(now plan.Proposals) []plan.Moved {
	var list []plan.Moved
	for _, set := range f.Sets {
		inputs, failed := plan.Inputs{}, false
		for _, p := range now {
			if p.Set == set.Plan.Set {
				inputs, failed = p.Inputs(), p.Failed != nil
			}
		}
		if !failed {
			list = append(list, set.Inputs.Compare(inputs)...)
		}
	}
	return list
}
