package view

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"provision/internal/apply"
)

// bar shows how far a run has come: a bar on a terminal, a line every few seconds elsewhere. It only reads counts,
// so it cannot hold the run up.
type bar struct {
	stop  chan struct{}
	done  chan struct{}
	words chan string // to be said without disturbing it
	s     Streams
}

const (
	redraw   = 100 * time.Millisecond // of the bar: often enough to look alive
	lineEach = 5 * time.Second        // of the log: few enough for the log of a CI job
)

// Progress shows how far a run has come on standard error until end is called, which returns when the last of it is written.
func (s Streams) Progress(p *apply.Progress) (end func()) {
	b := &bar{make(chan struct{}), make(chan struct{}), make(chan string), s}
	s.bar.Store(b)
	show := func() { b.lines(s.Err, p) }
	if s.Screen != nil {
		show = func() { b.draw(s.Screen, func() int { return columns(s.Screen) }, p.Counts) }
	}
	go func() {
		defer close(b.done)
		show()
	}()
	return b.end
}

// end stops showing. It returns when the last of it is written.
func (b *bar) end() {
	b.s.bar.Store(nil)
	close(b.stop)
	<-b.done
}

// Say tells something on standard error, above the bar where there is one. It is safe for concurrent use.
func (s Streams) Say(text string) {
	if b := s.bar.Load(); b != nil {
		select {
		case b.words <- text:
			return
		case <-b.done:
		}
	}
	fmt.Fprintf(s.Err, "%s%s\n", s.NewLine(), text)
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

// clearLine goes to the beginning of the line and wipes it: the bar, and the ^C that a terminal shows behind it.
const clearLine = "\r\x1b[K"

// draw keeps one line of a terminal up to date. The cursor stays at its end, and the line is never as wide as the terminal, so
// that nothing but this line has to be wiped. Width is asked for each time, in columns.
func (b *bar) draw(w io.Writer, width func() int, counts func() apply.Counts) {
	var speed rate
	tick := time.NewTicker(redraw)
	defer tick.Stop()
	line, told := "", false
	above := func(text string) { fmt.Fprintf(w, "%s%s\n%s", clearLine, text, line) }
	update := func() {
		c := counts()
		if c.Total == 0 {
			return
		}
		speed.add(time.Now(), c.Issued)
		line = barLine(c, speed.perSecond(), width())
		fmt.Fprint(w, clearLine+line)
		if !told && pinned(&speed, c) {
			told = true
			above(pinnedWords)
		}
	}
	for {
		select {
		case <-b.stop:
			if line != "" {
				update()
				fmt.Fprintln(w)
			}
			return
		case text := <-b.words:
			above(text)
		case <-tick.C:
			update()
		}
	}
}

// columns returns the width of a terminal; 80 where it does not say.
func columns(f *os.File) int {
	if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
		return width
	}
	return 80
}

const (
	// leastBar is the shortest bar that is drawn, in columns: below that, the count alone says more.
	leastBar = 10
	// margin stays free at the end of the line: for the ^C of two interrupts, and the cursor.
	margin = len("^C^C") + 1
)

// barLine is the line of the bar, shorter than a terminal of that width: count, bar, and what else is known. All of it
// is ASCII.
func barLine(c apply.Counts, perSecond float64, width int) string {
	left, right := "issued "+countWords(c), progressWords(c, perSecond)
	if right != "" {
		right = " " + right
	}
	room := width - margin - len(left) - len(" []") - len(right)
	if room < leastBar {
		line := left + right
		return line[:max(0, min(len(line), width-margin))]
	}
	done := int(min(c.Issued, c.Total) * int64(room) / max(1, c.Total))
	filled := strings.Repeat("=", done)
	if done > 0 && done < room {
		filled = filled[1:] + ">"
	}
	return left + " [" + filled + strings.Repeat(" ", room-done) + "]" + right
}

// pinned reports whether certificates come at just the rate that a stock signer is limited to, while others wait.
func pinned(speed *rate, c apply.Counts) bool {
	const stock, off = 20, 1.5 // certificates a second, and how far what is measured in ten seconds may be from it
	r := speed.perSecond()
	return speed.full() && r > stock-off && r < stock+off && c.Waiting > stock
}

const pinnedWords = "the signer is at its stock limit of 20/s: kube-controller-manager --kube-api-qps raises it"

func countWords(c apply.Counts) string {
	return thousands(int(c.Issued)) + "/" + thousands(int(c.Total))
}

// progressWords is what stands behind the count: the rate, the time left, failures, and how many wait for the signer.
func progressWords(c apply.Counts, perSecond float64) string {
	var words []string
	if left := c.Total - c.Issued - c.Failed; perSecond > 0 && left > 0 {
		words = append(words, fmt.Sprintf("%.0f/s", perSecond),
			time.Duration(float64(left)/perSecond*float64(time.Second)).Round(time.Second).String()+" left")
	}
	if c.Failed > 0 {
		words = append(words, thousands(int(c.Failed))+" failed")
	}
	switch {
	case c.Waiting == 1:
		words = append(words, "1 waits for the signer")
	case c.Waiting > 1:
		words = append(words, thousands(int(c.Waiting))+" wait for the signer")
	}
	return strings.Join(words, ", ")
}
