package plan

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"slices"
	"testing"
	"time"

	"provision/internal/usersfile"
)

func TestCertificate(t *testing.T) {
	type reasons = []ReasonCode
	const key = "0123456789abcdef0123456789abcdef"
	in := func(state RequestState) func(*world) {
		return func(w *world) {
			w.fresh()
			w.Keys["jane"] = journalKey(w.Users[0], key)
			w.Requests = append(w.Requests, requestOf(w.Users[0], key, state, noon.Add(-time.Minute)))
		}
	}
	for _, c := range []struct {
		name     string
		change   func(*world)
		op       Op
		reasons  reasons
		file     Op // what happens to the kubeconfig
		requests int
		problems []ProblemCode
	}{
		{name: "as it is", change: func(*world) {}, op: Keep, file: Keep},
		{name: "new", change: (*world).fresh, op: Issue, reasons: reasons{NoKubeconfig}, file: Write},
		{name: "only other clusters' entries", change: func(w *world) {
			w.fresh()
			w.Files["jane"] = File{Name: "jane.kubeconfig", State: FileOther, Mode: 0o600, Taken: map[string]string{"jane@dev": ""}}
		}, op: Issue, reasons: reasons{NoKubeconfig}, file: Write},
		{name: "expired this instant", change: func(w *world) {
			w.file(func(f *File) { f.Certificate.NotAfter = noon })
		}, op: Issue, reasons: reasons{Expired}, file: Rewrite},
		{name: "expired, and other groups: expired is enough", change: func(w *world) {
			w.file(func(f *File) { f.Certificate.NotAfter, f.Certificate.Groups = noon.Add(-day), []string{"x"} })
		}, op: Issue, reasons: reasons{Expired}, file: Rewrite},

		{name: "groups", change: func(w *world) {
			w.file(func(f *File) { f.Certificate.Groups = []string{"dev", "ops"} })
		}, op: Reissue, reasons: reasons{GroupsChanged}, file: Rewrite},
		{name: "key algorithm", change: func(w *world) { w.Users[0].Certificate.KeyAlgorithm = usersfile.RSA2048 }, op: Reissue, reasons: reasons{KeyAlgorithmChanged}, file: Rewrite},
		{name: "subject", change: func(w *world) { w.file(func(f *File) { f.Certificate.User = "joe" }) }, op: Reissue, reasons: reasons{SubjectChanged}, file: Rewrite},
		{name: "another key in the file", change: func(w *world) { w.file(func(f *File) { f.KeyMatches = false }) }, op: Reissue, reasons: reasons{KeyMismatch}, file: Rewrite},
		{name: "the key is with its owner, and should be here", change: func(w *world) { w.file(func(f *File) { f.Certificate.Key = KeyOwn }) }, op: Reissue, reasons: reasons{KeyMoved}, file: Rewrite},
		{name: "the key is sealed, and should be here", change: func(w *world) {
			w.file(func(f *File) { f.Certificate.Key, f.Certificate.SealedTo = KeySealed, sealedTo("a") })
		}, op: Reissue, reasons: reasons{KeyMoved}, file: Rewrite},
		{name: "the key is here, and should be sealed", change: func(w *world) {
			w.Users[0].Certificate.Key, w.Users[0].Certificate.SealedTo = KeySealed, sealedTo("a")
		}, op: Reissue, reasons: reasons{KeyMoved}, file: Rewrite},
		{name: "the key is with its owner, as it should be", change: func(w *world) {
			w.Users[0].Certificate.Key = KeyOwn
			w.file(func(f *File) { f.Certificate.Key = KeyOwn })
		}, op: Keep, file: Keep},
		{name: "the key is sealed as it should be, in another order and with another comment", change: func(w *world) {
			w.Users[0].Certificate.Key, w.Users[0].Certificate.SealedTo = KeySealed, sealedTo("b", "a")
			w.file(func(f *File) {
				f.Certificate.Key, f.Certificate.SealedTo = KeySealed, sealedTo("a", "b")
				f.Certificate.SealedTo[0].Comment = "jane's"
			})
		}, op: Keep, file: Keep},
		{name: "the key is sealed to another", change: func(w *world) {
			w.Users[0].Certificate.Key, w.Users[0].Certificate.SealedTo = KeySealed, sealedTo("a", "b")
			w.file(func(f *File) { f.Certificate.Key, f.Certificate.SealedTo = KeySealed, sealedTo("a") })
		}, op: Reissue, reasons: reasons{RecipientsChanged}, file: Rewrite},
		{name: "no certificate in the file", change: func(w *world) { w.file(func(f *File) { f.Certificate = nil }) }, op: Reissue, reasons: reasons{NoCertificate}, file: Rewrite},
		{name: "unreadable", change: func(w *world) {
			w.Files["jane"] = File{Name: "jane.kubeconfig", State: FileUnreadable, Error: "line 3"}
		}, op: Reissue, reasons: reasons{Unreadable}, file: Write},
		{name: "asked for", change: func(w *world) { w.Reissue([]string{"jane"}) }, op: Reissue, reasons: reasons{Requested}, file: Rewrite},
		{name: "several causes are all said", change: func(w *world) {
			w.Reissue([]string{"jane"})
			w.Users[0].Certificate.KeyAlgorithm = usersfile.Ed25519
			w.file(func(f *File) { f.Certificate.Groups = nil })
		}, op: Reissue, reasons: reasons{GroupsChanged, KeyAlgorithmChanged, Requested}, file: Rewrite},
		{name: "a cause and due for renewal: reissue", change: func(w *world) {
			w.Users[0].RenewBefore = usersfile.RenewBefore{Time: 29 * day}
			w.file(func(f *File) { f.Certificate.Groups = nil })
		}, op: Reissue, reasons: reasons{GroupsChanged}, file: Rewrite},
		{name: "another duration counts from the next certificate", change: func(w *world) { w.Users[0].Certificate.Duration = 10 * day }, op: Keep, file: Keep},

		{name: "resume a pending request", change: in(Pending), op: Resume, reasons: reasons{NoKubeconfig, RequestPending}, file: Write},
		{name: "resume an approved request", change: in(Approved), op: Resume, reasons: reasons{NoKubeconfig, RequestApproved}, file: Write},
		{name: "resume an issued request", change: func(w *world) {
			in(Issued)(w)
			w.Ledger = []Record{recordOf(w.Requests[0].Certificate, noon.Add(-time.Minute))}
		}, op: Resume, reasons: reasons{NoKubeconfig, RequestIssued}, file: Write},
		{name: "a denied request is asked anew", change: in(Denied), op: Issue, reasons: reasons{NoKubeconfig, RequestDenied}, file: Write},
		{name: "a failed request is asked anew", change: in(Failed), op: Issue, reasons: reasons{NoKubeconfig, RequestFailed}, file: Write},
		{name: "a request that was issued a certificate for another key is asked anew", change: func(w *world) {
			in(Issued)(w)
			w.Requests[0].Certificate = nil
		}, op: Issue, reasons: reasons{NoKubeconfig, RequestMisissued}, file: Write},
		{name: "a request that has gone is asked anew", change: func(w *world) {
			in(Pending)(w)
			w.Requests = nil
		}, op: Issue, reasons: reasons{NoKubeconfig, RequestGone}, file: Write},
		{name: "the file changed since: the request is deleted", change: func(w *world) {
			in(Pending)(w)
			w.Users[0].Certificate.Groups = []string{"dev", "new"}
		}, op: Issue, reasons: reasons{NoKubeconfig, Superseded}, file: Write, requests: 1},
		{name: "another duration since", change: func(w *world) {
			in(Approved)(w)
			w.Users[0].Certificate.Duration = day
		}, op: Issue, reasons: reasons{NoKubeconfig, Superseded}, file: Write, requests: 1},
		{name: "another key algorithm since", change: func(w *world) {
			in(Pending)(w)
			w.Users[0].Certificate.KeyAlgorithm = usersfile.RSA4096
		}, op: Issue, reasons: reasons{NoKubeconfig, Superseded}, file: Write, requests: 1},
		{name: "sent by another operator with our key", change: func(w *world) {
			in(Pending)(w)
			w.Requests[0].Conforms, w.Requests[0].OfOther = false, true
		}, op: Issue, reasons: reasons{NoKubeconfig, RequestOfOther}, file: Write, requests: 1},
		{name: "our PKCS#10 request copied for another signer", change: func(w *world) {
			in(Pending)(w)
			w.Requests[0].Conforms = false
		}, op: Issue, reasons: reasons{NoKubeconfig, RequestSwapped}, file: Write},
		{name: "our PKCS#10 request copied under another name", change: func(w *world) {
			in(Pending)(w)
			w.Requests[0].Name = "provision-team-jane-copied"
		}, op: Issue, reasons: reasons{NoKubeconfig, RequestGone}, file: Write},
		{name: "a copy beside ours", change: func(w *world) {
			in(Approved)(w)
			twin := w.Requests[0]
			twin.Name, twin.UID, twin.State = "provision-team-jane-copied", "uid-copy", Denied
			w.Requests = append(w.Requests, twin)
		}, op: Resume, reasons: reasons{NoKubeconfig, RequestApproved}, file: Write},
		{name: "another key under the name of ours", change: func(w *world) {
			in(Pending)(w)
			w.Requests[0].KeyHash = keyHash("mallory")
		}, op: Issue, reasons: reasons{NoKubeconfig, RequestSwapped}, file: Write},
		{name: "resume instead of a reissue", change: func(w *world) {
			w.Keys["jane"] = journalKey(w.Users[0], key)
			w.Requests = []Request{requestOf(w.Users[0], key, Pending, noon)}
			w.file(func(f *File) { f.Certificate.Groups = nil })
		}, op: Resume, reasons: reasons{GroupsChanged, RequestPending}, file: Rewrite},
		{name: "what the kubeconfig has already is no new certificate", change: func(w *world) {
			// The run ended between writing the kubeconfig and dropping the key.
			have := w.Files["jane"].Certificate
			w.Keys["jane"] = journalKey(w.Users[0], have.KeyHash)
			w.Requests = []Request{requestOf(w.Users[0], have.KeyHash, Issued, noon.Add(-day))}
			w.Reissue([]string{"jane"})
		}, op: Reissue, reasons: reasons{Requested}, file: Rewrite},
		{name: "an issued request mends a file that lost its key", change: func(w *world) {
			have := w.Files["jane"].Certificate
			w.Keys["jane"] = journalKey(w.Users[0], have.KeyHash)
			w.Requests = []Request{requestOf(w.Users[0], have.KeyHash, Issued, noon.Add(-day))}
			w.file(func(f *File) { f.KeyMatches = false })
		}, op: Resume, reasons: reasons{KeyMismatch, RequestIssued}, file: Rewrite},
		{name: "a certificate that was issued and never fetched is due itself", change: func(w *world) {
			in(Issued)(w)
			w.Requests[0].Certificate = signedAt(w.Users[0].Certificate, key, noon.Add(-29*day))
			w.Ledger = []Record{recordOf(w.Requests[0].Certificate, noon.Add(-time.Minute))}
		}, op: Issue, reasons: reasons{NoKubeconfig}, file: Write},

		{name: "resume with a key that is sealed as it should be", change: func(w *world) {
			w.Users[0].Certificate.Key, w.Users[0].Certificate.SealedTo = KeySealed, sealedTo("a")
			in(Approved)(w)
		}, op: Resume, reasons: reasons{NoKubeconfig, RequestApproved}, file: Write},
		{name: "the key in the journal is sealed to another", change: func(w *world) {
			w.Users[0].Certificate.Key, w.Users[0].Certificate.SealedTo = KeySealed, sealedTo("a")
			in(Approved)(w)
			w.Users[0].Certificate.SealedTo = sealedTo("b")
		}, op: Issue, reasons: reasons{NoKubeconfig, Superseded}, file: Write, requests: 1},
		{name: "the key in the journal is not sealed", change: func(w *world) {
			in(Pending)(w)
			w.Users[0].Certificate.Key, w.Users[0].Certificate.SealedTo = KeySealed, sealedTo("a")
		}, op: Issue, reasons: reasons{NoKubeconfig, Superseded}, file: Write, requests: 1},
		{name: "the key in the journal is sealed, and should not be", change: func(w *world) {
			w.Users[0].Certificate.Key, w.Users[0].Certificate.SealedTo = KeySealed, sealedTo("a")
			in(Pending)(w)
			w.Users[0].Certificate.Key, w.Users[0].Certificate.SealedTo = KeyHere, nil
		}, op: Issue, reasons: reasons{NoKubeconfig, Superseded}, file: Write, requests: 1},
		{name: "issued elsewhere, sealed as it should be", change: func(w *world) {
			w.Users[0].Certificate.Key, w.Users[0].Certificate.SealedTo = KeySealed, sealedTo("a")
			w.Ledger[0].SealedTo = public(sealedTo("a"))
			delete(w.Files, "jane")
		}, op: Keep, file: Keep},
		{name: "issued elsewhere, sealed to another", change: func(w *world) {
			w.Users[0].Certificate.Key, w.Users[0].Certificate.SealedTo = KeySealed, sealedTo("b")
			w.Ledger[0].SealedTo = public(sealedTo("a"))
			delete(w.Files, "jane")
		}, op: Issue, reasons: reasons{NoKubeconfig}, file: Write},
		{name: "issued elsewhere", change: func(w *world) { delete(w.Files, "jane") }, op: Keep, file: Keep},
		{name: "issued elsewhere, and refused there", change: func(w *world) {
			delete(w.Files, "jane")
			w.Ledger[0].Refused = "Issuer"
		}, op: Issue, reasons: reasons{NoKubeconfig}, file: Write},
		{name: "refused here, with a good one in the file", change: func(w *world) {
			r := recordOf(signedAt(w.Users[0].Certificate, keyHash("refused"), noon), noon)
			r.Refused = "Names"
			w.Ledger = append(w.Ledger, r)
		}, op: Keep, file: Keep},
		{name: "issued elsewhere, with other groups", change: func(w *world) {
			delete(w.Files, "jane")
			w.Ledger[0].Groups = []string{"x"}
		}, op: Issue, reasons: reasons{NoKubeconfig}, file: Write},
		{name: "issued elsewhere, and asked for here", change: func(w *world) {
			delete(w.Files, "jane")
			w.Reissue([]string{"jane"})
		}, op: Issue, reasons: reasons{NoKubeconfig}, file: Write},
		{name: "issued elsewhere, long ago", change: func(w *world) {
			delete(w.Files, "jane")
			w.Ledger[0].NotAfter = noon
		}, op: Issue, reasons: reasons{NoKubeconfig}, file: Write},
		{name: "intended elsewhere, and not known to be issued", change: func(w *world) {
			delete(w.Files, "jane")
			w.Ledger[0].NotAfter = time.Time{}
		}, op: Issue, reasons: reasons{NoKubeconfig}, file: Write},

		{name: "the name of somebody who left", change: func(w *world) {
			delete(w.Files, "jane")
			w.Ledger[0].Removed = noon.Add(-day)
		}, op: Keep, file: Keep, problems: []ProblemCode{NameReused}},
		{name: "the name of somebody who left, given again", change: func(w *world) {
			delete(w.Files, "jane")
			w.Ledger[0].Removed = noon.Add(-day)
			w.Users[0].Reuse = true
		}, op: Issue, reasons: reasons{NoKubeconfig}, file: Write},
		{name: "the name of somebody whose certificate has ended", change: func(w *world) {
			delete(w.Files, "jane")
			w.Ledger[0].Removed, w.Ledger[0].NotAfter = noon.Add(-day), noon
		}, op: Issue, reasons: reasons{NoKubeconfig}, file: Write},
		{name: "a foreign file", change: func(w *world) {
			w.Files["jane"] = File{Name: "jane.kubeconfig", State: FileForeign, Error: "a pipe"}
		}, op: Keep, file: Keep, problems: []ProblemCode{ForeignFile}},
		{name: "a file of another set", change: func(w *world) {
			w.file(func(f *File) { f.State, f.Owner = FileOtherSet, "other" })
		}, op: Keep, file: Keep, problems: []ProblemCode{FileOfOtherSet}},
		{name: "a file that another set gives up", change: func(w *world) {
			w.fresh()
			w.Files["jane"] = File{Name: "jane.kubeconfig", State: FileMoving, Owner: "other"}
		}, op: Issue, reasons: reasons{ChangesSet}, file: Write},
		{name: "the cluster's name is taken", change: func(w *world) {
			w.file(func(f *File) { f.Taken = map[string]string{"prod": ""} })
		}, op: Keep, file: Keep, problems: []ProblemCode{ClusterNameTaken}},
		{name: "the context's name is taken", change: func(w *world) {
			w.file(func(f *File) { f.Taken = map[string]string{"jane@prod": ""} })
		}, op: Keep, file: Keep, problems: []ProblemCode{ClusterNameTaken}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := settled(noon.Add(-day), wanted("jane", "dev"))
			c.change(&w)
			w.recorded()
			p := w.plan()
			got := janeOf(t, p)
			if got.Certificate.Op != c.op || !slices.Equal(codes(got.Certificate.Reasons), c.reasons) {
				t.Errorf("certificate: %s because of %v, want %s because of %v", got.Certificate.Op, codes(got.Certificate.Reasons), c.op, c.reasons)
			}
			if got.Kubeconfig.Op != c.file {
				t.Errorf("kubeconfig: %s, want %s", got.Kubeconfig.Op, c.file)
			}
			if !slices.Equal(problemCodes(p), c.problems) {
				t.Errorf("problems %v, want %v", problemCodes(p), c.problems)
			}
			if len(p.Requests) != c.requests {
				t.Errorf("deletes the requests %+v, want %d", p.Requests, c.requests)
			}
			if (got.Request != nil) != (c.op == Resume) {
				t.Errorf("resumes %v", got.Request)
			}
			if c.op == Resume && (got.Request.Name != w.Keys["jane"].Request || got.Request.UID != w.Requests[0].UID) {
				t.Errorf("resumes %v, want %s", got.Request, w.Keys["jane"].Request)
			}
			if c.op != Keep && (got.Certificate.After == nil || got.Certificate.After.KeyHash != "") {
				t.Errorf("asks for %+v", got.Certificate.After)
			}
		})
	}
}

