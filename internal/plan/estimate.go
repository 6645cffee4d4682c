package plan

import (
	"slices"
	"time"

	"provision/internal/usersfile"
)

// The stock signer's limits: certificates at once, and a second after that (kube-controller-manager's --kube-api-burst
// and --kube-api-qps, pkg/controller/apis/config/v1alpha1/defaults.go:SetDefaults_KubeControllerManagerConfiguration).
const (
	signerBurst = 30
	signerRate  = 20
)

// keyTime is what one RSA key costs on one core, roughly: keys of other algorithms cost nothing beside the signer.
var keyTime = map[usersfile.KeyAlgorithm]time.Duration{
	usersfile.RSA2048: 75 * time.Millisecond,
	usersfile.RSA3072: 280 * time.Millisecond,
	usersfile.RSA4096: 650 * time.Millisecond,
}

// Estimate is how long the certificates of a plan should take, and what that is bounded by.
type Estimate struct {
	Time     time.Duration
	Keys     bool // bounded by making RSA keys, not by the signer
	Signer   int  // certificates that the signer issues a second
	Measured bool // by an earlier run, as the ledger tells; otherwise the stock limit is assumed
}

// Estimate says how long it takes to issue a plan's certificates. The ledger's records tell how fast the signer was
// the last time; cores is how many keys are made at once.
func (p Plan) Estimate(records []Record, cores int) Estimate {
	n, keys := 0, time.Duration(0)
	for _, u := range p.Users {
		if u.Certificate.Op == Keep {
			continue
		}
		n++
		if u.Certificate.Op != Resume {
			keys += keyTime[u.Certificate.After.KeyAlgorithm]
		}
	}
	e := Estimate{Signer: signerRate}
	if rate := measuredRate(records); rate >= signerRate*3/4 { // a slower run had something else to wait for
		e.Signer, e.Measured = rate, true
	}
	burst := 0
	if e.Signer <= signerRate+signerRate/4 { // as stock, give or take what is lost in between
		e.Signer, burst = signerRate, signerBurst
	}
	e.Time = time.Duration(max(0, n-burst)) * time.Second / time.Duration(e.Signer)
	if keys /= time.Duration(max(1, cores)); keys > e.Time {
		e.Time, e.Keys = keys, true
	}
	return e
}

// measuredRate is how many certificates a second the signer issued in the latest run that was long enough to tell,
// or 0.
func measuredRate(records []Record) int {
	const enough, shortest = 100, 3 * time.Second
	runs := map[time.Time][]time.Time{}
	for _, r := range records {
		if r.Issued() {
			runs[r.Intended] = append(runs[r.Intended], r.NotBefore)
		}
	}
	var latest time.Time
	rate := 0
	for began, issued := range runs {
		if len(issued) < enough || !began.After(latest) {
			continue
		}
		span := slices.MaxFunc(issued, time.Time.Compare).Sub(slices.MinFunc(issued, time.Time.Compare))
		if span >= shortest {
			latest, rate = began, int(float64(len(issued))/span.Seconds())
		}
	}
	return rate
}
