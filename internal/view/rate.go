package view

import "time"

// rateWindow is how far back a rate looks: long enough for a steady number, short enough to follow a signer that slows down.
const rateWindow = 10 * time.Second

// rate measures how fast a count grows over the last seconds.
type rate struct{ points []ratePoint }

type ratePoint struct {
	at    time.Time
	count int64
}

func (r *rate) add(at time.Time, count int64) {
	r.points = append(r.points, ratePoint{at, count})
	for len(r.points) > 2 && at.Sub(r.points[0].at) > rateWindow {
		r.points = r.points[1:]
	}
}

// full reports whether the rate is that of a whole window, or all but a tenth of it.
func (r *rate) full() bool {
	n := len(r.points)
	return n > 1 && r.points[n-1].at.Sub(r.points[0].at) >= rateWindow*9/10
}

// perSecond returns the rate; 0: there are not two counts yet.
func (r *rate) perSecond() float64 {
	if len(r.points) < 2 {
		return 0
	}
	first, last := r.points[0], r.points[len(r.points)-1]
	seconds := last.at.Sub(first.at).Seconds()
	if seconds <= 0 {
		return 0
	}
	return float64(last.count-first.count) / seconds
}