// The window counts from the life that the signer gave, without the backdate.
func TestRenewal(t *testing.T) {
	share := func(f float64) usersfile.RenewBefore { return usersfile.RenewBefore{Share: f} }
	fixed := func(d time.Duration) usersfile.RenewBefore { return usersfile.RenewBefore{Time: d} }
	for _, c := range []struct {
		name   string
		asked  time.Duration
		issued time.Duration // notAfter - notBefore
		before usersfile.RenewBefore
		from   time.Duration // time left at which it is not due yet; a second later it is
	}{
		{"a third of 30 days", 30 * day, 30*day + backdate, share(1. / 3), 10 * day},
		{"a half of an hour", time.Hour, time.Hour + backdate, share(.5), 30 * time.Minute},
		{"the signer takes the backdate off", 30 * day, 30 * day, share(.5), 15*day - backdate/2},
		{"the signer gave a day for a year", 365 * day, day + backdate, share(1. / 3), 8 * time.Hour},
		{"3 days before", 30 * day, 30*day + backdate, fixed(3 * day), 3 * day},
		{"3 days before the end of a day: a third", 30 * day, day + backdate, fixed(3 * day), 8 * time.Hour},
		{"exactly the life: a third", 3 * day, 3*day + backdate, fixed(3 * day), day},
		{"a second less than the life", 3 * day, 3*day + backdate, fixed(3*day - time.Second), 3*day - time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, late := range []time.Duration{0, time.Second} {
				u := wanted("jane", "dev")
				u.Certificate.Duration, u.RenewBefore = c.asked, c.before
				w := settled(noon.Add(-day), u)
				w.file(func(f *File) {
					f.Certificate.NotAfter = noon.Add(c.from - late)
					f.Certificate.NotBefore = f.Certificate.NotAfter.Add(-c.issued)
				})
				w.recorded()
				want := map[bool]Op{true: Renew, false: Keep}[late > 0]
				if got := janeOf(t, w.plan()).Certificate; got.Op != want {
					t.Errorf("with %v left: %s, want %s", c.from-late, got.Op, want)
				} else if want == Renew && !slices.Equal(codes(got.Reasons), []ReasonCode{RenewDue}) {
					t.Errorf("renewed because of %v", got.Reasons)
				}
			}
		})
	}
}

