package view

import (
	"cmp"
	"fmt"
	"strings"

	"provision/internal/accept"
	"provision/internal/cabundle"
	"provision/internal/cluster"
	"provision/internal/hint"
	"provision/internal/recipient"
	"provision/internal/usersfile"
)

// Received is a file that a person was sent, with what merging it does: one change for each entry.
type Received struct {
	File    string
	Entries []accept.Entry
	Changes []accept.Change
}

// Received shows what was sent, so that a person can compare it with what they know of the sender, and what becomes of it in their
// kubeconfig, whose path is into.
func (s Streams) Received(r Received, into string) {
	p := s.out()
	for i, e := range r.Entries {
		c := r.Changes[i]
		p.line(0, "", p.bold(r.File)+": "+changeWords(c, into))
		var rows table
		rows.add("  user", userWords(e.Of.User, e.Of.Groups))
		rows.add("  server", serverWords(e.Endpoint))
		for _, words := range caWords(e.Endpoint) {
			rows.add("  CA", words)
		}
		rows.add("  until", timeWords(e.Of.NotAfter))
		if c.NeedsKey() {
			rows.add("  key", receivedKeyWords(e))
		}
		rows.write(p)
		for _, doubt := range doubts(e, c) {
			s.Warning(doubt)
		}
	}
}

// userWords says whom a certificate is for.
func userWords(user string, groups []string) string {
	if len(groups) == 0 {
		return user + ", in no group"
	}
	return user + ", in " + strings.Join(groups, ", ")
}

// serverWords says where an entry leads.
func serverWords(e usersfile.Endpoint) string {
	if e.TLSServerName != "" {
		return e.Server + " (whose certificate is for " + e.TLSServerName + ")"
	}
	return e.Server
}

// caWords are the fingerprints of an endpoint's CA, or say that it has none.
func caWords(e usersfile.Endpoint) []string {
	if len(e.CertificateAuthorityData) == 0 {
		return []string{"none: whatever CA this machine trusts"}
	}
	return each(cabundle.Fingerprints(e.CertificateAuthorityData), func(print string) string { return "SHA-256 " + print })
}

// receivedKeyWords says where the private key of a received entry comes from.
func receivedKeyWords(e accept.Entry) string {
	switch {
	case e.Sealed.Key != "" && len(e.Key) == 0 && len(e.Sealed.To) > 1:
		return "sealed, and whoever has one of these opens it: " + everyone(each(e.Sealed.To, recipient.Recipient.String))
	case e.Sealed.Key != "" && len(e.Key) == 0:
		return "sealed to you"
	case e.KeyHere:
		return "in the file, readable for everybody who had it"
	}
	return "yours, given with --key"
}

// changeWords says what merging an entry does.
func changeWords(c accept.Change, into string) string {
	name := "context " + hint.ShellWord(c.Context)
	var does []string
	if c.New {
		does = append(does, name+" is new in "+into)
	}
	if c.Renewed {
		does = append(does, name+" of "+into+" gets this certificate")
	}
	if c.Moved {
		does = append(does, name+" leads to this server")
		if c.Before.Server != "" {
			does[len(does)-1] += " instead of " + c.Before.Server
		}
	}
	if c.Current {
		does = append(does, "it becomes the current one")
	}
	if len(does) == 0 {
		return "you have it: " + name + " of " + into
	}
	return strings.Join(does, ", ")
}

// doubts are what a person should know before they say yes.
func doubts(e accept.Entry, c accept.Change) []string {
	var list []string
	if c.Context != e.Context && c.New {
		list = append(list, fmt.Sprintf("the name %s is taken in your kubeconfig: the context is called %s", e.Context, c.Context))
	}
	if c.Moved && c.Before.Server == e.Server && cabundle.Equal(c.Before.CertificateAuthorityData, e.CertificateAuthorityData) && !c.Before.InsecureSkipTLSVerify {
		list = append(list, fmt.Sprintf("%s took the certificate of %s only for %s before", c.Context, e.Server, cmp.Or(c.Before.TLSServerName, "its own name")))
	} else if c.Moved && c.Before.Server != "" {
		list = append(list, fmt.Sprintf("%s trusted another server or CA before: %s, CA %s", c.Context, serverWords(c.Before), strings.Join(caWords(c.Before), ", ")))
	}
	if c.Moved && c.Before.Server == "" {
		list = append(list, fmt.Sprintf("nothing says where %s led before: no file of yours has a server for its cluster %s", c.Context, c.Before.Name))
	}
	if len(c.Rivals) > 0 {
		list = append(list, fmt.Sprintf("your kubeconfig knows %s with another CA (cluster %s): one of the two is not what it seems, or its CA was changed", e.Server, strings.Join(c.Rivals, ", ")))
	}
	if c.Older {
		list = append(list, fmt.Sprintf("the certificate of %s that you have was issued after this one", c.Context))
	}
	if c.Kept != "" {
		list = append(list, fmt.Sprintf("%s keeps your namespace %s; the file says %s", c.Context, c.Kept, orNone(e.Namespace)))
	}
	return list
}

