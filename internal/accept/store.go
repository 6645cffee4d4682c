package accept

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"provision/internal/credential"
)

// ErrNoHome reports that nothing says which kubeconfig is the person's own.
var ErrNoHome = errors.New("there is no home directory, and KUBECONFIG is not set")

// ErrMoved reports that the person's kubeconfig has changed since they were asked.
var ErrMoved = errors.New("your kubeconfig has changed meanwhile, so that this would do something else than was shown: nothing was changed")

// Kubeconfig is the person's own kubeconfig: one file, or several as KUBECONFIG names them, of which one is written.
type Kubeconfig struct {
	paths []string
	Path  string // the file that entries go into, as the person named it
	mine  Mine
}

// Paths returns the files that kubectl would read, in its order: the explicit one, or those of KUBECONFIG, or ~/.kube/config.
func Paths(explicit, variable string) ([]string, error) {
	if explicit != "" {
		return []string{explicit}, nil
	}
	var paths []string
	for _, path := range filepath.SplitList(variable) {
		if path != "" && !slices.Contains(paths, path) {
			paths = append(paths, path)
		}
	}
	if len(paths) > 0 {
		return paths, nil
	}
	if !filepath.IsAbs(clientcmd.RecommendedHomeFile) { // it would be below the current directory
		return nil, ErrNoHome
	}
	return []string{clientcmd.RecommendedHomeFile}, nil
}

// Open reads the person's kubeconfig for merging entries into it. They go into the first file that has one of them, or where
// kubectl puts what is new: into the first that is there, or the last. A file that is not there is empty.
func Open(paths []string, entries []Entry) (*Kubeconfig, error) {
	k := &Kubeconfig{paths: paths}
	at := -1
	var configs []*clientcmdapi.Config
	for i, path := range paths {
		_, config, err := load(path)
		there := !errors.Is(err, fs.ErrNotExist)
		if err != nil && there {
			return nil, err
		}
		if at < 0 && there {
			at = i
		}
		configs = append(configs, config)
	}
	if at < 0 {
		at = len(paths) - 1
	}
	for i, config := range configs {
		m := merger{mine: mineOf(configs, i), config: config}
		if slices.ContainsFunc(entries, func(e Entry) bool { return m.find(e) != "" }) {
			at = i
			break
		}
	}
	k.Path = paths[at]
	k.mine = mineOf(configs, at)
	return k, nil
}

// load reads one file by client-go's rules. Its errors never quote the file; where it is not there the config is empty.
func load(path string) ([]byte, *clientcmdapi.Config, error) {
	data, err := readRegular(path, maxOwn)
	return parseOwn(path, data, err)
}

// parseOwn parses what was read of the file at a path, or passes on why nothing was.
func parseOwn(path string, data []byte, err error) ([]byte, *clientcmdapi.Config, error) {
	if errors.Is(err, fs.ErrNotExist) {
		return nil, clientcmdapi.NewConfig(), err
	}
	if err != nil {
		return nil, nil, err
	}
	config, err := clientcmd.Load(data)
	if err != nil { // err quotes the text
		where := ""
		if line := lineOfError.FindString(err.Error()); line != "" {
			where = ": error in " + line
		}
		return nil, nil, fmt.Errorf("your kubeconfig %s cannot be read%s: nothing was changed", path, where)
	}
	return data, config, nil
}

// Preview returns what merging would do. The errors are those of Merge.
func (k *Kubeconfig) Preview(entries []Entry, replaceServer bool) ([]Change, error) {
	_, changes, err := Merge(k.mine, entries, replaceServer)
	return changes, err
}

// Logins returns what each entry would be once it is merged, to log in with before anything is written: one for each change. The
// errors are those of Merge.
func (k *Kubeconfig) Logins(entries []Entry, replaceServer bool) ([]credential.Entry, error) {
	config, changes, err := Merge(k.mine, entries, replaceServer)
	if err != nil {
		return nil, err
	}
	return k.mine.logins(config, changes), nil
}

// Stored is what was done to the person's kubeconfig.
type Stored struct {
	Written  bool
	Backup   string // the file as it was; "": there was none, or nothing was written
	Comments bool   // it had comments, which could not be kept: only the backup has them
	Logins   []credential.Entry
}

// Store merges entries into the person's kubeconfig, if that does what was agreed to. It waits for others who write it, for some
// seconds. A reader finds the file as it was or as it becomes, whenever this ends, and nothing is written where nothing changes.
func (k *Kubeconfig) Store(ctx context.Context, entries []Entry, replaceServer bool, agreed []Change) (s Stored, err error) {
	target, err := follow(k.Path)
	if err != nil {
		return s, err
	}
	if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
		return s, notWritten(target, err)
	}
	release, err := lockBoth(ctx, k.Path, target)
	if err != nil {
		return s, err
	}
	defer release()
	now, err := Open(k.paths, entries)
	if err != nil {
		return s, err
	}
	config, changes, err := Merge(now.mine, entries, replaceServer)
	if err != nil {
		return s, err
	}
	if now.Path != k.Path || !reflect.DeepEqual(changes, agreed) {
		return s, ErrMoved
	}
	s.Logins = now.mine.logins(config, changes)
	if reflect.DeepEqual(config, now.mine.Config) {
		return s, nil
	}
	home, err := openHome(target)
	if err != nil {
		return s, notWritten(target, err)
	}
	defer home.Close()
	old, there, err := home.load()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return s, err
	}
	if !reflect.DeepEqual(there, now.mine.Config) { // a folder on the way is another since
		return s, ErrMoved
	}
	text, edited := edit(old, now.mine.Config, config)
	if !edited {
		if text, err = clientcmd.Write(*config); err != nil {
			return s, errors.New("your kubeconfig cannot be written as YAML: nothing was changed") // err could quote it
		}
		s.Comments = hasComments(old)
	}
	if old != nil {
		if s.Backup, err = home.backUp(old, time.Now()); err != nil {
			return s, notWritten(target, err)
		}
	}
	if err := home.replace(home.name, text); err != nil {
		return s, notWritten(target, err)
	}
	s.Written = true
	return s, nil
}

// notWritten is that a file could not be written; it is as it was.
func notWritten(path string, err error) error {
	return fmt.Errorf("cannot write %s: %w: nothing was changed", path, cause(err))
}

// follow returns the file that a path leads to through symbolic links, which need not be there: kubectl writes into the file, too,
// and leaves the links.
func follow(path string) (string, error) {
	for range 40 {
		to, err := os.Readlink(path)
		if err != nil { // no link, or not there
			return path, nil
		}
		if !filepath.IsAbs(to) {
			to = filepath.Join(filepath.Dir(path), to)
		}
		path = to
	}
	return "", fmt.Errorf("%s: too many symbolic links", path)
}

// hasComments reports whether a YAML text has comments.
func hasComments(data []byte) bool {
	if !bytes.Contains(data, []byte("#")) {
		return false
	}
	var document yaml.Node
	if yaml.Unmarshal(data, &document) != nil {
		return false
	}
	if document.Kind == 0 { // nothing but comments
		return true
	}
	var has func(n *yaml.Node) bool
	has = func(n *yaml.Node) bool {
		return n.HeadComment != "" || n.LineComment != "" || n.FootComment != "" || slices.ContainsFunc(n.Content, has)
	}
	return has(&document)
}
