package cluster

import (
	"net/http"
	"sync/atomic"
	"time"
)

// clock compares the clock of this machine with the API server's, by the Date header of its answers: that costs no
// request.
type clock struct {
	ahead atomic.Int64 // nanoseconds
}

// clockNoise is what counts as no difference: a slow answer and a header without fractions make some seconds.
const clockNoise = time.Minute

// wrap notes the date of every answer that comes through a transport.
func (c *clock) wrap(next http.RoundTripper) http.RoundTripper { return datedTransport{next, c} }

// datedTransport notes the date of each answer.
type datedTransport struct {
	next  http.RoundTripper
	clock *clock
}

// RoundTrip passes a request on.
func (t datedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	sent := time.Now()
	answer, err := t.next.RoundTrip(r)
	if err != nil {
		return answer, err
	}
	if date, err := http.ParseTime(answer.Header.Get("Date")); err == nil {
		t.clock.ahead.Store(int64(ahead(sent, time.Now(), date)))
	}
	return answer, nil
}

// WrappedRoundTripper lets client-go find the transport below.
func (t datedTransport) WrappedRoundTripper() http.RoundTripper { return t.next }

// ahead is by how much one clock is at least ahead of another, or behind (negative). The other wrote date, cut to the second,
// at some instant between sent and received, which the first has read. A difference below clockNoise is 0.
func ahead(sent, received, date time.Time) time.Duration {
	d := time.Duration(0)
	if end := date.Add(time.Second); sent.After(end) {
		d = sent.Sub(end)
	} else if received.Before(date) {
		d = received.Sub(date)
	}
	if d.Abs() < clockNoise {
		return 0
	}
	return d.Round(time.Second)
}

// ClockAhead is how far the clock of this machine is ahead of the API server's, negative when it is behind, by the
// server's last answer. Less than a minute is 0.
func (c *Client) ClockAhead() time.Duration { return time.Duration(c.clock.ahead.Load()) }

// ServerTime is now by the API server's clock.
func (c *Client) ServerTime() time.Time { return time.Now().Add(-c.ClockAhead()) }

// Earliest is now by whichever of the two clocks is behind: a certificate that ends later may still be accepted.
func (c *Client) Earliest() time.Time { return time.Now().Add(-max(c.ClockAhead(), 0)) }

// Latest is now by whichever of the two clocks is ahead.
func (c *Client) Latest() time.Time { return time.Now().Add(-min(c.ClockAhead(), 0)) }