// Stored tells what was done to a person's kubeconfig.
func (s Streams) Stored(done accept.Stored, path string) {
	p := s.out()
	switch {
	case !done.Written:
		p.line(0, p.bold("nothing to do:"), path+" has all of it")
	case done.Backup == "":
		p.line(0, p.bold("accepted:"), "into "+path+", which is new")
	case done.Comments:
		p.line(0, p.bold("accepted:"), "into "+path+", without its comments, which could not be kept; as it was it is "+done.Backup)
	default:
		p.line(0, p.bold("accepted:"), "into "+path+"; as it was it is "+done.Backup)
	}
}

// LoggedIn tells whom the API server takes a person for.
func (s Streams) LoggedIn(context, server string, who cluster.Identity) {
	p := s.out()
	whom := who.User
	if who.Reviewed {
		whom = userWords(who.User, who.Groups)
	}
	p.line(0, p.bold("logged in:"), fmt.Sprintf("%s is %s on %s", hint.ShellWord(context), whom, server))
}

// Refused tells all for which a received file is not accepted.
func (s Streams) Refused(file string, list accept.Refusals) {
	p := s.err()
	for i, r := range list {
		if i == fewRefusals {
			p.line(0, "", "... and "+thousands(len(list)-i)+" more")
			break
		}
		at := file
		if r.Line > 0 {
			at = fmt.Sprintf("%s:%d", file, r.Line)
		}
		p.line(0, p.red("error:"), shortened(at+": "+refusalWords(r)))
	}
	p.line(0, "", "nothing was changed, and nobody was asked anything")
	p.hint(0, "ask whoever sent it for a file that provision has written; what you trust yourself can be merged by hand (kubectl config --help)")
}

// fewRefusals is how many mistakes of a received file are told.
const fewRefusals = 20

// refusalWords says what is wrong with a received file, and why that matters.
func refusalWords(r accept.Refusal) string {
	about := strings.Join(strings.Fields(r.Object+" "+r.Field), " ")
	if r.Object != "" && r.Field != "" {
		about = r.Object + ": " + r.Field
	}
	why := refusalReason(r)
	if about == "" {
		return why
	}
	return about + ": " + why
}

func refusalReason(r accept.Refusal) string {
	switch r.Code {
	case accept.NotReadable, accept.Malformed:
		return r.Detail
	case accept.RunsProgram:
		return "refused: kubectl would run a program of the sender's choice"
	case accept.OtherLogin:
		return "refused: only a client certificate is taken, no other login"
	case accept.NamesFile:
		return "refused: it names a file on your machine"
	case accept.Proxied:
		return "refused: all that you do would go through a machine of the sender's choice"
	case accept.Unverified:
		return "refused: the server would not have to prove who it is"
	case accept.ActsAs:
		return "refused: you would act as somebody else"
	case accept.UnknownField:
		return "refused: it is none of the fields that a received file may have"
	case accept.TwiceThere:
		return "it is there twice"
	case accept.Missing:
		if r.Detail != "" {
			return r.Detail + " is not in the file"
		}
		return "it is not there"
	case accept.NotUsed:
		return "refused: no context names it"
	case accept.NotHTTPS:
		return "refused: it must begin with https://"
	case accept.Unprintable:
		return "refused: a name in it has characters that cannot be seen"
	case accept.Ended:
		return "the certificate ended " + r.Detail + ": ask for a new one"
	case accept.KeyOfAnother:
		return "it is not the key of the certificate"
	case accept.MarkOfAnother:
		return "refused: it names another user than the certificate"
	case accept.TwoKeys:
		return "refused: the key must be in one place"
	case accept.TooManyClients:
		return "refused: it has more than " + r.Detail + " contexts"
	}
	return string(r.Code)
}
