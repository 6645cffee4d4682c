package doctor

import (
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"provision/internal/plan"
)

var noon = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

// sound is a cluster in which nothing is wrong.
func sound() Examination {
	return Examination{
		Server: "https://api.example:6443", Username: "admin", Now: noon, Version: "v1.37.2", Everywhere: true,
		Rights:   []Right{{Command: "plan"}, {Command: "apply"}},
		ClientCA: []*x509.Certificate{{NotAfter: noon.AddDate(9, 0, 0)}},
		Signer:   Signer{Issued: 3, Last: noon},
	}
}

func TestJudge(t *testing.T) {
	wrong := errors.New("wrong")
	lacks := []plan.Permission{{Verb: "get", Resource: "x"}}
	ca := func(left ...time.Duration) func(*Examination) {
		return func(e *Examination) {
			e.ClientCA = nil
			for _, d := range left {
				e.ClientCA = append(e.ClientCA, &x509.Certificate{NotAfter: noon.Add(d)})
			}
		}
	}
	const year = 365 * 24 * time.Hour
	for _, c := range []struct {
		about  string
		change func(*Examination)
		want   string // findings that are not fine, in their order
		fails  bool
	}{
		{"a sound cluster", func(*Examination) {}, "", false},
		{"a vendor's version", func(e *Examination) { e.Version = "v1.33.1-gke.7" }, "", false},
		{"an old version", func(e *Examination) { e.Version = "v1.31.0" }, "version warning CannotBlock", false},
		{"too old a version", func(e *Examination) { e.Version = "v1.27.9" }, "version error TooOld", true},
		{"no version", func(e *Examination) { e.Version = "" }, "version unknown NotKnown", false},
		{"a version that is none", func(e *Examination) { e.Version = "v2" }, "version unknown NotKnown", false},
		{"a reader", func(e *Examination) { e.Rights[1].Missing = lacks }, "rights error Lacks", true},
		{"no reader", func(e *Examination) { e.Rights[0].Missing = lacks }, "rights warning Lacks", false},
		{"rights that nobody knows", func(e *Examination) { e.RightsErr = wrong }, "rights unknown NotKnown", false},
		{"a CA that ended", ca(-time.Hour), "clientCA error CAEnded", true},
		{"a CA that ends", ca(time.Hour), "clientCA warning CAEnds", false},
		{"two CAs", ca(year, 2*year), "", false},
		{"two CAs, one ended", ca(-time.Hour, year), "clientCA warning CAEnded", false},
		{"no CA", ca(), "clientCA error NoClientCA", true},
		{"a CA that nobody may see", func(e *Examination) { e.ClientCAs = "forbidden" }, "clientCA unknown NotKnown", false},
		{"no signer", func(e *Examination) { e.Signer = Signer{Waiting: 2, Since: noon} }, "signer error SignerStands", true},
		{"a capped signer", func(e *Examination) { e.Signer.Asked, e.Signer.Shortened = year, time.Hour }, "signer warning SignerCaps", false},
		{"nothing was asked for", func(e *Examination) { e.Signer = Signer{} }, "signer unknown SignerUnseen", false},
		{"a trial that passes", func(e *Examination) {
			e.Signer, e.Trial = Signer{}, &Trial{Step: Passed, Asked: 10 * time.Minute, Life: 10 * time.Minute}
		}, "", false},
		{"a trial that passes, though others wait", func(e *Examination) {
			e.Signer, e.Trial = Signer{Waiting: 1, Issued: 1}, &Trial{Step: Passed, Asked: 10 * time.Minute, Life: 10 * time.Minute}
		}, "", false},
		{"a trial that nobody may make", func(e *Examination) { e.Trial = &Trial{Step: Ask, Err: wrong} }, "trial error TrialFailed", true},
		{"a trial that nobody signs", func(e *Examination) { e.Trial = &Trial{Step: Await, Err: wrong} }, "trial error TrialFailed", true},
		{"a trial that the API server refuses", func(e *Examination) { e.Trial = &Trial{Step: LogIn, Login: wrong} }, "trial error TrialRefused", true},
		{"a trial with a short life", func(e *Examination) {
			e.Trial = &Trial{Step: Passed, Asked: 10 * time.Minute, Life: 2 * time.Minute}
		}, "trial warning TrialShort", false},
		{"a trial that is left", func(e *Examination) {
			e.Trial = &Trial{Step: Passed, Asked: 10 * time.Minute, Life: 10 * time.Minute, LeftBy: wrong}
		}, "trial warning TrialLeft", false},
		{"a front", func(e *Examination) { e.Front = true }, "front error EndsTLS", true},
		{"a server that does not answer there", func(e *Examination) { e.FrontErr = wrong }, "front unknown NotKnown", false},
		{"kind", func(e *Examination) { e.Server = "https://127.0.0.1:6443" }, "address warning OnlyHere", false},
		{"a clock ahead", func(e *Examination) { e.Ahead = time.Hour }, "clock warning ClockDiffers", false},
		{"a clock behind", func(e *Examination) { e.Ahead = -time.Hour }, "clock warning ClockDiffers", false},
		{"ledgers elsewhere", func(e *Examination) { e.Everywhere = false }, "sets warning NotEverywhere", false},
		{"ledgers that cannot be read", func(e *Examination) { e.SetsErr = wrong }, "sets unknown NotKnown", false},
		{"a block that was altered", func(e *Examination) {
			e.Blocks = []plan.SetBlock{{Set: "a"}, {Set: "b", Block: plan.Block{Altered: true}}}
		}, "blocks error BlockAltered", true},
		{"blocks that cannot be read", func(e *Examination) { e.BlocksErr = wrong }, "blocks unknown NotKnown", false},
	} {
		e := sound()
		c.change(&e)
		var got []string
		list := Judge(e)
		for _, f := range list {
			if f.Result != OK {
				got = append(got, fmt.Sprint(f.Check, " ", f.Result, " ", f.Code))
			}
		}
		if strings.Join(got, "; ") != c.want || Fails(list) != c.fails {
			t.Errorf("%s: %q, fails %v; want %q, %v", c.about, got, Fails(list), c.want, c.fails)
		}
		for _, check := range []Check{Version, Rights, ClientCA, Front, Address, Clock, Sets, Blocks} {
			if !slices.ContainsFunc(list, func(f Finding) bool { return f.Check == check }) {
				t.Errorf("%s: nothing is said of %s", c.about, check)
			}
		}
	}
}