// Whatever the signer makes of it, a certificate that was issued this instant is not due.
func TestRenewalNeverLoops(t *testing.T) {
	for _, asked := range []time.Duration{10 * time.Minute, time.Hour, 9 * time.Hour, 30 * day, 3650 * day} {
		for _, limit := range []time.Duration{10 * time.Minute, time.Hour, day, 365 * day} {
			for _, before := range []usersfile.RenewBefore{{Share: .01}, {Share: 1. / 3}, {Share: .99}, {Time: time.Minute}, {Time: time.Hour}, {Time: 20 * day}, {Time: 4000 * day}} {
				u := wanted("jane", "dev")
				u.Certificate.Duration, u.RenewBefore = asked, before
				given := u.Certificate
				given.Duration = min(asked, limit)
				w := settled(noon, u)
				w.file(func(f *File) {
					c := signedAt(given, f.Certificate.KeyHash, noon)
					c.Duration = asked
					f.Certificate = c
				})
				if p := w.plan(); p.Changes() {
					t.Errorf("asked %v, limit %v, %+v: %+v", asked, limit, before, janeOf(t, p).Certificate)
				}
			}
		}
	}
}

func TestCAChanged(t *testing.T) {
	old, oldKey := testCA(t, "old", nil)
	now, _ := testCA(t, "new", nil)
	twin, _ := testCA(t, "old", old.SubjectKeyId) // the same name and key identifier, another key
	leaf := testLeaf(t, old, oldKey)
	for _, c := range []struct {
		name string
		cas  []*x509.Certificate
		want Op
	}{
		{"not known", nil, Keep},
		{"the one", []*x509.Certificate{old}, Keep},
		{"one of two, while they rotate", []*x509.Certificate{now, old}, Keep},
		{"another", []*x509.Certificate{now}, Reissue},
		{"one that has its name and key identifier", []*x509.Certificate{twin}, Reissue},
		{"none", []*x509.Certificate{}, Reissue},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := settled(noon.Add(-day), wanted("jane", "dev"))
			w.file(func(f *File) { f.Leaf = leaf.Raw })
			w.ClientCA = c.cas
			got := janeOf(t, w.plan()).Certificate
			if got.Op != c.want || c.want == Reissue && !slices.Equal(codes(got.Reasons), []ReasonCode{CAChanged}) {
				t.Errorf("%s because of %v, want %s", got.Op, codes(got.Reasons), c.want)
			}
		})
	}
}

