package main

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// sample is one run of one program.
type sample struct {
	Name     string             `json:"name"`
	Users    int                `json:"users"`
	Round    int                `json:"round"`
	Wall     float64            `json:"wallSeconds"` // from start to exit
	CPU      float64            `json:"cpuSeconds"`  // of the process and its children, user and system
	RSS      int64              `json:"peakBytes"`
	Servers  map[string]float64 `json:"serverCPUSeconds,omitempty"`
	Requests map[string]int     `json:"requests,omitempty"` // by verb and resource, from apiserver_request_total
	Refused  int                `json:"refusedRequests,omitempty"`
	// Of a revoke: after how long the leaver was refused a read that the set granted, and a write that others did.
	Read    float64 `json:"readRefusedSeconds,omitempty"`
	Written float64 `json:"writeRefusedSeconds,omitempty"`

	begun time.Time
}

// command is a program to be measured.
type command struct {
	name  string
	users int
	argv  []string
	env   []string // beside our own environment
	dir   string
}

// execute runs a command and measures it. Its output is in the error when it fails.
func execute(ctx context.Context, c command) (sample, error) {
	s := sample{Name: c.name, Users: c.users}
	cmd := exec.CommandContext(ctx, c.argv[0], c.argv[1:]...)
	cmd.Dir = c.dir
	cmd.Env = append(os.Environ(), c.env...)
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	s.begun = time.Now()
	if err := cmd.Start(); err != nil {
		return s, err
	}
	peak := make(chan int64)
	ended := make(chan struct{})
	go func() { peak <- followPeak(cmd.Process.Pid, ended) }()
	err := cmd.Wait()
	s.Wall = time.Since(s.begun).Seconds()
	close(ended)
	followed := <-peak
	if err != nil {
		text := output.String()
		if len(text) > 4000 {
			text = text[len(text)-4000:]
		}
		return s, fmt.Errorf("%s (%s): %w\n%s", c.name, strings.Join(c.argv, " "), err, text)
	}
	s.CPU = (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
	s.RSS = maxRSS(cmd.ProcessState.SysUsage().(*syscall.Rusage))
	// Linux counts the memory of the process that started another into the other's peak. Where that hides the true
	// one, what was seen while it ran counts.
	var own syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &own) == nil && s.RSS <= maxRSS(&own) && followed > 0 {
		s.RSS = followed
	}
	return s, nil
}

func maxRSS(usage *syscall.Rusage) int64 {
	if runtime.GOOS == "darwin" { // bytes there, KiB elsewhere
		return int64(usage.Maxrss)
	}
	return int64(usage.Maxrss) << 10
}

// followPeak reads a process's own peak from Linux until it has ended.
func followPeak(pid int, ended <-chan struct{}) int64 {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	var peak int64
	for {
		select {
		case <-ended:
			return peak
		case <-tick.C:
		}
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil {
			continue
		}
		_, rest, ok := strings.Cut(string(status), "VmHWM:")
		if !ok {
			continue
		}
		if fields := strings.Fields(rest); len(fields) > 0 {
			if kib, err := strconv.ParseInt(fields[0], 10, 64); err == nil {
				peak = max(peak, kib<<10)
			}
		}
	}
}

// samples are the runs of one comparison.
type samples []sample

// of returns the runs of one program.
func (s samples) of(name string, users int) samples {
	var mine samples
	for _, one := range s {
		if one.Name == name && (users == 0 || one.Users == users) {
			mine = append(mine, one)
		}
	}
	return mine
}

func (s samples) median(value func(sample) float64) float64 { return median(s.values(value)) }

func (s samples) values(value func(sample) float64) []float64 {
	var list []float64
	for _, one := range s {
		list = append(list, value(one))
	}
	return list
}

// ratios are what one program took over what the other took, round by round: what was slow in a round was so for both.
func ratios(over, under samples, value func(sample) float64) []float64 {
	var list []float64
	for _, a := range over {
		for _, b := range under {
			if a.Round == b.Round && a.Users == b.Users {
				list = append(list, value(a)/value(b))
			}
		}
	}
	return list
}

func median(list []float64) float64 {
	if len(list) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(list))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

func wall(s sample) float64        { return s.Wall }
func cpu(s sample) float64         { return s.CPU }
func rss(s sample) float64         { return float64(s.RSS) }
func wallPerUser(s sample) float64 { return s.Wall / float64(s.Users) }
func cpuPerUser(s sample) float64  { return s.CPU / float64(s.Users) }

func serversPerUser(s sample) float64 {
	sum := 0.0
	for _, seconds := range s.Servers {
		sum += seconds
	}
	return sum / float64(s.Users)
}

// What the API server counts that is not the program's: what the signer writes, and the leases that the servers hold.
// The program's own lease is among the latter.
const (
	signerWrites = "PUT certificatesigningrequests/status"
	leases       = " leases"
	creates      = "POST certificatesigningrequests"
	approvals    = "PUT certificatesigningrequests/approval"
)

// creates, approvals and all other requests but those of the servers themselves.
func (s sample) counts() (created, approved, others int) {
	for _, name := range slices.Sorted(maps.Keys(s.Requests)) {
		switch {
		case name == creates:
			created = s.Requests[name]
		case name == approvals:
			approved = s.Requests[name]
		case name == signerWrites, strings.HasSuffix(name, leases):
		default:
			others += s.Requests[name]
		}
	}
	return created, approved, others
}

func requestsPerUser(s sample) float64 {
	created, approved, others := s.counts()
	return float64(created+approved+others) / float64(s.Users)
}

func otherRequests(s sample) float64 {
	_, _, others := s.counts()
	return float64(others)
}
