package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"provision/internal/cluster"
	"provision/internal/credential"
	"provision/internal/draft"
	"provision/internal/hint"
	"provision/internal/observe"
	"provision/internal/plan"
	"provision/internal/schema"
	"provision/internal/usersfile"
	"provision/internal/view"
)

type initCmd struct {
	Filename     string `short:"f" type:"path" default:"users.yaml" env:"PROVISION_FILE" placeholder:"FILE" complete:"usersfile" help:"The users file to write, or - for standard output. Nothing is overwritten. Default: users.yaml."`
	Name         string `placeholder:"SET" complete:"free" help:"The name of the set. Default: that of the current folder."`
	CSV          string `name:"csv" type:"path" placeholder:"FILE" complete:"file" help:"Take the people from comma-separated values, or from - for standard input: the first line names the columns."`
	FromBindings bool   `help:"Take the people from the bindings that the cluster has, with what they have by them."`
	clusterFlags
}

func (c *initCmd) Run(ctx context.Context, s view.Streams) error {
	if _, err := os.Lstat(c.Filename); err == nil && c.Filename != usersfile.Stdin {
		return overwrites(c.Filename)
	}
	if c.CSV != "" && c.FromBindings {
		return errors.New("--csv and --from-bindings are two ways to get the people: leave one of them out")
	}
	f := draft.File{Set: cmp.Or(c.Name, folderName())}
	if c.CSV != "" {
		users, err := c.table(s)
		if err != nil {
			return err
		}
		f.Users = users
	}
	if err := c.look(ctx, s, &f); err != nil {
		return err
	}
	if c.Filename != usersfile.Stdin {
		f.Schema = schemaFile
	}
	f, text, err := c.checked(f)
	if err != nil {
		return err
	}
	if c.Filename == usersfile.Stdin {
		_, err := s.Out.Write(text)
		return err
	}
	switch err := writeNew(c.Filename, text); {
	case errors.Is(err, fs.ErrExist):
		return overwrites(c.Filename)
	case err != nil:
		return err
	}
	err = writeNew(filepath.Join(filepath.Dir(c.Filename), schemaFile), schema.Text)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		s.Warning("editors will not know the fields: " + view.OneLine(err))
	}
	s.Drafted(c.Filename, f)
	return nil
}

// schemaFile is what editors read of the fields, beside the users file: a hidden one, which -f DIR does not take for a users file.
const schemaFile = ".users.schema.json"

// overwrites refuses a users file that is there.
func overwrites(path string) error {
	return hint.With(fmt.Errorf("%s is there already, and nothing is overwritten", path), "name another file with -f, or - to print it")
}

// writeNew writes a file that is not there yet.
func writeNew(path string, data []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if err = cmp.Or(err, file.Close()); err != nil {
		_ = os.Remove(path) // half a file is worse than none
	}
	return err
}

// folderName is the name of the current folder as that of a set; "team" where it cannot be one.
func folderName() string {
	dir, err := os.Getwd()
	if err != nil {
		return "team"
	}
	name := strings.Trim(strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(filepath.Base(dir))), "-")
	if name == "" || name[0] >= '0' && name[0] <= '9' || len(name) > 40 {
		return "team"
	}
	return name
}

// tableName is how messages name the table of --csv.
func (c *initCmd) tableName() string {
	if c.CSV == usersfile.Stdin {
		return "<stdin>"
	}
	return c.CSV
}