// A chain leads to the CA through what stands behind the leaf in the file.
func TestChainInFile(t *testing.T) {
	root, rootKey := testCA(t, "root", nil)
	middleKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	middle := testSigned(t, &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "middle"}, NotBefore: noon, NotAfter: noon.Add(day),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, root, &middleKey.PublicKey, rootKey)
	leaf := testLeaf(t, middle, middleKey)
	for _, c := range []struct {
		further []*x509.Certificate
		want    Op
	}{
		{[]*x509.Certificate{middle}, Keep}, {[]*x509.Certificate{root, middle, middle}, Keep}, {[]*x509.Certificate{root}, Reissue}, {nil, Reissue},
	} {
		w := settled(noon.Add(-day), wanted("jane"))
		w.file(func(f *File) { f.Leaf, f.Further = leaf.Raw, c.further })
		w.ClientCA = []*x509.Certificate{root}
		if got := janeOf(t, w.plan()).Certificate; got.Op != c.want {
			t.Errorf("with %d behind it: %s because of %v, want %s", len(c.further), got.Op, codes(got.Reasons), c.want)
		}
	}
}

// The end of the CA is said with its date, before anything is asked for that cannot come; what is there ends with it, and is
// not replaced by what would end then, too.
func TestCAEnds(t *testing.T) {
	ca, key := testCA(t, "ca", nil) // it ends a day after noon
	end := noon.Add(day)
	last := func(w *world) {
		w.file(func(f *File) { f.Certificate.NotBefore, f.Certificate.NotAfter = noon.Add(-10*day), end })
	}
	for _, c := range []struct {
		name    string
		change  func(*world)
		now     time.Time
		op      Op
		problem bool
		warns   bool
	}{
		{"a new certificate", (*world).fresh, noon, Issue, false, true},
		{"a new certificate that fits", func(w *world) { w.fresh(); w.Users[0].Certificate.Duration = time.Hour }, noon, Issue, false, false},
		{"too late for a new one", (*world).fresh, end.Add(-9 * time.Minute), Keep, true, false},
		{"ended", (*world).fresh, end.Add(time.Hour), Keep, true, false},
		{"ended, not known", func(w *world) { w.fresh(); w.ClientCA = nil }, end.Add(time.Hour), Issue, false, false},
		{"there is a later one", func(w *world) {
			w.fresh()
			later := *ca
			later.NotAfter = end.Add(365 * day)
			w.ClientCA = append(w.ClientCA, &later)
		}, end.Add(time.Hour), Issue, false, false},
		{"nothing to ask for", last, end.Add(-9 * time.Minute), Keep, false, true},
		{"a renewal would gain nothing", last, noon, Keep, false, true},
		{"a certificate that does not end with it is renewed", func(w *world) {
			w.file(func(f *File) {
				f.Certificate.NotBefore, f.Certificate.NotAfter = noon.Add(-10*day), noon.Add(time.Hour)
			})
		}, noon, Renew, false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := settled(noon.Add(-day), wanted("jane"))
			leaf := testLeaf(t, ca, key)
			w.file(func(f *File) { f.Leaf = leaf.Raw })
			w.ClientCA = []*x509.Certificate{ca}
			c.change(&w)
			w.recorded()
			p := Compute(w.Desired, w.Observed, c.now)
			if got := janeOf(t, p).Certificate.Op; got != c.op {
				t.Errorf("%s, want %s", got, c.op)
			}
			problem := slices.IndexFunc(p.Problems, func(p Problem) bool { return p.Code == ClientCAEnded })
			if (problem >= 0) != c.problem || c.problem && (!p.Problems[problem].Until.Equal(end) || p.Problems[problem].Count != 1 || p.Held == nil || len(p.Held.Users) != 1) {
				t.Errorf("problems: %+v", p.Problems)
			}
			warning := slices.IndexFunc(p.Warnings, func(w Warning) bool { return w.Code == EndsWithCA })
			if (warning >= 0) != c.warns || c.warns && !p.Warnings[warning].Until.Equal(end) {
				t.Errorf("warnings: %+v", p.Warnings)
			}
			if slices.ContainsFunc(p.Warnings, func(w Warning) bool { return w.Code == ShorterThanAsked }) {
				t.Errorf("the signer is blamed: %+v", p.Warnings)
			}
		})
	}
}

