package view

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	node "go.yaml.in/yaml/v3"

	"provision/internal/cluster"
	"provision/internal/hint"
	"provision/internal/plan"
)

// Authorization is the configuration with which the API servers of a cluster refuse some certificates altogether.
type Authorization struct {
	Page
	plan.Refusal
	Now time.Time
}

// Print writes the configuration on standard output, and on standard error what whoever puts it in force has to know. The error is that
// it leaves out something that is blocked.
func (a Authorization) Print(s Streams) error {
	text, err := authorizationYAML(cluster.Refusing(a.Certificates))
	if err != nil {
		return fmt.Errorf("encode yaml: %w", err)
	}
	if _, err := fmt.Fprintf(s.Out, "%s%s", a.comment(), text); err != nil {
		return err
	}
	a.leftOut(s)
	a.howTo(s)
	if a.Partial() {
		return errors.New("not all that is blocked is in the configuration (above)")
	}
	return nil
}

// comment says what the file is. Nothing in it is somebody else's text: a line break would end the comment.
func (a Authorization) comment() string {
	text := fmt.Sprintf("# For kube-apiserver --authorization-config, made by `provision revoke -o authorization-config` on %s\n", timeWords(a.Now))
	return text + fmt.Sprintf("# for the cluster whose namespace kube-system has the UID %s: %s.\n", a.UID, a.count())
}

// count says how many certificates are refused, and how long that is of use.
func (a Authorization) count() string {
	n := len(a.Certificates)
	switch n {
	case 0:
		return "nobody is blocked, so it refuses nobody"
	case 1:
		return "it refuses 1 certificate, which ends before " + dayWords(a.Last())
	}
	return fmt.Sprintf("it refuses %s certificates, of which the last ends before %s", thousands(n), dayWords(a.Last()))
}

// dayWords writes a day.
func dayWords(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// howTo tells how to put the configuration in force.
func (a Authorization) howTo(s Streams) {
	p := s.err()
	s.Note(a.count() + ". Run the command again to leave out what has ended; all is as it was without the authorizers named revoked")
	s.Note("it names the file " + cluster.NobodyFile + ", which has to be there first. This makes it, a kubeconfig that leads to nobody:")
	p.line(len("note: "), "", "echo "+hint.ShellWord(cluster.Nobody)+" >"+cluster.NobodyFile)
	s.Note("--authorization-config=FILE excludes --authorization-mode. The file has to be the same on every API server; a change is taken up in about a second, without a restart")
	s.Note("behind what it refuses it has Node and RBAC: keep the other authorizers that you have. With a mistake in it an API server does not start, and takes up no change: its log says why")
}

// leftOut tells of what is blocked and not in the configuration, and of what could be.
func (a Authorization) leftOut(s Streams) {
	warn := func(list []plan.BlockedCertificate, words string) {
		if len(list) > 0 {
			s.Warning(fmt.Sprintf(words, strings.Join(each(list, blockedWords), ", ")))
		}
	}
	warn(a.Own, "left out, as you log in with it: %s")
	warn(a.NameTaken, "left out, as it is blocked by its name alone, which somebody has, or may have: %s")
	warn(a.Unnamed, "left out, as only the ledger said to block it, which more people may edit than policies: %s")
	if len(a.Unnamed) > 0 {
		s.err().hint(0, "if it is to be refused, name the user: provision revoke USER")
	}
	if len(a.Altered) > 0 {
		s.Warning("somebody has altered what these sets block, so that more may be missing, or too much be here: " + strings.Join(a.Altered, ", "))
		s.err().hint(0, "provision apply makes it as it was")
	}
	var byName []string
	for _, c := range a.Certificates {
		if c.Fingerprint == "" {
			byName = append(byName, plan.Quoted(c.User))
		}
	}
	if len(byName) > 0 {
		s.Warning("whatever certificate has this name is refused, one that is issued later too: make the file again before you give the name to somebody: " + strings.Join(byName, ", "))
	}
	if len(a.Free) > 0 {
		s.Note("not in it, as nobody has blocked them: certificates of people who left, or whose generation was taken back: " + Listed(holderTexts(a.Free)))
		s.err().hint(0, "provision revoke USER blocks them, or provision revoke --certificate ID one certificate")
	}
}

// authorizationYAML writes the configuration with every text in double quotes, and each list of an expression with a line for each
// element: nothing in it has another meaning for any reader of YAML, and two of them can be compared.
func authorizationYAML(config cluster.AuthorizationConfig) ([]byte, error) {
	data, err := json.Marshal(config)
	if err != nil {
		return nil, err
	}
	var document node.Node
	if err := node.Unmarshal(data, &document); err != nil {
		return nil, err
	}
	quoteAll(&document)
	return encodeYAML(&document)
}

// quoteAll sets how all is written below a node.
func quoteAll(n *node.Node) {
	switch {
	case n.Kind != node.ScalarNode:
		n.Style = 0
	case strings.Contains(n.Value, "\n"):
		n.Style = node.LiteralStyle
	default:
		n.Style = node.DoubleQuotedStyle
	}
	for i, child := range n.Content {
		if n.Kind == node.MappingNode && i%2 == 0 {
			child.Style = 0 // our own keys
			continue
		}
		quoteAll(child)
	}
}
