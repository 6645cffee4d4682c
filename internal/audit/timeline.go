package audit

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// timeline is the picture of when certificates end: a column for each week or month, and a bar for each of those that end first.
// All lengths are in units of the picture.
type timeline struct {
	Columns []column
	Unit    string // week or month
	Most    int    // certificates in the highest column
	Bars    []bar
	More    int // certificates without a bar
	Now     float64
	Height  float64 // of the bars
	From    time.Time
	Until   time.Time
}

type column struct {
	X, Y, Width, Height float64
	Count               int
	Label               string // "": none, there are too many
	Until               time.Time
}

type bar struct {
	X, Y, Width float64
	User        string
	State       string
	Until       time.Time
}

// Lengths of the picture.
const (
	chartWidth  = 720.0
	chartHeight = 120.0
	barsLeft    = 170.0
	barStep     = 16.0
	mostBars    = 40
	mostColumns = 60
)

// newTimeline draws certificates as of now.
func newTimeline(all []Certificate, now time.Time) timeline {
	living := slices.DeleteFunc(slices.Clone(all), func(c Certificate) bool { return !c.NotAfter.After(now) })
	slices.SortStableFunc(living, func(a, b Certificate) int { return cmp.Or(a.NotAfter.Compare(b.NotAfter), cmp.Compare(a.User, b.User)) })
	var t timeline
	if len(living) == 0 {
		return t
	}
	t.columns(living, now)
	t.bars(living, now)
	return t
}

// columns counts the ends by week, or by month where the last is far away; what is further than there is room for is in the last column.
func (t *timeline) columns(living []Certificate, now time.Time) {
	const week = 7 * 24 * time.Hour
	last := living[len(living)-1].NotAfter
	start := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, time.UTC)
	next := func(from time.Time) time.Time { return from.Add(week) }
	if t.Unit = "week"; last.Sub(now) > 26*week {
		t.Unit = "month"
		start = time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC)
		next = func(from time.Time) time.Time { return from.AddDate(0, 1, 0) }
	}
	rest := living
	for from := start; len(rest) > 0; from = next(from) {
		c := column{Label: from.Format("Jan 2"), Until: next(from)}
		if t.Unit == "month" {
			c.Label = from.Format("Jan 2006")
		}
		n := slices.IndexFunc(rest, func(one Certificate) bool { return !one.NotAfter.Before(c.Until) })
		if n < 0 || len(t.Columns) == mostColumns-1 {
			n = len(rest)
		}
		c.Count, rest = n, rest[n:]
		t.Most = max(t.Most, n)
		t.Columns = append(t.Columns, c)
	}
	width := min(chartWidth/float64(len(t.Columns)), 60)
	every := 1 + len(t.Columns)*50/int(chartWidth)
	for i := range t.Columns {
		c := &t.Columns[i]
		c.X, c.Width = float64(i)*width, max(width-3, 2)
		c.Height = chartHeight * float64(c.Count) / float64(t.Most)
		c.Y = chartHeight - c.Height
		if i%every != 0 {
			c.Label = ""
		}
	}
}

// bars draws those that end first, from when they began.
func (t *timeline) bars(living []Certificate, now time.Time) {
	drawn := living[:min(len(living), mostBars)]
	t.More = len(living) - len(drawn)
	t.From, t.Until = now, drawn[len(drawn)-1].NotAfter
	for _, c := range drawn {
		if !c.NotBefore.IsZero() && c.NotBefore.Before(t.From) {
			t.From = c.NotBefore
		}
	}
	scale := (chartWidth - barsLeft) / max(t.Until.Sub(t.From).Seconds(), 1)
	at := func(moment time.Time) float64 { return barsLeft + scale*moment.Sub(t.From).Seconds() }
	for i, c := range drawn {
		from := c.NotBefore
		if from.IsZero() {
			from = t.From
		}
		t.Bars = append(t.Bars, bar{X: at(from), Y: float64(i) * barStep, Width: max(at(c.NotAfter)-at(from), 1), User: c.User, State: c.State, Until: c.NotAfter})
	}
	t.Now, t.Height = at(now), float64(len(drawn))*barStep
}

// Class is how a bar is filled: what is not as usual is told apart without colour too.
func (b bar) Class() string {
	if b.State == "valid" {
		return "valid"
	}
	return "other"
}

// Name is the label of a bar, cut to the room that it has.
func (b bar) Name() string {
	const most = 22
	name := []rune(b.User)
	if len(name) > most {
		return string(name[:most-1]) + "…"
	}
	return b.User
}

// Text is where the label stands, beside the middle of the bar.
func (b bar) Text() float64 { return b.Y + 11 }

// Middle is where the count and the label of a column stand.
func (c column) Middle() float64 { return c.X + c.Width/2 }

// Views are the sizes of the pictures.
func (t timeline) Views() map[string]string {
	size := func(w, h float64) string { return strings.Join([]string{"0", "-14", number(w), number(h)}, " ") }
	return map[string]string{"columns": size(chartWidth, chartHeight+34), "bars": size(chartWidth, t.Height+20)}
}

func number(f float64) string { return strconv.FormatFloat(f, 'f', 0, 64) }