func TestRewrite(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*File)
		want   Reason
	}{
		{"server", func(f *File) { f.Kubeconfig.Endpoint.Server = "https://old" }, Reason{Code: ServerChanged, From: "https://old", To: "https://prod:6443"}},
		{"CA", func(f *File) { f.Kubeconfig.Endpoint.CertificateAuthorityData = []byte("old") }, Reason{Code: CADataChanged}},
		{"server name", func(f *File) { f.Kubeconfig.Endpoint.TLSServerName = "old" }, Reason{Code: TLSChanged, Field: "tls-server-name", From: "old"}},
		{"server with a password", func(f *File) { f.Kubeconfig.Endpoint.Server = "https://u:secret@old" }, Reason{Code: ServerChanged, From: "https://u:xxxxx@old", To: "https://prod:6443"}},
		{"proxy with a token", func(f *File) { f.Kubeconfig.Endpoint.ProxyURL = "http://secret@old" }, Reason{Code: TLSChanged, Field: "proxy-url", From: "http://xxxxx@old"}},
		{"proxy", func(f *File) { f.Kubeconfig.Endpoint.ProxyURL = "http://u:secret@old" }, Reason{Code: TLSChanged, Field: "proxy-url", From: "http://u:xxxxx@old"}},
		{"insecure", func(f *File) { f.Kubeconfig.Endpoint.InsecureSkipTLSVerify = true }, Reason{Code: TLSChanged, Field: "insecure-skip-tls-verify", From: "true", To: "false"}},
		{"compression", func(f *File) { f.Kubeconfig.Endpoint.DisableCompression = true }, Reason{Code: TLSChanged, Field: "disable-compression", From: "true", To: "false"}},
		{"namespace", func(f *File) { f.Kubeconfig.Namespace = "" }, Reason{Code: NamespaceChanged, To: "default"}},
		{"context", func(f *File) { f.Kubeconfig.Context = "jane@old" }, Reason{Code: NamesChanged, From: "jane@old", To: "jane@prod"}},
		{"cluster name", func(f *File) { f.Kubeconfig.Endpoint.Name = "old" }, Reason{Code: NamesChanged, From: "jane@prod", To: "jane@prod"}},
		{"edited", func(f *File) { f.Edited = []string{"exec", "token"} }, Reason{Code: EntryEdited, Added: []string{"exec", "token"}}},
		{"mode", func(f *File) { f.Mode = 0o640 }, Reason{Code: ModeTooOpen, Mode: 0o640}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := settled(noon.Add(-day), wanted("jane", "dev"))
			w.file(c.change)
			got := janeOf(t, w.plan())
			if got.Certificate.Op != Keep || got.Certificate.After.KeyHash != keyHash("jane") {
				t.Errorf("the certificate is not kept: %+v", got.Certificate)
			}
			if got.Kubeconfig.Op != Rewrite || fmt.Sprint(got.Kubeconfig.Reasons) != fmt.Sprint([]Reason{c.want}) {
				t.Errorf("%s because of %+v, want rewrite because of %+v", got.Kubeconfig.Op, got.Kubeconfig.Reasons, c.want)
			}
		})
	}

	t.Run("a proxy's password is never shown", func(t *testing.T) {
		u := wanted("jane", "dev")
		u.Kubeconfig.Endpoint.ProxyURL = "http://u:new@proxy"
		w := settled(noon.Add(-day), u)
		w.file(func(f *File) { f.Kubeconfig.Endpoint.ProxyURL = "http://u:old@proxy" })
		got := janeOf(t, w.plan()).Kubeconfig
		if got.Op != Rewrite || fmt.Sprint(got.Reasons) != fmt.Sprint([]Reason{{Code: TLSChanged, Field: "proxy-url", From: "http://u:xxxxx@proxy", To: "http://u:xxxxx@proxy"}}) {
			t.Errorf("%s because of %+v", got.Op, got.Reasons)
		}
	})
	t.Run("a stricter mode is left alone", func(t *testing.T) {
		w := settled(noon.Add(-day), wanted("jane", "dev"))
		w.file(func(f *File) { f.Mode = 0o400 })
		if p := w.plan(); p.Changes() {
			t.Errorf("%+v", p.Users)
		}
	})
	t.Run("a new certificate names the other causes too", func(t *testing.T) {
		w := settled(noon.Add(-day), wanted("jane", "dev"))
		w.file(func(f *File) { f.Kubeconfig.Endpoint.Server, f.Certificate.Groups = "https://old", nil })
		w.recorded()
		got := janeOf(t, w.plan()).Kubeconfig
		if got.Op != Rewrite || !slices.Equal(codes(got.Reasons), []ReasonCode{NewCertificate, ServerChanged}) {
			t.Errorf("%s because of %v", got.Op, codes(got.Reasons))
		}
	})
}

