package plan

import (
	"slices"
	"strconv"

	"provision/internal/cabundle"
	"provision/internal/usersfile"
)

// taken returns whether a name in a file belongs to an entry that stays and is not ours, and the cluster (UID) for which
// the set made it, if it did.
func (d decision) taken(file File, name string) (cluster string, taken bool) {
	cluster, taken = file.Taken[name]
	return cluster, taken && (cluster == "" || !slices.Contains(d.forget, cluster))
}

// filesOf are the names of users' kubeconfigs, by user.
func filesOf(users []User) map[string]string {
	files := make(map[string]string, len(users))
	for _, u := range users {
		files[u.Certificate.User] = u.Kubeconfig.File
	}
	return files
}

// checkFile says why the file at a user's place may not be touched, or nil.
func (d decision) checkFile(u User, file File, has bool) *Problem {
	if !has {
		return nil
	}
	p := Problem{Pos: u.Pos, User: u.Certificate.User, Name: file.Name}
	switch {
	case file.State == FileNoAccess:
		p.Code, p.Detail = UnreadableFile, file.Error
		return &p
	case file.State == FileForeign && len(file.Unmarked) > 0:
		p.Code, p.Detail = UnmarkedFile, file.Unmarked[0].Kubeconfig.Endpoint.Server
		return &p
	case file.State == FileForeign:
		p.Code, p.Detail = ForeignFile, file.Error
		return &p
	case file.State == FileOtherSet:
		p.Code, p.Detail = FileOfOtherSet, file.Owner
		return &p
	}
	for _, name := range []string{u.Kubeconfig.Endpoint.Name, u.Kubeconfig.Context} {
		if cluster, taken := d.taken(file, name); taken {
			p.Code, p.Detail, p.Cluster = ClusterNameTaken, name, cluster
			return &p
		}
	}
	return nil
}

// kubeconfigChange compares the user's entry in a file of ours with the one that is wanted.
func kubeconfigChange(file File, want Kubeconfig) Change[Kubeconfig] {
	have := file.Kubeconfig
	c := Change[Kubeconfig]{Op: Rewrite, Before: &have, After: &want}
	switch {
	case have.Context == "":
		c.Reasons = append(c.Reasons, Reason{Code: EntryIncomplete, To: "context"})
	case have.Endpoint.Server == "":
		c.Reasons = append(c.Reasons, Reason{Code: EntryIncomplete, To: "cluster"})
	default:
		c.Reasons = entryChanges(have, want)
	}
	if have.Context != "" && (have.Context != want.Context || have.Endpoint.Name != want.Endpoint.Name) {
		c.Reasons = append(c.Reasons, Reason{Code: NamesChanged, From: have.Context, To: want.Context})
	} else if file.UserEntry != want.Context && file.UserEntry != "" && have.Context != "" {
		c.Reasons = append(c.Reasons, Reason{Code: NamesChanged, From: file.UserEntry, To: want.Context})
	}
	if file.MarkGone {
		c.Reasons = append(c.Reasons, Reason{Code: MarkGone})
	}
	if len(file.Edited) > 0 {
		c.Reasons = append(c.Reasons, Reason{Code: EntryEdited, Added: file.Edited})
	}
	if file.Mode&0o077 != 0 {
		//words:ignore From and To are text, and a mode is written in octal
		c.Reasons = append(c.Reasons, Reason{Code: ModeTooOpen, Mode: file.Mode})
	}
	if len(c.Reasons) == 0 {
		c.Op = Keep
	}
	return c
}

// entryChanges compares what an entry says of the cluster, and its namespace.
func entryChanges(have, want Kubeconfig) (reasons []Reason) {
	a, b := have.Endpoint, want.Endpoint
	if a.Server != b.Server {
		reasons = append(reasons, Reason{Code: ServerChanged, From: usersfile.WithoutPassword(a.Server), To: usersfile.WithoutPassword(b.Server)})
	}
	if !cabundle.Equal(a.CertificateAuthorityData, b.CertificateAuthorityData) {
		reasons = append(reasons, Reason{Code: CADataChanged})
	}
	for _, f := range []struct{ name, from, to string }{
		{"tls-server-name", a.TLSServerName, b.TLSServerName},
		{"proxy-url", usersfile.WithoutPassword(a.ProxyURL), usersfile.WithoutPassword(b.ProxyURL)},
		{"insecure-skip-tls-verify", strconv.FormatBool(a.InsecureSkipTLSVerify), strconv.FormatBool(b.InsecureSkipTLSVerify)},
		{"disable-compression", strconv.FormatBool(a.DisableCompression), strconv.FormatBool(b.DisableCompression)},
	} {
		if f.from != f.to {
			reasons = append(reasons, Reason{Code: TLSChanged, Field: f.name, From: f.from, To: f.to})
		}
	}
	if a.ProxyURL != b.ProxyURL && usersfile.WithoutPassword(a.ProxyURL) == usersfile.WithoutPassword(b.ProxyURL) {
		reasons = append(reasons, Reason{Code: TLSChanged, Field: "proxy-url", From: usersfile.WithoutPassword(a.ProxyURL), To: usersfile.WithoutPassword(b.ProxyURL)})
	}
	if have.Namespace != want.Namespace {
		reasons = append(reasons, Reason{Code: NamespaceChanged, From: have.Namespace, To: want.Namespace})
	}
	return reasons
}

// HandOut reports whether the change makes a kubeconfig that its owner does not have yet. Where a file is only put right here, what
// they have been given is as good.
func (u UserChange) HandOut() bool {
	return u.Kubeconfig.After != nil && slices.ContainsFunc(u.Kubeconfig.Reasons, func(r Reason) bool {
		return r.Code != ModeTooOpen && r.Code != MarkGone && r.Code != EntryEdited && r.Code != EntryIncomplete
	})
}
