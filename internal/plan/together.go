package plan

import (
	"time"
)

// together returns why a certificate that is not due yet is renewed now, or nil: another entry of the same kubeconfig, for another
// cluster, is due or has just been renewed, and this one would be due soon after. So its owner gets one new file and not two. A run
// reaches one cluster and does not know the other's users file, so this user's rule counts for that entry.
//
// Soon is within the shortest window of renewal in the file: an entry of 90 days does not follow one of 7 days. No certificate is
// renewed so before half its life, whatever the windows are. So one that was just issued never is, and two entries cannot renew each
// other without end. A key that its owner makes takes them a new request each time, and waits for its own window.
func (d decision) together(u User, file File, have *Certificate) *Reason {
	if u.Request != nil || d.now.Before(have.NotAfter.Add(-issuedLife(have)/2)) {
		return nil
	}
	from := renewFrom(have, u.RenewBefore)
	soon := have.NotAfter.Sub(from)
	beside := make([]Certificate, len(file.OtherClusters))
	for i, e := range file.OtherClusters {
		beside[i] = Certificate{NotBefore: e.NotBefore, NotAfter: e.NotAfter}
		if d.now.Before(e.NotAfter) {
			soon = min(soon, e.NotAfter.Sub(renewFrom(&beside[i], u.RenewBefore)))
		}
	}
	if from.Sub(d.now) > soon {
		return nil
	}
	for i, c := range beside {
		due := renewDue(&c, u.RenewBefore, d.now)
		just := c.NotBefore.After(have.NotBefore) && d.now.Sub(c.NotBefore) < min(soon, renewedTonight)
		if d.now.Before(c.NotAfter) && (due || just) {
			return &Reason{Code: RenewedTogether, At: have.NotAfter, To: file.OtherClusters[i].Context}
		}
	}
	return nil
}

// renewedTonight is how long after the renewal of one entry its file still counts as new: the clusters of one directory are applied
// one after another.
const renewedTonight = 24 * time.Hour