// Keys in the journal that serve nobody any more are dropped.
func TestAbandon(t *testing.T) {
	const key = "0123456789abcdef0123456789abcdef"
	for _, c := range []struct {
		name     string
		change   func(*world)
		abandon  bool
		file     Op
		requests int
	}{
		{"the file says what the certificate says again", func(w *world) {
			w.Keys["jane"] = journalKey(w.Users[0], key)
			w.Requests = []Request{requestOf(wanted("jane", "ops"), key, Pending, noon)}
		}, true, Keep, 1},
		{"the kubeconfig was written, the key not dropped", func(w *world) {
			w.Keys["jane"] = journalKey(w.Users[0], keyHash("jane"))
			w.Requests = []Request{requestOf(w.Users[0], keyHash("jane"), Issued, noon.Add(-day))}
		}, false, Keep, 0},
		{"an older certificate than the one that is here", func(w *world) {
			w.Keys["jane"] = journalKey(w.Users[0], key)
			w.Requests = []Request{requestOf(w.Users[0], key, Issued, noon.Add(-2*day))}
		}, true, Keep, 0},
		{"left before the first certificate", func(w *world) {
			w.Keys["jane"] = journalKey(w.Users[0], key)
			w.Requests = []Request{requestOf(w.Users[0], key, Approved, noon)}
			w.fresh()
			w.Users = nil
		}, true, Keep, 1},
		{"left while a new one was asked for", func(w *world) {
			w.Keys["jane"] = journalKey(w.Users[0], key)
			w.Requests = []Request{requestOf(w.Users[0], key, Pending, noon)}
			w.Users = nil
		}, true, Remove, 1},
		{"left after the request was decided: that is history", func(w *world) {
			w.Keys["jane"] = journalKey(w.Users[0], key)
			w.Requests = []Request{requestOf(w.Users[0], key, Denied, noon)}
			w.Users = nil
		}, true, Remove, 0},
		{"left: a request that only bears our name is not ours to delete", func(w *world) {
			w.Keys["jane"] = journalKey(w.Users[0], key)
			r := requestOf(w.Users[0], key, Pending, noon)
			r.KeyHash = keyHash("mallory")
			w.Requests = []Request{r}
			w.Users = nil
		}, true, Remove, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := settled(noon.Add(-day), wanted("jane", "dev"))
			c.change(&w)
			p := w.plan()
			got := janeOf(t, p)
			if got.Abandon != c.abandon || got.Kubeconfig.Op != c.file || got.Certificate.Op != Keep || len(p.Requests) != c.requests {
				t.Errorf("%+v, and %d requests are deleted", got, len(p.Requests))
			}
		})
	}
}

