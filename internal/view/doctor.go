package view

import (
	"cmp"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"provision/internal/cluster"
	"provision/internal/credential"
	"provision/internal/doctor"
	"provision/internal/plan"
	"provision/internal/usersfile"
)

// Diagnosis is whether the job can be done in a cluster.
type Diagnosis struct {
	Page
	doctor.Examination
	Ledger string // the namespace of the ledger that was asked about
}

// checkDoc is one finding for programs.
type checkDoc struct {
	Check   doctor.Check  `json:"check"`
	Result  doctor.Result `json:"result"`
	Code    doctor.Code   `json:"code"`
	Message string        `json:"message"`
	Hint    string        `json:"hint,omitempty"` // the way out
}

// diagnosisDoc is the diagnosis for programs.
type diagnosisDoc struct {
	head
	Operator string     `json:"operator"`
	Fails    bool       `json:"fails"` // an apply would
	Checks   []checkDoc `json:"checks"`
}

// Print writes a line for each finding, with its way out, and what it comes to; or a document.
func (d Diagnosis) Print(s Streams, format string) error {
	findings := doctor.Judge(d.Examination)
	if format != "text" {
		return printDocument(s.Out, format, diagnosisDoc{
			head: d.head("Diagnosis"), Operator: d.Username, Fails: doctor.Fails(findings),
			Checks: each(findings, func(f doctor.Finding) checkDoc {
				what, way := d.words(f)
				return checkDoc{f.Check, f.Result, f.Code, what, strings.TrimRight(way, "\n")}
			}),
		})
	}
	p := s.out()
	p.text(0, "", fmt.Sprintf("cluster %s (%s), as %s", d.Endpoint.Name, d.Endpoint.Server, plan.Quoted(d.Username)))
	p.gap()
	fails, doubts := 0, 0
	var rules []plan.Permission
	may := each(slices.DeleteFunc(slices.Clone(findings), func(f doctor.Finding) bool { return f.Check != doctor.Rights || f.Result != doctor.OK }),
		func(f doctor.Finding) string { return f.Right.Command })
	for _, f := range findings {
		if f.Check == doctor.Rights && f.Result == doctor.OK { // in one line
			if f.Right.Command == may[0] {
				p.text(0, p.green("ok"), "rights: "+strings.Join(may, ", "))
			}
			continue
		}
		sign := p.green("ok")
		switch f.Result {
		case doctor.OK:
		case doctor.Failure:
			sign = p.red("x ")
			fails++
		case doctor.Warning:
			sign = p.yellow("! ")
			doubts++
		case doctor.Unknown:
			sign = p.yellow("? ")
			doubts++
		}
		what, way := d.words(f)
		if lack, ok := errors.AsType[*cluster.PermissionError](f.Err); ok { // below, for all at once
			doubt := ""
			if f.Code == doctor.NotKnown {
				doubt = "not known: "
			}
			about, _, _ := strings.Cut(what, ": ")
			what, way = about+": "+doubt+"you may not "+lack.Doing, ""
			rules = append(rules, lack.Missing...)
		}
		p.text(0, sign, what)
		if f.Code == doctor.Lacks {
			rules = append(rules, f.Right.Missing...)
			continue
		}
		p.hint(3, way)
	}
	if len(rules) > 0 {
		p.gap()
		p.text(0, "", lackWords(d.Username, len(unique(rules)), " in all"))
		fmt.Fprint(p.w, rulesYAML(d.Username, unique(rules), d.newNamespaces()))
	}
	p.gap()
	p.text(0, p.bold("diagnosis:"), d.sum(p.style, fails, doubts))
	return nil
}

// sum is what all findings come to.
func (d Diagnosis) sum(s style, fails, doubts int) string {
	text := s.green("an apply can do its work here")
	if fails > 0 {
		text = s.red("an apply would fail here: " + Plural(fails, "error"))
	}
	if doubts > 0 {
		text += ", " + Plural(doubts, "doubt")
	}
	return text
}

