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

// savedFormatVersion of the file of plan --save.
const savedFormatVersion = "2"

// savedPlan is the file of plan --save. What a person wants to know stands first.
type savedPlan struct {
	FormatVersion string       `json:"formatVersion"`
	Changes       bool         `json:"changes"`
	Summary       plan.Summary `json:"summary"`
	Digest        string       `json:"digest"` // "sha256:" and hex, of Content as it stands in the file, compacted: a checksum, no seal
	Saved         time.Time    `json:"saved"`
	Content       savedContent `json:"content"`
}

// savedContent is all that the digest is of.
type savedContent struct {
	Filename  []string   `json:"filename"` // -f and -d, as they were given
	OutputDir string     `json:"outputDir"`
	Wish      wishFlags  `json:"flags"` // to compute the plan again
	Sets      []savedSet `json:"sets"`
}

type savedSet struct {
	Source string      `json:"source"`
	Plan   plan.Plan   `json:"plan"`
	Inputs plan.Inputs `json:"inputs"`
}

func savePlan(path string, all plans, files []string, dir string, wish wishFlags) error {
	saved := savedPlan{
		FormatVersion: savedFormatVersion, Changes: all.changes(), Summary: all.summary(),
		Saved: time.Now().UTC().Truncate(time.Second), Content: savedContent{Filename: files, OutputDir: dir, Wish: wish},
	}
	for _, p := range all {
		saved.Content.Sets = append(saved.Content.Sets, savedSet{Source: p.source, Plan: p.Plan, Inputs: p.inputs()})
	}
	var err error
	if saved.Digest, err = digestOf(saved.Content); err != nil {
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

func digestOf(content savedContent) (string, error) {
	data, err := json.Marshal(content)
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
	if saved.FormatVersion != savedFormatVersion {
		return saved, fmt.Errorf("%s has the format %s, this provision reads %s: save the plan again", path, saved.FormatVersion, savedFormatVersion)
	}
	digest, err := digestOf(saved.Content)
	if err == nil && digest != saved.Digest {
		err = fmt.Errorf("%s was edited: its digest does not fit: save the plan again", path)
	}
	return saved, err
}

// applySaved performs a saved plan, or refuses and lists what has moved since. The plan in the file is never executed:
// whoever can edit it could have anything done. It is computed again, and must be the same. From which users file and
// for which directory, the command line decides where it says so: then the plan must have been saved for just that.
func (c *applyCmd) applySaved(ctx context.Context, s streams, line *kong.Context) error {
	if other := given(line, "reissue", "reissue-all", "reissue-missing", "allow-deletes", "rebuild-ledger"); len(other) > 0 {
		return &hinted{
			fmt.Errorf("a saved plan is performed as it is: %s cannot change it", strings.Join(other, ", ")),
			"leave it out, or give it to provision plan --save",
		}
	}
	saved, err := loadPlan(c.Plan)
	if err != nil {
		return err
	}
	if len(saved.Content.Sets) == 0 || len(saved.Content.Filename) == 0 {
		return fmt.Errorf("%s holds no plan of any set", c.Plan)
	}
	if err := c.savedFor(saved.Content, line); err != nil {
		return err
	}
	sets, err := spec.Load(c.Filename, s.in)
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
	intents, err := saved.Content.Wish.intents(sets, client)
	if err != nil {
		return err
	}
	if err := c.check(); err != nil {
		return err
	}
	ch := change{c.changeFlags, c.OutputDir, c.Output, client, s, verbApply, nil}
	// Nothing is touched, not even the directory that the file names, before all is found to be as it was.
	read, err := outdir.OpenRead(ch.path)
	if err != nil {
		return err
	}
	defer read.Close()
	v := view{dir: read, endpoint: client.Endpoint(), all: c.ShowAll}
	now, err := ch.unmoved(ctx, c.Plan, saved, intents, v)
	if err != nil {
		return err
	}
	if now.blocked() || !now.changes() {
		if err := ch.show(now, v); err != nil {
			return err
		}
		return ch.execute(ctx, now, read, v)
	}
	dir, err := outdir.OpenWrite(ctx, ch.path, c.LockTimeout)
	if err != nil {
		return err
	}
	defer dir.Close()
	held, release, err := ch.lock(ctx, now, dir)
	if err != nil {
		return err
	}
	defer release()
	v.dir = dir
	if now, err = ch.unmoved(held, c.Plan, saved, intents, v); err != nil {
		return orLost(held, err)
	}
	if err := ch.show(now, v); err != nil {
		return err
	}
	return ch.execute(held, now, dir, v)
}

// savedFor refuses a plan that was saved for another users file or directory than the command line names, and fills in
// what the command line leaves to the plan.
func (c *applyCmd) savedFor(content savedContent, line *kong.Context) error {
	for _, at := range []struct {
		flag, name string
		then, now  []string
	}{
		{"filename", "the users file", content.Filename, c.Filename},
		{"output-dir", "the output directory", []string{content.OutputDir}, []string{c.OutputDir}},
	} {
		if len(given(line, at.flag)) > 0 && !slices.Equal(cleaned(at.then), cleaned(at.now)) {
			return &hinted{
				fmt.Errorf("%s was saved for %s %s, not %s: nothing was changed", c.Plan, at.name, strings.Join(at.then, ", "), strings.Join(at.now, ", ")),
				"if that is not what was reviewed, somebody has edited the plan",
			}
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

// unmoved computes the saved plans again and refuses when an input of theirs has moved, or when they are not the same.
func (c change) unmoved(ctx context.Context, name string, saved savedPlan, intents []intent, v view) (plans, error) {
	now, err := compute(ctx, intents, c.client, v.dir)
	if err != nil {
		return nil, err
	}
	if err := now.check(ctx, c.client); err != nil {
		return nil, err
	}
	if saved.Changes && !now.changes() && !now.blocked() {
		return nil, fmt.Errorf("%s is out of date: nothing of it is left to do; it was probably applied already", name)
	}
	if err := moved(c.s, saved.Content.Sets, now); err != nil {
		return nil, err
	}
	var then plans
	for _, set := range saved.Content.Sets {
		then = append(then, computed{Plan: set.Plan, source: set.Source})
	}
	if more := graver(then, now); len(more) > 0 {
		for _, words := range more {
			fmt.Fprintf(c.s.err, "%s %s\n", c.s.errStyle.yellow("moved:"), flat(words))
		}
		return nil, &hinted{fmt.Errorf("the plan is out of date: what it grants is more than it was; nothing was changed"), "provision plan --save again, and review it"}
	}
	if !then.same(now) {
		if err := c.show(now, v); err != nil {
			return nil, err
		}
		return nil, &hinted{
			fmt.Errorf("%s is not the plan that is computed from the same inputs (above): nothing was changed", name),
			"time has made more due since, or the file was edited: provision plan --save again, and review it",
		}
	}
	return now, nil
}

// graver are the grave warnings of plans that were not those of the plans before.
func graver(then, now plans) []string {
	told := map[string]bool{}
	for _, p := range then {
		for _, w := range p.Warnings {
			told[p.Set+": "+warningWords(w)] = true
		}
	}
	var list []string
	for _, p := range now {
		for _, w := range p.Warnings {
			if words := p.Set + ": " + warningWords(w); w.Grave() && !told[words] {
				list = append(list, words)
			}
		}
	}
	return list
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
