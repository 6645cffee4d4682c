// Command bench measures provision against a real control plane, beside lower bounds: programs that send the same
// requests or make the same keys and do nothing else. It is run by make bench and writes RESULTS.md.
//
// Every program that is measured is a process of its own, so that time, CPU and memory mean the same for all. Rounds
// alternate between the programs, so that the machine's drift falls on each alike.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// programs are the lower bounds. The first argument names one when bench runs itself.
var programs = map[string]func(context.Context, []string) error{
	"minimal-client": minimalClient,
	"minimal-plan":   minimalPlan,
	"keys-alone":     keysAlone,
}

// parts are what can be measured, in the order of a whole run.
var parts = []part{
	{"raised", "Apply with a raised signer limit", (*bench).raised},
	{"stock", "Apply with the stock signer limit", (*bench).stock},
	{"manual", "The documented procedure with openssl and kubectl", (*bench).manual},
	{"curve", "From 100 to 10,000 users: apply and plan", (*bench).curve},
	{"rsa", "RSA-3072 keys", (*bench).rsa},
	{"sealed", "Private keys that are sealed to their owners", (*bench).sealed},
	{"durable", "What durability costs", (*bench).durable},
	{"revoke", "Revoke: until the leaver is refused, and what the block costs", (*bench).revoke},
	{"start", "Start, and size of the program", (*bench).start},
}

type part struct {
	name    string
	title   string
	measure func(*bench, context.Context, *result) error
}

// bench holds the settings of a run.
type bench struct {
	users       int   // in each round of raised, stock, sealed and durable
	rounds      int   // of each comparison
	sizes       []int // of the curve
	revokeSizes []int // of the part revoke
	rsaUsers    int
	manualUsers int
	workers     int // of the minimal client; 0: find the fastest
	binary      string
	kubernetes  string
	self        string
	tempParent  string // on a disk, not in memory; "": the system's
	temp        string // the folder of one part, below it
	log         io.Writer
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if len(os.Args) > 1 {
		if program, ok := programs[os.Args[1]]; ok {
			exit(program(ctx, os.Args[2:]))
		}
	}
	exit(run(ctx, os.Args[1:]))
}

func exit(err error) {
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func run(ctx context.Context, args []string) error {
	b := &bench{log: os.Stderr}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	names := flags.String("parts", "all", "comma-separated `parts`: "+partNames())
	out := flags.String("out", ".", "`folder` of RESULTS.md and results/")
	sizes := flags.String("sizes", "100,1000,3000,10000", "numbers of `users` of the part curve")
	revokeSizes := flags.String("revoke-sizes", "10,1000,10000", "numbers of `users` of the part revoke")
	temp := flags.String("temp", "", "`folder` on a disk for the kubeconfigs (default the system's temporary folder)")
	flags.IntVar(&b.users, "n", 1000, "`users` of a round in the parts raised, stock, sealed and durable")
	flags.IntVar(&b.rounds, "rounds", 3, "rounds of each comparison")
	flags.IntVar(&b.rsaUsers, "rsa-users", 300, "`users` of the part rsa")
	flags.IntVar(&b.manualUsers, "manual-users", 20, "`users` of the part manual")
	flags.IntVar(&b.workers, "workers", 0, "workers of the minimal client (default: measure a few and take the fastest)")
	flags.StringVar(&b.binary, "provision", "../../bin/provision", "the program to measure")
	flags.StringVar(&b.kubernetes, "kubernetes", "", "`path` of the servers (make bin/kubernetes)")
	if err := flags.Parse(args); err != nil {
		return err
	}
	chosen, err := choose(*names)
	if err != nil {
		return err
	}
	if b.sizes, err = numbers(*sizes); err != nil {
		return fmt.Errorf("-sizes: %w", err)
	}
	if b.revokeSizes, err = numbers(*revokeSizes); err != nil {
		return fmt.Errorf("-revoke-sizes: %w", err)
	}
	if b.binary, err = filepath.Abs(b.binary); err != nil {
		return err
	}
	if _, err := os.Stat(b.binary); err != nil {
		return fmt.Errorf("no program to measure: %w: run make bin/provision", err)
	}
	if b.self, err = os.Executable(); err != nil {
		return err
	}
	b.tempParent = *temp
	commit := commit()
	for _, p := range chosen {
		begun := time.Now()
		fmt.Fprintf(b.log, "\n== %s: %s\n", p.name, p.title)
		r := &result{Part: p.name, Title: p.title, Date: begun.UTC().Format("2006-01-02 15:04 UTC"), Commit: commit, Machine: machine(), LoadBefore: load()}
		if err := b.inFolder(func() error { return p.measure(b, ctx, r) }); err != nil {
			return fmt.Errorf("part %s: %w", p.name, err)
		}
		r.Took = time.Since(begun).Seconds()
		r.print(b.log)
		if err := r.save(*out); err != nil {
			return err
		}
		if err := render(*out); err != nil { // after every part, so that a run which is stopped leaves what it has
			return err
		}
	}
	return nil
}

// numbers reads a list of numbers and sorts it.
func numbers(list string) ([]int, error) {
	var all []int
	for _, s := range strings.Split(list, ",") {
		n, err := strconv.Atoi(s)
		if err != nil {
			return nil, err
		}
		all = append(all, n)
	}
	slices.Sort(all)
	return all, nil
}

// inFolder runs do with a folder for what it needs on the disk.
func (b *bench) inFolder(do func() error) (err error) {
	if b.temp, err = os.MkdirTemp(b.tempParent, "provision-bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(b.temp)
	// kubectl asks for the API's resources once for all runs, as on a desk.
	os.Setenv("KUBECACHEDIR", filepath.Join(b.temp, "cache"))
	return do()
}

func choose(names string) ([]part, error) {
	if names == "all" || names == "" {
		return parts, nil
	}
	var chosen []part
	for _, name := range strings.FieldsFunc(names, func(r rune) bool { return r == ',' || r == ' ' }) {
		i := slices.IndexFunc(parts, func(p part) bool { return p.name == name })
		if i < 0 {
			return nil, fmt.Errorf("-parts %s: there is no part %q; there are %s", names, name, partNames())
		}
		chosen = append(chosen, parts[i])
	}
	return chosen, nil
}

func partNames() string {
	var names []string
	for _, p := range parts {
		names = append(names, p.name)
	}
	return strings.Join(names, ", ")
}
