package view

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/mattn/go-runewidth"

	"provision/internal/apply"
)

// terminal is as much of a terminal as the bar needs: it wraps long lines, and knows \r, \n and ESC [ K, nothing else.
type terminal struct {
	width  int
	lines  [][]rune
	column int
	odd    []string // what it does not know
}

func (t *terminal) Write(text []byte) (int, error) {
	if t.lines == nil {
		t.lines = [][]rune{nil}
	}
	last := func() *[]rune { return &t.lines[len(t.lines)-1] }
	for rest := string(text); rest != ""; {
		if after, ok := strings.CutPrefix(rest, "\x1b[K"); ok {
			*last() = (*last())[:min(t.column, len(*last()))]
			rest = after
			continue
		}
		r := []rune(rest)[0]
		rest = rest[len(string(r)):]
		switch {
		case r == '\r':
			t.column = 0
		case r == '\n': // the terminal driver makes it \r\n
			t.lines, t.column = append(t.lines, nil), 0
		case r < ' ':
			t.odd = append(t.odd, fmt.Sprintf("%q", r))
		default:
			if t.column == t.width {
				t.lines, t.column = append(t.lines, nil), 0
			}
			for len(*last()) <= t.column {
				*last() = append(*last(), ' ')
			}
			(*last())[t.column] = r
			t.column++
		}
	}
	return len(text), nil
}

func (t *terminal) String() string {
	var b strings.Builder
	for _, line := range t.lines {
		b.WriteString(strings.TrimRight(string(line), " ") + "\n")
	}
	return strings.TrimRight(b.String(), "\n")
}

// step hands the terminal what was written, then lets the test look or write itself.
type step struct {
	t       *terminal
	written chan struct{}
}

func (s step) Write(text []byte) (int, error) {
	n, err := s.t.Write(text)
	s.written <- struct{}{}
	return n, err
}

// TestInterruptedBar holds what stands on the screen when somebody interrupts: whole lines, each once, and the last state
// of the bar. The terminal itself writes ^C where the cursor is.
func TestInterruptedBar(t *testing.T) {
	const said = "interrupted: what is under way has 10s to end; interrupt again to stop at once"
	for _, width := range []int{40, 80, 120} {
		t.Run(fmt.Sprint(width), func(t *testing.T) {
			screen := &terminal{width: width}
			fmt.Fprint(screen, "plan: 3,000 certificates to issue\n\n")
			written := make(chan struct{})
			b := &bar{stop: make(chan struct{}), done: make(chan struct{}), words: make(chan string)}
			counts := func() apply.Counts { return apply.Counts{Total: 3000} }
			go func() {
				defer close(b.done)
				b.draw(step{screen, written}, func() int { return width }, counts)
			}()
			<-written // the bar is there; nothing writes until the next receive
			before := screen.String()
			fmt.Fprint(screen, "^C")
			words := make(chan struct{})
			go func() { b.words <- said; close(words) }()
			for told := false; !told; {
				select {
				case <-words:
					told = true
				case <-written:
				}
			}
			go close(b.stop)
			for open := true; open; {
				select {
				case <-written:
				case <-b.done:
					open = false
				}
			}
			got := screen.String()
			lines := strings.Split(before, "\n")
			bar := lines[len(lines)-1]
			var folded []string // the message may be longer than a line
			for rest := said; rest != ""; {
				n := min(width, len(rest))
				folded = append(folded, strings.TrimRight(rest[:n], " "))
				rest = rest[n:]
			}
			want := strings.Join(append(append(lines[:len(lines)-1:len(lines)-1], folded...), bar), "\n")
			if got != want || len(screen.odd) > 0 || runewidth.StringWidth(bar) >= width || !strings.HasPrefix(bar, "issued 0/3,000") {
				t.Errorf("on the screen:\n%s\nwant:\n%s\n%v", got, want, screen.odd)
			}
		})
	}
}

// TestBarLine holds that the bar fits, whatever there is to say.
func TestBarLine(t *testing.T) {
	for _, c := range []struct {
		counts apply.Counts
		rate   float64
		width  int
		want   string
	}{
		{apply.Counts{Total: 4}, 0, 40, "issued 0/4 [                      ]"},
		{apply.Counts{Total: 4, Issued: 2}, 0, 40, "issued 2/4 [==========>           ]"},
		{apply.Counts{Total: 4, Issued: 4}, 9, 40, "issued 4/4 [======================]"},
		{apply.Counts{Total: 3000, Issued: 1500, Waiting: 1}, 20, 80, "issued 1,500/3,000 [=====>       ] 20/s, 1m15s left, 1 waits for the signer"},
		{apply.Counts{Total: 3000, Issued: 1500, Failed: 1, Waiting: 200}, 20, 60, "issued 1,500/3,000 20/s, 1m15s left, 1 failed, 200 wait"},
		{apply.Counts{Total: 3000}, 0, 4, ""},
		{apply.Counts{Total: 3000}, 0, 0, ""},
		{apply.Counts{Total: 1, Issued: 2}, 0, 34, "issued 2/1 [================]"},
	} {
		if got := barLine(c.counts, c.rate, c.width); got != c.want || c.width > 0 && len(got) >= c.width {
			t.Errorf("%+v in %d columns:\n%q, want\n%q", c.counts, c.width, got, c.want)
		}
	}
}

// TestTextThatCannotBeWritten holds that a full disk is an error, once, and that a reader who had enough is none of ours.
func TestTextThatCannotBeWritten(t *testing.T) {
	var err bytes.Buffer
	full := &refusing{after: 3}
	s := Streams{Out: &result{w: full}, Err: &err}
	for range 5 {
		if n, err := io.WriteString(s.Out, "line\n"); n != 5 || err != nil {
			t.Fatal(n, err)
		}
	}
	if !errors.Is(s.Unwritten(), io.ErrShortWrite) || full.writes != 4 {
		t.Errorf("%v after %d writes", s.Unwritten(), full.writes)
	}
}

// refusing takes some writes, then none.
type refusing struct{ after, writes int }

func (r *refusing) Write(text []byte) (int, error) {
	if r.writes++; r.writes > r.after {
		return 0, io.ErrShortWrite
	}
	return len(text), nil
}
