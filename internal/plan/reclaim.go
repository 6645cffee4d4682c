package plan

import (
	"maps"
	"slices"
)

// reclaim finds a user's entry in a file that has lost the mark which says whose it is, and returns the file as it is once
// the mark is back: ours, with MarkGone. A file without such an entry, or with the mark, it returns as it came. The entry is the user's
// if the ledger lists its certificate, or if the operator has asked for a new certificate for the user (asked is the kubeconfig then,
// and nil otherwise) and it leads to the same server.
func (d decision) reclaim(user string, file File, asked *Kubeconfig) File {
	if file.State != FileForeign && file.State != FileOther {
		return file
	}
	for _, entry := range file.Unmarked {
		i := slices.IndexFunc(d.observed.Ledger, func(r Record) bool {
			return r.User == user && r.Issued() && r.KeyHash == entry.Certificate.KeyHash && r.CredentialID == entry.Certificate.CredentialID
		})
		if i < 0 && (asked == nil || asked.Endpoint.Server != entry.Kubeconfig.Endpoint.Server) {
			continue
		}
		c := entry.Certificate
		if i >= 0 {
			c.Duration = d.observed.Ledger[i].Duration
		}
		file.State, file.Error, file.MarkGone = FileOurs, "", true
		file.Kubeconfig, file.UserEntry, file.Certificate, file.Leaf, file.Further, file.KeyMatches = entry.Kubeconfig, entry.UserEntry, &c, entry.Leaf, entry.Further, entry.KeyMatches
		file.Taken = maps.Clone(file.Taken)
		for _, name := range []string{entry.UserEntry, entry.Kubeconfig.Context, entry.Kubeconfig.Endpoint.Name} {
			delete(file.Taken, name)
		}
		return file
	}
	return file
}

// reclaims is the hash of the certificate's key in a file that reclaim has made ours; "": it has not.
func reclaims(file File) string {
	if !file.MarkGone {
		return ""
	}
	return file.Certificate.KeyHash
}
