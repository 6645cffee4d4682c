package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"provision/internal/accept"
	"provision/internal/cluster"
	"provision/internal/credential"
	"provision/internal/hint"
	"provision/internal/view"
)

type acceptCmd struct {
	File           []string      `arg:"" name:"file" placeholder:"FILE" complete:"file" help:"The kubeconfig that you were sent, or - for standard input. May be repeated."`
	Identity       []string      `short:"i" sep:"none" placeholder:"FILE" complete:"file" help:"Your age identity, or SSH private key, that opens a key which is sealed to you. May be repeated. Default: ~/.ssh/id_ed25519 and ~/.ssh/id_rsa."`
	Key            []string      `sep:"none" placeholder:"FILE" complete:"file" help:"Your own private key, where you asked for the certificate with a request of your own. May be repeated."`
	Kubeconfig     string        `placeholder:"FILE" complete:"file" help:"Your own kubeconfig, to merge into. Default: $KUBECONFIG, then ~/.kube/config."`
	ReplaceServer  bool          `help:"Let an entry that you have lead to another server, or trust another CA, as the file says. Ask its sender first, on another way than the file came."`
	NoLogin        bool          `help:"Send nothing: do not log in to see that it works, not even before a certificate that you have is replaced."`
	Yes            bool          `short:"y" help:"Do not ask. Needed where there is no terminal."`
	RequestTimeout time.Duration `type:"time" default:"60s" placeholder:"TIME" complete:"free" help:"Give up on the login after this time; 0: no limit. Default: 60s."`
}

func (c *acceptCmd) Run(ctx context.Context, s view.Streams) error {
	ask, err := view.NewQuestion(s, c.Yes)
	if err != nil {
		return hint.With(err, "give --yes")
	}
	files, entries, err := c.received(ctx, s)
	if err != nil {
		return err
	}
	paths, err := accept.Paths(c.Kubeconfig, os.Getenv("KUBECONFIG"))
	if err != nil {
		return hint.With(err, "say with --kubeconfig which kubeconfig is yours")
	}
	own, err := accept.Open(paths, entries)
	if err != nil {
		return err
	}
	changes, err := own.Preview(entries, c.ReplaceServer)
	if err != nil {
		return wayToMerge(err)
	}
	if err := accept.CheckKeys(entries, changes); err != nil {
		return wayToMerge(err)
	}
	rest := changes
	for _, f := range files {
		f.Changes, rest = rest[:len(f.Entries)], rest[len(f.Entries):]
		s.Received(f, own.Path)
	}
	if slices.ContainsFunc(changes, func(c accept.Change) bool { return !c.Done() }) {
		if err := ask.Confirm(ctx, fmt.Sprintf("Merge this into %s?", own.Path)); err != nil {
			return c.unanswered(err)
		}
	}
	if err := c.open(ctx, s, entries, changes); err != nil {
		return err
	}
	proved, err := c.prove(ctx, own, entries, changes)
	if err != nil {
		return err
	}
	done, err := own.Store(ctx, entries, c.ReplaceServer, changes)
	if err != nil {
		return wayToMerge(err)
	}
	s.Stored(done, own.Path)
	if c.NoLogin {
		return nil
	}
	return c.logIn(ctx, s, done.Logins, proved)
}

// received reads and judges all files before anything else is done. A key that is given goes to its entry.
func (c *acceptCmd) received(ctx context.Context, s view.Streams) ([]view.Received, []accept.Entry, error) {
	var files []view.Received
	var entries []accept.Entry
	refused := false
	for _, path := range c.File {
		data, err := readUntil(ctx, path, s)
		if err != nil {
			return nil, nil, err
		}
		found, err := accept.Parse(data, time.Now())
		if list, ok := errors.AsType[accept.Refusals](err); ok {
			s.Refused(path, list)
			refused = true
		}
		files = append(files, view.Received{File: path, Entries: found})
		entries = append(entries, found...)
	}
	if refused {
		return nil, nil, exitCode(exitError)
	}
	var keys accept.Keys
	for _, path := range c.Key {
		text, err := accept.ReadFile(path, s.In)
		if err == nil {
			err = keys.Add(path, text)
		}
		if err != nil {
			return nil, nil, fmt.Errorf("--key: %w", err)
		}
	}
	if err := keys.Fill(entries); err != nil {
		return nil, nil, fmt.Errorf("--key: %w", err)
	}
	return files, entries, nil
}