// A run that was to replace good certificates and was interrupted is gone on with.
func TestResumeOfAReissue(t *testing.T) {
	const key = "0123456789abcdef0123456789abcdef"
	for _, state := range []RequestState{Pending, Approved, Issued} {
		w := settled(noon.Add(-day), wanted("jane", "dev"))
		w.Keys["jane"] = journalKey(w.Users[0], key)
		w.Requests = []Request{requestOf(w.Users[0], key, state, noon)}
		w.RebuildLedger = true // it lists none of this
		p := w.plan()
		got := janeOf(t, p)
		if got.Certificate.Op != Resume || got.Request == nil || got.Request.Name != w.Requests[0].Name || got.Abandon {
			t.Errorf("%s: %+v", state, got)
		}
		if got.Kubeconfig.Op != Rewrite || got.Kubeconfig.After == nil || got.Certificate.After == nil || len(got.Certificate.Reasons) != 1 {
			t.Errorf("%s: %+v", state, got)
		}
		if len(p.Requests) > 0 {
			t.Errorf("%s: the request is deleted", state)
		}
	}
}

// A run that died between its intent and its request left a key and a record of it. Both are used again while they fit:
// else the record of a certificate that most likely never was would stay for as long as one could live.
func TestSendAgain(t *testing.T) {
	const key = "0123456789abcdef0123456789abcdef"
	for _, c := range []struct {
		name   string
		change func(*world)
		again  bool
	}{
		{"as it was", func(*world) {}, true},
		{"other groups", func(w *world) { w.Users[0].Certificate.Groups = []string{"ops"} }, false},
		{"another duration", func(w *world) { w.Users[0].Certificate.Duration = day }, false},
		{"another algorithm", func(w *world) { w.Users[0].Certificate.KeyAlgorithm = usersfile.Ed25519 }, false},
		{"no record", func(w *world) { w.Ledger = nil }, false},
		{"the record is of another key", func(w *world) { w.Ledger[0].KeyHash = keyHash("other") }, false},
		{"a certificate came of it", func(w *world) { w.Ledger[0].NotAfter = noon.Add(day) }, false},
		{"she was revoked", func(w *world) { w.Ledger[0].Removed, w.Users[0].Reuse = noon, true }, false},
		{"too old to be alive", func(w *world) { w.Ledger[0].Intended = noon.Add(-40 * day) }, false},
		{"another request has the name", func(w *world) {
			r := requestOf(w.Users[0], key, Pending, noon)
			r.KeyHash = keyHash("eve")
			w.Requests = []Request{r}
		}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := settled(noon.Add(-day), wanted("jane", "dev"))
			delete(w.Files, "jane")
			w.Keys["jane"] = journalKey(w.Users[0], key)
			w.Ledger = []Record{{User: "jane", Groups: []string{"dev"}, KeyHash: key, Request: w.Keys["jane"].Request, Duration: w.Users[0].Certificate.Duration, Intended: noon.Add(-time.Hour)}}
			c.change(&w)
			got := janeOf(t, w.plan())
			if got.Certificate.Op != Issue {
				t.Fatalf("%+v", got)
			}
			if again := got.Request != nil && got.Request.Name == RequestName(setName, "jane", key) && got.Request.UID == "" && got.Request.Resent; again != c.again || !again && got.Request != nil {
				t.Errorf("request %+v", got.Request)
			}
		})
	}
}

// A request that was sent twice may have been issued the first time, whatever becomes of it now: whoever resumes or
// deletes it is told.
func TestResent(t *testing.T) {
	const key = "0123456789abcdef0123456789abcdef"
	for _, resent := range []bool{false, true} {
		t.Run(fmt.Sprint(resent), func(t *testing.T) {
			w := settled(noon.Add(-day), wanted("jane", "dev"))
			delete(w.Files, "jane")
			w.Keys["jane"] = journalKey(w.Users[0], key)
			w.Requests = []Request{requestOf(w.Users[0], key, Pending, noon)}
			w.Ledger = []Record{
				{User: "jane", KeyHash: keyHash("other"), Duration: 30 * day, Intended: noon.Add(-time.Hour), Resent: !resent},
				{User: "jane", Groups: []string{"dev"}, KeyHash: key, Request: w.Keys["jane"].Request, Duration: 30 * day, Intended: noon.Add(-time.Hour), Resent: resent},
			}
			if got := janeOf(t, w.plan()); got.Certificate.Op != Resume || got.Request.Resent != resent {
				t.Errorf("resumed: %+v", got.Request)
			}
			if got := Revoke(w.Desired, w.Observed, []string{"jane"}, noon).Requests; len(got) != 1 || got[0].Before.Resent != resent {
				t.Errorf("revoked: %+v", got)
			}
			w.Users[0].Certificate.Groups = nil
			if got := w.plan().Requests; len(got) != 1 || got[0].Before.Resent != resent {
				t.Errorf("superseded: %+v", got)
			}
			w.Users = nil
			if got := w.plan().Requests; len(got) != 1 || got[0].Before.Resent != resent {
				t.Errorf("left: %+v", got)
			}
			if w.Requests[0].Resent {
				t.Error("the input was changed")
			}
		})
	}
}

