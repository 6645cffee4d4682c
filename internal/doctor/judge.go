package doctor

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"provision/internal/plan"
)

// Oldest is the first version of Kubernetes that serves all that is asked of it, as its minor number; Blocking the first that tells one client
// certificate from another at admission.
const (
	Oldest   = 28
	Blocking = 32
)

// soon is how near the end of a CA is told of: a certificate of the default life would outlive it.
const soon = 30 * 24 * time.Hour

// Judge returns what was found, in the order of the checks: at least one finding for each that was made.
func Judge(e Examination) []Finding {
	return slices.Concat(e.version(), e.rights(), e.clientCA(), e.signer(), e.trial(), e.front(), e.address(), e.clock(), e.sets(), e.blocks())
}

// Fails reports whether an apply would fail.
func Fails(list []Finding) bool {
	return slices.ContainsFunc(list, func(f Finding) bool { return f.Result == Failure })
}

func found(check Check, result Result, code Code) []Finding {
	return []Finding{{Check: check, Result: result, Code: code}}
}

func unknown(check Check, err error) []Finding {
	return []Finding{{Check: check, Result: Unknown, Code: NotKnown, Err: err}}
}

// minor is the minor number of a version; 0: it cannot be read.
func minor(version string) int {
	parts := strings.Split(strings.TrimPrefix(version, "v"), ".")
	if len(parts) < 2 || parts[0] != "1" {
		return 0
	}
	n, err := strconv.Atoi(strings.TrimRight(parts[1], "+"))
	if err != nil {
		return 0
	}
	return n
}

func (e Examination) version() []Finding {
	switch n := minor(e.Version); {
	case n == 0:
		return unknown(Version, errors.New(e.Version))
	case n < Oldest:
		return found(Version, Failure, TooOld)
	case n < Blocking:
		return found(Version, Warning, CannotBlock)
	}
	return found(Version, OK, Fine)
}

func (e Examination) rights() []Finding {
	if e.RightsErr != nil {
		return unknown(Rights, e.RightsErr)
	}
	var list []Finding
	for _, r := range e.Rights {
		f := Finding{Check: Rights, Result: OK, Code: Fine, Right: r}
		if len(r.Missing) > 0 {
			f.Result, f.Code = Failure, Lacks
			if r.Command != "apply" { // one may be a reader
				f.Result = Warning
			}
		}
		list = append(list, f)
	}
	return list
}

func (e Examination) clientCA() []Finding {
	switch {
	case e.ClientCAs != "":
		return unknown(ClientCA, errors.New(e.ClientCAs))
	case len(e.ClientCA) == 0:
		return found(ClientCA, Failure, NoClientCA)
	}
	var list []Finding
	lives := 0
	for _, ca := range e.ClientCA {
		switch left := ca.NotAfter.Sub(e.Now); {
		case left <= 0:
			list = append(list, Finding{Check: ClientCA, Result: Warning, Code: CAEnded, CA: ca})
		case left < soon:
			lives++
			list = append(list, Finding{Check: ClientCA, Result: Warning, Code: CAEnds, CA: ca})
		default:
			lives++
			list = append(list, Finding{Check: ClientCA, Result: OK, Code: Fine, CA: ca})
		}
	}
	for i := range list { // where none lives, nobody can log in
		if lives == 0 {
			list[i].Result = Failure
		}
	}
	if len(e.ClientCA) > 1 {
		list = append(list, Finding{Check: ClientCA, Result: OK, Code: SeveralCAs})
	}
	return list
}

func (e Examination) signer() []Finding {
	switch s := e.Signer; {
	case e.SignerErr != nil:
		return unknown(SignerOf, e.SignerErr)
	case s.Waiting > 0 && e.Trial.tried() == "": // what was just tried tells more
		return found(SignerOf, Failure, SignerStands)
	case s.Asked > 0:
		return found(SignerOf, Warning, SignerCaps)
	case s.Issued == 0 && e.Trial == nil:
		return found(SignerOf, Unknown, SignerUnseen)
	case s.Issued == 0:
		return nil
	}
	return found(SignerOf, OK, Fine)
}

// tried is how far a trial came with the signer; "": it was not asked.
func (t *Trial) tried() Step {
	if t == nil || t.Step == Ask {
		return ""
	}
	return t.Step
}

// shortTolerance is how much shorter than asked a life may be: a signer begins a certificate some minutes before it is made.
const shortTolerance = 6 * time.Minute

func (e Examination) trial() []Finding {
	t := e.Trial
	if t == nil {
		return nil
	}
	var list []Finding
	switch {
	case t.Err != nil:
		list = []Finding{{Check: TrialOf, Result: Failure, Code: TrialFailed, Err: t.Err}}
	case t.Login != nil:
		list = []Finding{{Check: TrialOf, Result: Failure, Code: TrialRefused, Err: t.Login}}
	case t.Life+shortTolerance < t.Asked:
		list = found(TrialOf, Warning, TrialShort)
	default:
		list = found(TrialOf, OK, Fine)
	}
	if t.LeftBy != nil {
		list = append(list, Finding{Check: TrialOf, Result: Warning, Code: TrialLeft, Err: t.LeftBy})
	}
	return list
}

func (e Examination) front() []Finding {
	switch {
	case e.FrontErr != nil:
		return unknown(Front, e.FrontErr)
	case e.Front:
		return found(Front, Failure, EndsTLS)
	}
	return found(Front, OK, Fine)
}

func (e Examination) address() []Finding {
	if plan.OnlyHere(e.Server) {
		return found(Address, Warning, OnlyHere)
	}
	return found(Address, OK, Fine)
}

func (e Examination) clock() []Finding {
	if e.Ahead.Abs() > plan.ClockTolerance {
		return found(Clock, Warning, ClockDiffers)
	}
	return found(Clock, OK, Fine)
}

func (e Examination) sets() []Finding {
	switch {
	case e.SetsErr != nil:
		return unknown(Sets, e.SetsErr)
	case !e.Everywhere:
		return found(Sets, Warning, NotEverywhere)
	}
	return found(Sets, OK, Fine)
}

func (e Examination) blocks() []Finding {
	if e.BlocksErr != nil {
		return unknown(Blocks, e.BlocksErr)
	}
	var list []Finding
	for _, b := range e.Blocks {
		if b.Altered {
			list = append(list, Finding{Check: Blocks, Result: Failure, Code: BlockAltered, Set: b.Set})
		}
	}
	if len(list) == 0 {
		return found(Blocks, OK, Fine)
	}
	return list
}