// open opens the sealed keys that are needed. Nobody is asked for a passphrase that opens none of them.
func (c *acceptCmd) open(ctx context.Context, s view.Streams, entries []accept.Entry, changes []accept.Change) error {
	identities := accept.Identities{Passphrase: func(path string) ([]byte, error) { return s.Passphrase(ctx, path) }}
	var sealed []*accept.Entry
	for i := range entries {
		if changes[i].NeedsKey() && len(entries[i].Key) == 0 {
			sealed = append(sealed, &entries[i])
		}
	}
	if len(sealed) == 0 {
		return nil
	}
	for _, path := range c.Identity {
		text, err := accept.ReadFile(path, s.In)
		if err == nil {
			err = identities.Add(path, text)
		}
		if err != nil {
			return fmt.Errorf("--identity: %w", err)
		}
	}
	if len(c.Identity) == 0 {
		identities.AddDefaults()
	}
	for _, e := range sealed {
		err := identities.Open(e)
		if ctx.Err() != nil {
			return exitCode(exitInterrupted)
		}
		if err != nil {
			return wayToOpen(err)
		}
	}
	return nil
}

// readUntil reads a file that was sent. Standard input may have no end: an interrupt ends the wait.
func readUntil(ctx context.Context, path string, s view.Streams) ([]byte, error) {
	type read struct {
		data []byte
		err  error
	}
	done := make(chan read, 1)
	go func() {
		data, err := accept.ReadFile(path, s.In)
		done <- read{data, err}
	}()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case r := <-done:
		return r.data, r.err
	}
}

// unanswered is how a question ended that was not answered with yes.
func (c *acceptCmd) unanswered(err error) error {
	if errors.Is(err, view.ErrInterrupted) {
		return exitCode(exitInterrupted)
	}
	return err
}

// prove logs in with each certificate that would take the place of another, and returns as whom, by context. Anybody can make a
// certificate with a person's name: what they have is given up only for one that the API server takes.
func (c *acceptCmd) prove(ctx context.Context, own *accept.Kubeconfig, entries []accept.Entry, changes []accept.Change) (map[string]cluster.Identity, error) {
	if c.NoLogin {
		return nil, nil
	}
	logins, err := own.Logins(entries, c.ReplaceServer)
	if err != nil {
		return nil, wayToMerge(err)
	}
	proved := map[string]cluster.Identity{}
	for i, e := range logins {
		if !changes[i].Renewed {
			continue
		}
		who, err := c.whoAmI(ctx, e)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			return nil, wayToProve(fmt.Errorf("context %s would get a certificate that does not log in: %w: nothing was changed", hint.ShellWord(e.Context), err))
		}
		proved[e.Context] = who
	}
	return proved, nil
}

// logIn logs in with each entry that was received, but for those that have logged in before they were stored. One that fails does
// not keep the others from being tried.
func (c *acceptCmd) logIn(ctx context.Context, s view.Streams, entries []credential.Entry, proved map[string]cluster.Identity) error {
	failed := false
	for _, e := range entries {
		who, ok := proved[e.Context]
		var err error
		if !ok {
			who, err = c.whoAmI(ctx, e)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			failed = true
			s.Error(fmt.Errorf("context %s is in your kubeconfig, and does not log in: %w", hint.ShellWord(e.Context), err))
			continue
		}
		s.LoggedIn(e.Context, e.Server, who)
	}
	if failed {
		return exitCode(exitError)
	}
	return nil
}

func (c *acceptCmd) whoAmI(ctx context.Context, e credential.Entry) (cluster.Identity, error) {
	login, err := cluster.LogIn(e, c.RequestTimeout, "provision/"+version)
	if err != nil {
		return cluster.Identity{}, err
	}
	defer login.Close()
	return login.WhoAmI(ctx)
}

// wayToMerge adds the way out of what keeps received entries from being merged.
func wayToMerge(err error) error {
	if _, ok := errors.AsType[*accept.ServerChangedError](err); ok {
		return hint.With(err, "if whoever runs the cluster confirms that, on another way than the file came: --replace-server")
	}
	if e, ok := errors.AsType[*accept.KeyMissingError](err); ok {
		return hint.With(err, "give it with --key "+hint.ShellWord(e.File))
	}
	if e, ok := errors.AsType[*accept.LockedError](err); ok {
		return hint.With(err, "if no kubectl config is running: rm "+hint.ShellWord(e.Lock))
	}
	if errors.Is(err, accept.ErrMoved) {
		return hint.With(err, "run it again, and read what it shows")
	}
	if errors.Is(err, os.ErrPermission) {
		return hint.With(err, "give another file with --kubeconfig, and name it in KUBECONFIG")
	}
	return err
}

// wayToProve adds the way out of a certificate that does not log in, and would take the place of another.
func wayToProve(err error) error {
	if errors.Is(err, cluster.ErrLoginRefused) {
		return hint.With(err, "ask whoever runs the cluster for another, on another way than the file came; what you have is as it was")
	}
	return hint.With(err, "if the certificate that you have is of no use to you anyway, take the new one without a login: --no-login")
}

// wayToOpen adds the way out of a sealed key that does not open.
func wayToOpen(err error) error {
	if _, ok := errors.AsType[*accept.NotOpenedError](err); ok {
		return hint.With(err, "give the identity that it is sealed to: -i FILE. a key in an SSH agent or on a security key cannot open it; one of an age plugin opens it with age itself")
	}
	return err
}