// Who left loses the kubeconfig; files that are not of the set stay.
func TestLeft(t *testing.T) {
	w := settled(noon.Add(-day), wanted("jane", "dev"))
	w.Users = nil
	for name, state := range map[string]FileState{"a": FileForeign, "b": FileOther, "c": FileOtherSet, "d": FileUnreadable} {
		w.Files[name] = File{Name: name + ".kubeconfig", State: state}
	}
	p := w.plan()
	if len(p.Users) != 1 || p.Users[0].Name != "jane" || p.Users[0].Kubeconfig.Op != Remove || p.Users[0].Certificate.Op != Keep {
		t.Errorf("%+v", p.Users)
	}
	if got := warningCodes(p); !slices.Equal(got, []WarningCode{StillAuthenticates}) {
		t.Errorf("warnings %v", got)
	}
	if r := p.Ledger.Records; len(r) != 1 || r[0].Op != Update || !r[0].After.Removed.Equal(noon) {
		t.Errorf("ledger %+v", r)
	}
}

// PROMISE: What a kubeconfig holds besides, such as an exec plugin, is warned of.
func TestUserWarnings(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*world)
		want   Warning
	}{
		{"another duration", func(w *world) { w.Users[0].Certificate.Duration = day }, Warning{Code: DurationLater, Items: []string{"jane"}}},
		{"shortened by the signer", func(w *world) {
			w.file(func(f *File) { f.Certificate.NotAfter = f.Certificate.NotBefore.Add(20*day + backdate) })
		}, Warning{Code: ShorterThanAsked, Items: []string{"jane"}, Asked: 30 * day, Issued: 20 * day}},
		{"a group in the old certificate", func(w *world) { w.Users[0].Certificate.Groups = nil },
			Warning{Code: StillInGroup, User: "jane", Items: []string{"dev"}, Until: noon.Add(29*day - backdate)}},
		{"issued elsewhere", func(w *world) { delete(w.Files, "jane") }, Warning{Code: IssuedElsewhere, Items: []string{"jane"}}},
		{"name given again", func(w *world) {
			delete(w.Files, "jane")
			w.Users[0].Reuse, w.Ledger[0].Removed = true, noon.Add(-day)
		}, Warning{Code: NameAgain, User: "jane", Until: noon.Add(29*day - backdate), Generation: 1}},
		{"name given again, with the generation that the leaver had", func(w *world) {
			delete(w.Files, "jane")
			w.Users[0] = raised("jane", 2)
			w.Users[0].Reuse, w.Ledger[0].Removed, w.Ledger[0].Groups = true, noon.Add(-day), w.Users[0].Certificate.Groups
		}, Warning{Code: NameAgain, User: "jane", Until: noon.Add(29*day - backdate), Generation: 3}},
		{"left", func(w *world) { w.Users = nil }, Warning{Code: StillAuthenticates, User: "jane", Items: []string{"dev"}, Until: noon.Add(29*day - backdate)}},
		{"left, and the kubeconfig was never here", func(w *world) {
			w.Users = nil
			delete(w.Files, "jane")
		}, Warning{Code: StillAuthenticates, User: "jane", Items: []string{"dev"}, Until: noon.Add(29*day - backdate)}},
		{"a request that no key of ours made", func(w *world) {
			w.Requests = []Request{requestOf(wanted("eve"), keyHash("eve"), Pending, noon)}
		}, Warning{Code: ForeignRequest, Items: []string{RequestName(setName, "eve", keyHash("eve"))}}},
		{"another key under the name of ours", func(w *world) {
			w.Keys["jane"] = journalKey(w.Users[0], keyHash("jane"))
			r := requestOf(w.Users[0], keyHash("jane"), Pending, noon)
			r.KeyHash = keyHash("eve")
			w.Requests = []Request{r}
		}, Warning{Code: SwappedRequest, User: "jane", Name: RequestName(setName, "jane", keyHash("jane"))}},
		{"reserved names", func(w *world) { w.Reserved = []string{"system:masters"} }, Warning{Code: ReservedNames, Items: []string{"system:masters"}}},
		{"entries of others", func(w *world) {
			w.file(func(f *File) { f.Others, f.OtherContext = []Entry{{"context", "work"}, {"user", "x"}}, "work" })
		}, Warning{Code: OtherEntries, User: "jane", Name: "jane.kubeconfig", Entries: []Entry{{"context", "work"}, {"user", "x"}}, To: "work"}},
		{"entries of others in a file for another cluster", func(w *world) {
			w.fresh()
			w.Files["jane"] = File{Name: "jane.kubeconfig", State: FileOther, Mode: 0o600, Others: []Entry{{"user", "x"}}}
		}, Warning{Code: OtherEntries, User: "jane", Name: "jane.kubeconfig", Entries: []Entry{{"user", "x"}}}},
		{"CA not known", func(w *world) { w.ClientCAError = "forbidden" }, Warning{Code: CANotChecked, To: "forbidden"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := settled(noon.Add(-day), wanted("jane", "dev"))
			c.change(&w)
			if got := w.plan().Warnings; fmt.Sprint(got) != fmt.Sprint([]Warning{c.want}) {
				t.Errorf("got  %+v\nwant %+v", got, c.want)
			}
		})
	}
	t.Run("a request of another operator of the set is known by the ledger", func(t *testing.T) {
		w := settled(noon.Add(-day), wanted("jane", "dev"))
		r := requestOf(wanted("joe"), keyHash("joe"), Pending, noon)
		r.Conforms, r.OfOther = false, true
		w.Requests = []Request{r}
		w.Ledger = append(w.Ledger, Record{User: "joe", KeyHash: r.KeyHash, Request: r.Name, Intended: noon, Removed: noon})
		if got := w.plan().Warnings; len(got) > 0 && got[0].Code == ForeignRequest {
			t.Errorf("%+v", got)
		}
	})
}