// newNamespaces are those that rules need and that are not there.
func (d Diagnosis) newNamespaces() []string {
	if d.LedgerMissing {
		return []string{d.Ledger}
	}
	return nil
}

// unique are some permissions, each once, in their order.
func unique(list []plan.Permission) []plan.Permission {
	known := map[plan.Permission]bool{}
	var once []plan.Permission
	for _, p := range list {
		if !known[p] {
			known[p] = true
			once = append(once, p)
		}
	}
	return once
}

// words say what was found, and the way out.
func (d Diagnosis) words(f doctor.Finding) (what, way string) {
	if f.Code == doctor.NotKnown {
		return d.unknownWords(f)
	}
	switch f.Check {
	case doctor.Version:
		return d.versionWords(f)
	case doctor.Rights:
		if f.Code == doctor.Lacks {
			return fmt.Sprintf("rights: %s lacks %s", f.Right.Command, Plural(len(f.Right.Missing), "permission")), strings.TrimSpace(rulesYAML(d.Username, f.Right.Missing, d.newNamespaces()))
		}
		return "rights: " + f.Right.Command, ""
	case doctor.ClientCA:
		return d.caWords(f)
	case doctor.SignerOf:
		return d.signerWords(f)
	case doctor.TrialOf:
		return d.trialWords(f)
	case doctor.Front:
		if f.Code == doctor.EndsTLS {
			return "login: " + d.Server + " asks for no client certificate, so none works there: something in between ends TLS (a proxy, a load balancer), or the API server takes none (--client-ca-file)", wayToServer
		}
		return "login: " + d.Server + " asks for client certificates", ""
	case doctor.Address:
		if f.Code == doctor.OnlyHere {
			return "address: only this machine reaches " + d.Server, "set cluster.server in the users file to the address that the users reach"
		}
		return "address: " + d.Server, ""
	case doctor.Clock:
		if f.Code == doctor.ClockDiffers {
			return "clock: this machine's is " + shift(d.Ahead) + " the API server's", "set the clock that is wrong: certificates are judged by the API server's"
		}
		return "clock: as the API server's", ""
	case doctor.Sets:
		return d.setsWords(f)
	case doctor.Blocks:
		if f.Code == doctor.BlockAltered {
			return "blocks: somebody has altered what the set " + f.Set + " blocks at admission", "provision apply with its users file restores it"
		}
		if len(d.Blocks) == 0 {
			return "blocks: no certificate is blocked", ""
		}
		return "blocks: those of " + Plural(len(d.Blocks), "set") + " are as provision wrote them", ""
	}
	return string(f.Code), ""
}

// unknownWords say what could not be seen.
func (d Diagnosis) unknownWords(f doctor.Finding) (what, way string) {
	names := map[doctor.Check]string{
		doctor.Version: "version of the API server", doctor.Rights: "rights", doctor.ClientCA: "client CA of the cluster", doctor.SignerOf: "signer",
		doctor.Front: "login", doctor.Sets: "other sets", doctor.Blocks: "blocks of certificates",
	}
	return names[f.Check] + ": not known: " + OneLine(f.Err), strings.TrimSpace(hintFor(f.Err, "provision doctor"))
}

func (d Diagnosis) versionWords(f doctor.Finding) (what, way string) {
	what = "API server: Kubernetes " + d.Version
	// No other code is of the version.
	//exhaustive:ignore
	switch f.Code {
	case doctor.TooOld:
		return what + ", which is too old", fmt.Sprintf("Kubernetes 1.%d is the first that serves all that is asked of it", doctor.Oldest)
	case doctor.CannotBlock:
		return what + ", which cannot block certificates when people are revoked", fmt.Sprintf("Kubernetes 1.%d can; without it, revoke takes away all else", doctor.Blocking)
	}
	return what, ""
}

