package plan

import "time"

// moment is now by two clocks.
type moment struct {
	now   time.Time // by the API server's, which decides whether a certificate is accepted and when it is to be renewed
	lives time.Time // by whichever is behind: one of the two is wrong, and nobody may be forgotten by that one
}

// at reads the clock of this machine.
func (o Observed) at(here time.Time) moment {
	return moment{o.ServerTime(here), o.Earliest(here)}
}

// ServerTime is a moment of this machine's clock by the API server's.
func (o Observed) ServerTime(here time.Time) time.Time { return here.Add(-o.ClockAhead) }

// Earliest is a moment of this machine's clock by whichever of the two clocks is behind. A certificate that ends after it
// counts as living.
func (o Observed) Earliest(here time.Time) time.Time { return here.Add(-max(o.ClockAhead, 0)) }
