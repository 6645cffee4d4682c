package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"text/tabwriter"

	"golang.org/x/sys/unix"
)

// result is what one part found. Each part keeps its own date, commit and machine, so that parts measured at different
// times can stand in one RESULTS.md.
type result struct {
	Part       string   `json:"part"`
	Title      string   `json:"title"`
	Date       string   `json:"date"`
	Commit     string   `json:"commit"`
	Machine    string   `json:"machine"`
	LoadBefore string   `json:"loadBefore"`
	Took       float64  `json:"tookSeconds"`
	About      string   `json:"about"`
	Tables     []table  `json:"tables"`
	Targets    []target `json:"targets"`
	Notes      []string `json:"notes"`
	Samples    samples  `json:"samples"`
	Writes     []writes `json:"writes,omitempty"` // of the part revoke
}

type table struct {
	Title  string     `json:"title"`
	Header []string   `json:"header"`
	Rows   [][]string `json:"rows"`
}

// target is what issue 4 asks for, and what was measured.
type target struct {
	Want string `json:"want"`
	Got  string `json:"got"`
	Met  bool   `json:"met"`
}

func (t target) verdict() string {
	if t.Met {
		return "met"
	}
	return "NOT met"
}

func (r *result) table(title string, header ...string) *table {
	r.Tables = append(r.Tables, table{Title: title, Header: header})
	return &r.Tables[len(r.Tables)-1]
}

func (t *table) row(cells ...string) { t.Rows = append(t.Rows, cells) }

func (r *result) note(format string, args ...any) {
	r.Notes = append(r.Notes, fmt.Sprintf(format, args...))
}

// atMost judges a figure that should be small.
func (r *result) atMost(want string, got, most float64, format string) {
	r.Targets = append(r.Targets, target{want, fmt.Sprintf(format, got), got <= most})
}

func (r *result) atLeast(want string, got, least float64, format string) {
	r.Targets = append(r.Targets, target{want, fmt.Sprintf(format, got), got >= least})
}

// print writes the tables for a terminal.
func (r *result) print(w io.Writer) {
	for _, t := range r.Tables {
		fmt.Fprintf(w, "\n%s\n", t.Title)
		tabs := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		fmt.Fprintln(tabs, strings.Join(t.Header, "\t"))
		for _, row := range t.Rows {
			fmt.Fprintln(tabs, strings.Join(row, "\t"))
		}
		tabs.Flush()
	}
	for _, t := range r.Targets {
		fmt.Fprintf(w, "%s: %s: %s\n", t.verdict(), t.Want, t.Got)
	}
	for _, n := range r.Notes {
		fmt.Fprintln(w, "note:", n)
	}
	fmt.Fprintf(w, "(%.0f s)\n", r.Took)
}

func (r *result) save(dir string) error {
	data, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	dir = filepath.Join(dir, "results")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, r.Part+".json"), append(data, '\n'), 0o644)
}

// render writes RESULTS.md from what results/ holds.
func render(dir string) error {
	var b strings.Builder
	b.WriteString("# Measured\n\n" +
		"Written by `make bench` from the files in `results/`; do not edit. `make bench PARTS=raised,curve` measures some parts again,\n" +
		"`make bench N=1000` all. Every program is a process of its own, from start to exit. Rounds alternate between the programs;\n" +
		"figures are medians, with the least and the greatest in brackets; a ratio is the median of the rounds' own ratios. The control\n" +
		"plane (`test/`) runs on the same cores.\n")
	var targets, sections strings.Builder
	for _, p := range parts {
		data, err := os.ReadFile(filepath.Join(dir, "results", p.name+".json"))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		var r result
		if err := json.Unmarshal(data, &r); err != nil {
			return err
		}
		for _, t := range r.Targets {
			fmt.Fprintf(&targets, "| %s | %s | %s | %s |\n", r.Part, t.Want, t.Got, t.verdict())
		}
		r.markdown(&sections)
	}
	if targets.Len() > 0 {
		b.WriteString("\n## Targets\n\n| part | target | measured | |\n|---|---|---|---|\n" + targets.String())
	}
	b.WriteString(sections.String())
	return os.WriteFile(filepath.Join(dir, "RESULTS.md"), []byte(b.String()), 0o644)
}

func (r *result) markdown(w io.Writer) {
	fmt.Fprintf(w, "\n## %s\n\n%s\n", r.Title, r.About)
	for _, t := range r.Tables {
		fmt.Fprintf(w, "\n%s\n\n| %s |\n|%s\n", t.Title, strings.Join(t.Header, " | "), strings.Repeat("---|", len(t.Header)))
		for _, row := range t.Rows {
			fmt.Fprintf(w, "| %s |\n", strings.Join(row, " | "))
		}
	}
	if len(r.Notes) > 0 {
		fmt.Fprintln(w)
	}
	for _, n := range r.Notes {
		fmt.Fprintf(w, "- %s\n", n)
	}
	fmt.Fprintf(w, "\n`make bench PARTS=%s`, %s, commit %s, %.0f s. %s; load before: %s.\n", r.Part, r.Date, r.Commit, r.Took, r.Machine, r.LoadBefore)
}

// commit names what is measured; "+changes" when the tree differs from it.
func commit() string {
	out, err := exec.Command("git", "rev-parse", "--short", "HEAD").Output()
	if err != nil {
		return "unknown"
	}
	name := strings.TrimSpace(string(out))
	changed, err := exec.Command("git", "status", "--porcelain", "--", ":/cmd", ":/internal", ":/go.mod", ":/go.sum").Output()
	if err != nil || len(changed) > 0 {
		name += "+changes"
	}
	return name
}

func machine() string {
	model := runtime.GOARCH
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if _, rest, ok := strings.Cut(string(text), "model name"); ok {
			line, _, _ := strings.Cut(rest, "\n")
			model = strings.TrimLeft(line, "\t :")
		}
	}
	kernel := runtime.GOOS
	var u unix.Utsname
	if unix.Uname(&u) == nil {
		kernel = unix.ByteSliceToString(u.Sysname[:]) + " " + unix.ByteSliceToString(u.Release[:])
	}
	return fmt.Sprintf("%s, %d cores, %s, %s", model, runtime.NumCPU(), kernel, runtime.Version())
}

// load is the load average, to tell whether the machine was idle.
func load() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	return strings.Join(strings.Fields(string(text))[:3], " ")
}