// table reads the people of --csv.
func (c *initCmd) table(s view.Streams) ([]draft.User, error) {
	from, name := s.In, c.tableName()
	if c.CSV != usersfile.Stdin {
		if info, err := os.Stat(c.CSV); err == nil && !info.Mode().IsRegular() {
			return nil, fmt.Errorf("%s is no regular file", c.CSV)
		}
		file, err := os.Open(c.CSV)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		from = file
	}
	data, err := io.ReadAll(io.LimitReader(from, maxOwnFile+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(data) > maxOwnFile {
		return nil, fmt.Errorf("%s has more than %d MiB", name, maxOwnFile>>20)
	}
	users, err := draft.Table(data)
	if mistake, ok := errors.AsType[draft.TableError](err); ok && mistake.Line > 0 {
		return nil, fmt.Errorf("%s:%d: %s", name, mistake.Line, mistake.Msg)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return users, nil
}

// look puts what the cluster has into the draft. Where there is no cluster to look at, that is told, and the draft goes without;
// people can be taken from bindings only where there is one.
func (c *initCmd) look(ctx context.Context, s view.Streams, f *draft.File) error {
	client, err := c.open(ctx, s, nil, cluster.ToRead)
	if err == nil {
		f.Cluster = &draft.Cluster{Context: client.Context().Name, Server: client.Endpoint().Server, UID: client.UID(), Loopback: plan.OnlyHere(client.Endpoint().Server)}
		f.Namespaces, f.ClusterRoles, err = client.Names(ctx)
	}
	if err == nil && c.FromBindings {
		err = fromBindings(ctx, client, f)
	}
	if ctx.Err() != nil || err != nil && c.FromBindings {
		return cmp.Or(ctx.Err(), err)
	}
	if err != nil {
		s.Note("what the cluster has is not in the file: " + view.OneLine(err))
		return nil
	}
	all := observe.AllLedgers(ctx, client, []string{usersfile.DefaultLedgerNamespace})
	if all.Err != nil {
		s.Note("whether the cluster has a set " + f.Set + " already is not known: " + view.OneLine(all.Err))
	}
	for _, ledger := range all.List {
		if ledger.Set == f.Set { // a second file for it would take from the first one's people what they have
			return hint.With(fmt.Errorf("the cluster has a set %s already", f.Set), "name the new one with --name")
		}
	}
	return nil
}

// fromBindings puts the people of the cluster's bindings into the draft.
func fromBindings(ctx context.Context, client *cluster.Client, f *draft.File) error {
	found, err := client.ForeignBindings(ctx)
	if err != nil {
		return err
	}
	f.Groups, f.Users, f.Notes = draft.FromBindings(found)
	if len(f.Users) == 0 {
		return hint.With(errors.New("no binding of the cluster names a user"), "provision init without --from-bindings writes a file to begin with")
	}
	return nil
}

// checked is the text of the draft, which the reader of users files takes. Mistakes are those of the table that people are from; who has
// an impossible name in a binding is left out, with the reason.
func (c *initCmd) checked(f draft.File) (draft.File, []byte, error) {
	for {
		text, lines := f.Write()
		_, err := usersfile.Load([]string{usersfile.Stdin}, bytes.NewReader(text), credential.JudgeOwnRequest)
		mistakes, ok := errors.AsType[usersfile.Errors](err)
		if !ok {
			return f, text, err
		}
		var told []string
		bad := map[int]bool{}
		for _, m := range mistakes {
			i, found := slices.BinarySearch(lines, m.Pos.Line)
			switch {
			case m.Field == "name":
				return f, nil, hint.With(fmt.Errorf("the set cannot be called %s: %s", plan.Quoted(f.Set), m.Msg), "give it another name with --name")
			case !found || m.More > 0:
				told = append(told, m.Error())
				continue
			}
			bad[i] = true
			_, field, _ := strings.Cut(m.Field, "].")
			what := strings.TrimPrefix(field+": "+m.Msg, ": ")
			if c.FromBindings {
				f.Notes = append(f.Notes, fmt.Sprintf("left out: %s, %s: %s", f.Users[i].Name, strings.Join(f.Users[i].Evidence, ", "), what))
			} else {
				told = append(told, fmt.Sprintf("%s:%d: %s", c.tableName(), f.Users[i].Line, what))
			}
		}
		if len(told) > 0 {
			return f, nil, errors.New(strings.Join(told, "\n"))
		}
		for i := len(f.Users) - 1; i >= 0; i-- {
			if bad[i] {
				f.Users = slices.Delete(f.Users, i, i+1)
			}
		}
	}
}