func (d Diagnosis) caWords(f doctor.Finding) (what, way string) {
	name := func(ca *x509.Certificate) string { return cmp.Or(ca.Subject.CommonName, ca.Subject.String()) }
	renew := "give the cluster a new CA in time, beside this one first (kube-apiserver --client-ca-file, kube-controller-manager --cluster-signing-cert-file)"
	// No other code is of a CA.
	//exhaustive:ignore
	switch f.Code {
	case doctor.NoClientCA:
		return "client CA: the API server publishes none, so it takes no client certificates", "start kube-apiserver with --client-ca-file"
	case doctor.SeveralCAs:
		return fmt.Sprintf("client CA: there are %d: %s", len(d.Examination.ClientCA), credential.CATexts(d.Examination.ClientCA)), ""
	case doctor.CAEnded:
		return "client CA: " + plan.Quoted(name(f.CA)) + " ended " + timeWords(f.CA.NotAfter) + ": the API server accepts no certificate of it", renew
	case doctor.CAEnds:
		return "client CA: " + plan.Quoted(name(f.CA)) + " ends " + timeWords(f.CA.NotAfter) + ", and all certificates of it then", renew
	}
	return "client CA: " + plan.Quoted(name(f.CA)) + ", until " + timeWords(f.CA.NotAfter), ""
}

func (d Diagnosis) signerWords(f doctor.Finding) (what, way string) {
	s := d.Signer
	const controller = "kube-controller-manager signs where it runs with --cluster-signing-cert-file and --cluster-signing-key-file, and its controller csrsigning is not disabled"
	// No other code is of the signer.
	//exhaustive:ignore
	switch f.Code {
	case doctor.SignerStands:
		return fmt.Sprintf("signer: %s approved and not issued, since %s", Plural(s.Waiting, "request"), timeWords(s.Since)), controller
	case doctor.SignerCaps:
		return fmt.Sprintf("signer: it gave %s where %s was asked for", usersfile.FormatDuration(s.Shortened), usersfile.FormatDuration(s.Asked)), "kube-controller-manager --cluster-signing-duration is the longest life that it gives"
	case doctor.SignerUnseen:
		return "signer: nothing was asked of it in the last hour, so nothing shows whether it works", "provision doctor --sign asks for one certificate of ten minutes"
	}
	return fmt.Sprintf("signer: %s issued in the last hour, the last %s", Plural(s.Issued, "certificate"), timeWords(s.Last)), ""
}

func (d Diagnosis) trialWords(f doctor.Finding) (what, way string) {
	t := d.Trial
	// No other code is of a trial.
	//exhaustive:ignore
	switch f.Code {
	case doctor.TrialFailed:
		if t.Step == doctor.Await {
			_, way = d.signerWords(doctor.Finding{Code: doctor.SignerStands})
			return "certificate of ten minutes: approved, and not issued: " + OneLine(t.Err), way
		}
		return "certificate of ten minutes: " + OneLine(t.Err), strings.TrimSpace(hintFor(t.Err, "provision doctor --sign"))
	case doctor.TrialRefused:
		return "certificate of ten minutes: issued, and no login: " + OneLine(t.Login), strings.TrimSpace(hintFor(t.Login, "provision doctor --sign"))
	case doctor.TrialShort:
		return fmt.Sprintf("certificate of ten minutes: it has %s only", usersfile.FormatDuration(t.Life.Round(time.Second))), "kube-controller-manager --cluster-signing-duration is the longest life that it gives"
	case doctor.TrialLeft:
		return "certificate of ten minutes: its request is still there: " + OneLine(f.Err), ""
	}
	return fmt.Sprintf("certificate of ten minutes: issued after %s, and accepted at login", t.Took.Round(time.Millisecond)), ""
}

func (d Diagnosis) setsWords(f doctor.Finding) (what, way string) {
	what = "sets: none yet"
	if len(d.Examination.Sets) > 0 {
		what = "sets: " + Listed(d.Examination.Sets)
	}
	if f.Code == doctor.NotEverywhere {
		return what + " in the namespace " + d.Ledger, "you may not list configmaps in all namespaces: sets that keep their records elsewhere are not seen"
	}
	return what, ""
}

// shift is by how much a clock differs.
func shift(ahead time.Duration) string {
	if ahead < 0 {
		return ahead.Abs().Round(time.Second).String() + " behind"
	}
	return ahead.Round(time.Second).String() + " ahead of"
}
