package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"provision/internal/outdir"
	"provision/internal/plan"
	"provision/internal/spec"
)

// savedPlan is the file of plan --save. What a person wants to know stands first.
type savedPlan struct {
	FormatVersion string       `json:"formatVersion"`
	Changes       bool         `json:"changes"`
	Summary       plan.Summary `json:"summary"`
	Digest        string       `json:"digest"` // "sha256:" and hex, of Sets as they stand in the file, compacted: a checksum, no seal
	Saved         time.Time    `json:"saved"`
	OutputDir     string       `json:"outputDir"`
	Wish          wishFlags    `json:"flags"` // to compute the plan again
	Sets          []savedSet   `json:"sets"`
}

type savedSet struct {
	Source string      `json:"source"`
	Plan   plan.Plan   `json:"plan"`
	Inputs plan.Inputs `json:"inputs"`
}

func savePlan(path string, all plans, dir string, wish wishFlags) error {
	saved := savedPlan{
		FormatVersion: formatVersion, Changes: all.changes(), Summary: all.summary(),
		Saved: time.Now().UTC().Truncate(time.Second), OutputDir: dir, Wish: wish,
	}
	for _, p := range all {
		saved.Sets = append(saved.Sets, savedSet{Source: p.source, Plan: p.Plan, Inputs: p.inputs()})
	}
	var err error
	if saved.Digest, err = digestOf(saved.Sets); err != nil {
		return err
	}
	data, err := json.MarshalIndent(saved, "", "  ")
	if err != nil {
		return fmt.Errorf("save the plan: %w", err)
	}
	if err := writePrivate(path, append(data, '\n')); err != nil {
		return fmt.Errorf("save the plan: %w", err)
	}
	return nil
}

// writePrivate puts a file of mode 0600 in the place of whatever was there; a link is replaced, not followed.
func writePrivate(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".provision-tmp-")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name()) // the first error is the one to tell
	}
	return err
}

func digestOf(sets []savedSet) (string, error) {
	data, err := json.Marshal(sets)
	if err != nil {
		return "", fmt.Errorf("save the plan: %w", err)
	}
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:]), nil
}

func loadPlan(path string) (savedPlan, error) {
	var saved savedPlan
	data, err := os.ReadFile(path)
	if err != nil {
		return saved, fmt.Errorf("read the plan: %w", err)
	}
	if err := json.Unmarshal(data, &saved); err != nil || saved.FormatVersion == "" {
		return saved, &hinted{fmt.Errorf("%s is not a plan that provision saved", path), "a users file is given with -f: provision apply -f " + path}
	}
	if saved.FormatVersion != formatVersion {
		return saved, fmt.Errorf("%s has the format %s, this provision reads %s: save the plan again", path, saved.FormatVersion, formatVersion)
	}
	digest, err := digestOf(saved.Sets)
	if err == nil && digest != saved.Digest {
		err = fmt.Errorf("%s was edited: its digest does not fit: save the plan again", path)
	}
	return saved, err
}

// applySaved performs a saved plan, or refuses and lists what has moved since. The plan in the file is never executed:
// whoever can edit it could have anything done. It is computed again, and must be the same.
func (c *applyCmd) applySaved(ctx context.Context, s streams, line *kong.Context) error {
	if other := wishes(line); len(other) > 0 {
		return &hinted{
			fmt.Errorf("a saved plan is performed as it is: %s cannot change it", strings.Join(other, ", ")),
			"leave it out, or give it to provision plan --save",
		}
	}
	saved, err := loadPlan(c.Plan)
	if err != nil {
		return err
	}
	var then plans
	var sources []string
	for _, set := range saved.Sets {
		then = append(then, computed{Plan: set.Plan, source: set.Source})
		if !slices.Contains(sources, set.Source) {
			sources = append(sources, set.Source)
		}
	}
	if len(sources) == 0 {
		return fmt.Errorf("%s holds no plan of any set", c.Plan)
	}
	sets, err := spec.Load(sources, s.in)
	if errors.Is(err, fs.ErrNotExist) {
		return &hinted{err, "the plan names the users file relative to the directory that it was saved in: apply it there"}
	}
	if err != nil {
		return err
	}
	client, err := c.open(ctx, sets)
	if err != nil {
		return err
	}
	intents, err := saved.Wish.intents(sets, client)
	if err != nil {
		return err
	}
	dir, err := outdir.OpenWrite(ctx, saved.OutputDir, c.LockTimeout)
	if err != nil {
		return err
	}
	defer dir.Close()
	ch := change{c.changeFlags, saved.OutputDir, c.Output, client, s, verbApply, nil}
	v := view{dir: dir, endpoint: client.Endpoint(), all: c.ShowAll}
	planned, err := compute(ctx, intents, client, dir)
	if err != nil {
		return err
	}
	held, release, err := ch.lock(ctx, planned, dir)
	if err != nil {
		return err
	}
	defer release()
	now, err := compute(held, intents, client, dir)
	if err != nil {
		return err
	}
	if err := now.check(held, client); err != nil {
		return err
	}
	if saved.Changes && !now.changes() && !now.blocked() {
		return fmt.Errorf("%s is out of date: nothing of it is left to do; it was probably applied already", c.Plan)
	}
	if err := moved(s, saved.Sets, now); err != nil {
		return err
	}
	if err := ch.show(now, v); err != nil {
		return err
	}
	if !then.same(now) {
		return &hinted{
			fmt.Errorf("%s is not the plan that is computed from the same inputs (above): nothing was changed", c.Plan),
			"time has made more due since, or the file was edited: provision plan --save again, and review it",
		}
	}
	return ch.execute(held, now, dir, v)
}

// wishes are the flags on the command line that say what to apply, and not how.
func wishes(line *kong.Context) []string {
	var given []string
	for _, p := range line.Path {
		if p.Flag == nil {
			continue
		}
		switch name := p.Flag.Name; name {
		case "filename", "output-dir", "reissue", "reissue-all", "reissue-missing", "allow-deletes", "rebuild-ledger":
			given = append(given, "--"+name)
		}
	}
	slices.Sort(given)
	return slices.Compact(given)
}

// moved lists every input of the saved plans that is not what it was.
func moved(s streams, then []savedSet, now plans) error {
	count := 0
	for _, set := range then {
		inputs := plan.Inputs{}
		for _, p := range now {
			if p.Set == set.Plan.Set {
				inputs = p.inputs()
			}
		}
		for _, m := range set.Inputs.Compare(inputs) {
			count++
			fmt.Fprintf(s.err, "%s %s\n", s.errStyle.yellow("moved:"), flat(fmt.Sprintf("%s: was %s, is %s", m.Object, orGone(m.Then), orGone(m.Now))))
		}
	}
	if count > 0 {
		return &hinted{fmt.Errorf("the plan is out of date: %s moved since it was saved; nothing was changed", plural(count, "input")), "provision plan --save again, and review it"}
	}
	return nil
}

func orGone(version string) string {
	if version == "" {
		return "not there"
	}
	return version
}
