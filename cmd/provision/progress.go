package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"provision/internal/apply"
)

// bar shows how far a run has come: a bar on a terminal, a line every few seconds elsewhere. It only reads counts,
// so it cannot hold the run up.
type bar struct {
	stop  chan struct{}
	done  chan struct{}
	words chan string // to be said without disturbing it
	s     streams
}

const (
	redraw   = 100 * time.Millisecond
	lineEach = 5 * time.Second
)

// showProgress begins to show p on standard error.
func showProgress(s streams, p *apply.Progress) *bar {
	b := &bar{make(chan struct{}), make(chan struct{}), make(chan string), s}
	s.bar.Store(b)
	show, w := b.lines, s.err
	if s.errTerminal {
		show, w = b.draw, s.errRaw
	}
	go func() {
		defer close(b.done)
		show(w, p)
	}()
	return b
}

// end stops showing. It returns when the last of it is written.
func (b *bar) end() {
	b.s.bar.Store(nil)
	close(b.stop)
	<-b.done
}

// say prints a line: above the bar, where there is one.
func (s streams) say(text string) {
	if b := s.bar.Load(); b != nil {
		select {
		case b.words <- text:
			return
		case <-b.done:
		}
	}
	fmt.Fprintf(s.err, "%s%s\n", s.newLine(), text)
}

// lines writes a sparse log: nothing in a short run, then a line every few seconds.
func (b *bar) lines(w io.Writer, p *apply.Progress) {
	tick := time.NewTicker(lineEach)
	defer tick.Stop()
	var speed rate
	speed.add(time.Now(), 0)
	told := false
	for {
		select {
		case <-b.stop:
			return
		case text := <-b.words:
			fmt.Fprintln(w, text)
		case now := <-tick.C:
			c := p.Counts()
			speed.add(now, c.Issued)
			if c.Total == 0 {
				continue
			}
			line := "issued " + countWords(c)
			if words := progressWords(c, speed.perSecond()); words != "" {
				line += ", " + words
			}
			fmt.Fprintln(w, line)
			if !told && pinned(&speed, c) {
				told = true
				fmt.Fprintln(w, pinnedWords)
			}
		}
	}
}

// draw draws a bar.
func (b *bar) draw(w io.Writer, p *apply.Progress) {
	var speed rate
	container := mpb.New(mpb.WithOutput(w), mpb.WithAutoRefresh(), mpb.WithRefreshRate(redraw))
	var line *mpb.Bar
	told := false
	tick := time.NewTicker(redraw)
	defer tick.Stop()
	for {
		select {
		case <-b.stop:
			if line != nil {
				line.SetCurrent(p.Counts().Issued)
				line.Abort(false)
			}
			container.Wait()
			return
		case text := <-b.words:
			fmt.Fprintln(container, "\r"+text) // behind the ^C that the terminal shows
		case now := <-tick.C:
			c := p.Counts()
			if c.Total == 0 {
				continue
			}
			if line == nil {
				line = container.New(c.Total, mpb.BarStyle().Lbound("[").Filler("=").Tip(">").Padding(" ").Rbound("]"),
					mpb.PrependDecorators(decor.Any(func(decor.Statistics) string {
						return "issued " + countWords(p.Counts()) + " "
					})),
					mpb.AppendDecorators(decor.Any(func(decor.Statistics) string { return " " + progressWords(p.Counts(), speed.perSecond()) })),
				)
			}
			speed.add(now, c.Issued)
			line.SetCurrent(c.Issued)
			if !told && pinned(&speed, c) {
				told = true
				fmt.Fprintln(container, pinnedWords) // above the bar
			}
		}
	}
}

// pinned says whether certificates come at just the rate that a stock signer is limited to, while others wait.
func pinned(speed *rate, c apply.Counts) bool {
	r := speed.perSecond()
	return speed.full() && r > 18.5 && r < 21.5 && c.Waiting > 20
}

const pinnedWords = "the signer is at its stock limit of 20/s: kube-controller-manager --kube-api-qps raises it"

func countWords(c apply.Counts) string {
	return thousands(int(c.Issued)) + "/" + thousands(int(c.Total))
}

// progressWords is what stands behind the count: rate, time left, failures, and what is waited for.
func progressWords(c apply.Counts, perSecond float64) string {
	var words []string
	if left := c.Total - c.Issued - c.Failed; perSecond > 0 && left > 0 {
		words = append(words, fmt.Sprintf("%.0f/s", perSecond),
			time.Duration(float64(left)/perSecond*float64(time.Second)).Round(time.Second).String()+" left")
	}
	if c.Failed > 0 {
		words = append(words, thousands(int(c.Failed))+" failed")
	}
	if c.Waiting > 0 {
		words = append(words, thousands(int(c.Waiting))+" wait for the signer")
	}
	return strings.Join(words, ", ")
}
