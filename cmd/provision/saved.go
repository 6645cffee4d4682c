package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"provision/internal/cluster"
	"provision/internal/hint"
	"provision/internal/plan"
	"provision/internal/savedplan"
	"provision/internal/view"
)

// applySaved performs a saved plan, or refuses and lists what has moved since. The plan in the file is never executed:
// whoever can edit it could have anything done. It is computed again, and must be the same. From which users file and
// for which directory, the command line and the environment decide where they say so: then the plan must have been saved for just that.
func (c *applyCmd) applySaved(ctx context.Context, s view.Streams, line *kong.Context) error {
	if other := given(line, "reissue", "reissue-all", "reissue-missing", "renew-elsewhere", "allow-deletes", "rebuild-ledger", "forget-cluster"); len(other) > 0 {
		return hint.With(
			fmt.Errorf("a saved plan is performed as it is: %s cannot change it", strings.Join(other, ", ")),
			"leave it out, or give it to provision plan --save",
		)
	}
	saved, err := savedplan.Read(c.Plan)
	if err != nil {
		return err
	}
	var wish wishFlags
	if err := json.Unmarshal(saved.Flags, &wish); err != nil {
		return fmt.Errorf("read the plan: %s: %w", c.Plan, err)
	}
	if err := c.savedFor(saved, line); err != nil {
		return err
	}
	sets, broken, err := c.load(ctx, s)
	if errors.Is(err, fs.ErrNotExist) {
		return hint.With(err, "the plan names the users file relative to the directory that it was saved in: apply it there")
	}
	if err != nil {
		return err
	}
	client, err := c.open(ctx, s, sets, cluster.ToApply)
	if err != nil {
		return err
	}
	goals, err := wish.goals(sets, broken, client)
	if err != nil {
		return err
	}
	for i, g := range goals {
		if slices.Contains(saved.Unplanned, g.Desired.Set) {
			goals[i].Failed = hint.With(errors.New("it could not be looked at when the plan was saved, and nobody has reviewed what it needs"), "provision plan --save again")
		}
	}
	ch := change{changeFlags: c.changeFlags, path: c.OutputDir, format: c.Output, client: client, s: s, verb: view.Apply, broken: broken}
	_, err = ch.run(ctx, goals, savedApprover{c.Plan, saved})
	return cmp.Or(err, view.BrokenError(broken))
}

// savedApprover approves by a plan that was saved. Nothing is touched, not even the directory that the file names, before all
// is found to be as it was.
type savedApprover struct {
	name  string // of the file
	saved savedplan.File
}

func (a savedApprover) first(_ context.Context, c change, now plan.Proposals, v view.Page) error {
	if err := a.unmoved(c, now, v); err != nil || now.WillChange() && !c.dry() {
		return err // it is shown as it is under the locks
	}
	return c.show(now, v)
}

func (a savedApprover) again(_ context.Context, c change, _, now plan.Proposals, v view.Page) error {
	if err := a.unmoved(c, now, v); err != nil {
		return err
	}
	return c.show(now, v)
}

// savedFor refuses a plan that was saved for another users file or directory than the command line names, and fills in
// what the command line leaves to the plan.
func (c *applyCmd) savedFor(content savedplan.File, line *kong.Context) error {
	for _, at := range []struct {
		flag, variable, name string
		then, now            []string
	}{
		{"filename", fileVariable, "the users file", content.Filename, c.Filename},
		{"output-dir", directoryVariable, "the output directory", []string{content.OutputDir}, []string{c.OutputDir}},
	} {
		if (len(given(line, at.flag)) > 0 || os.Getenv(at.variable) != "") && !slices.Equal(cleaned(at.then), cleaned(at.now)) {
			now := strings.Join(at.now, ", ")
			if len(given(line, at.flag)) == 0 {
				now += " (" + at.variable + ")"
			}
			return hint.With(
				fmt.Errorf("%s was saved for %s %s, not %s: nothing was changed", c.Plan, at.name, strings.Join(at.then, ", "), now),
				"if that is not what was reviewed, somebody has edited the plan",
			)
		}
	}
	c.Filename, c.OutputDir = content.Filename, content.OutputDir
	return nil
}

// cleaned writes paths in one way, to compare them.
func cleaned(paths []string) []string {
	list := make([]string, 0, len(paths))
	for _, p := range paths {
		list = append(list, filepath.Clean(p))
	}
	return list
}

// unmoved refuses plans when an input of the saved ones has moved, or when they are not the same.
func (a savedApprover) unmoved(c change, now plan.Proposals, v view.Page) error {
	looked := slices.DeleteFunc(slices.Clone(now), func(p plan.Proposal) bool { return p.Failed != nil })
	if a.saved.Changes && !now.Changes() && len(looked) == len(now) {
		return fmt.Errorf("%s is out of date: nothing of it is left to do; it was probably applied already", a.name)
	}
	const again = "provision plan --save again, and review it"
	if moved := a.saved.Moved(now); len(moved) > 0 {
		c.s.Moved(moved)
		return hint.With(fmt.Errorf("the plan is out of date: %s moved since it was saved; nothing was changed", view.Plural(len(moved), "input")), again)
	}
	then := a.saved.Proposals(now)
	if graver := looked.Graver(then); len(graver) > 0 {
		c.s.Graver(graver)
		return hint.With(errors.New("the plan is out of date: what it grants is more than it was; nothing was changed"), again)
	}
	if !then.Same(looked) {
		if err := c.show(now, v); err != nil {
			return err
		}
		return hint.With(
			fmt.Errorf("%s is not the plan that is computed from the same inputs (above): nothing was changed", a.name),
			"time has made more due since, or the file was edited: "+again,
		)
	}
	return nil
}

// given are those of some flags that stand on the command line.
func given(line *kong.Context, flags ...string) []string {
	var found []string
	for _, p := range line.Path {
		if p.Flag != nil && slices.Contains(flags, p.Flag.Name) {
			found = append(found, "--"+p.Flag.Name)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}
