package e2e_test

import (
	"bufio"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"provision/test/internal/harness"
)

// traced are the calls by which a process gives bytes away: to files, sockets, pipes and other programs. Of mmap those count that
// share memory with a file.
var traced = []string{
	"write", "pwrite64", "writev", "pwritev", "pwritev2", "sendto", "sendmsg", "sendmmsg", "execve", "execveat", "mmap", "sendfile", "splice", "vmsplice",
	"tee", "copy_file_range", "process_vm_writev", "io_uring_setup", "memfd_create", "shmget", "setxattr", "fsetxattr", "symlinkat", "linkat", "openat", "renameat", "mkdirat", "ptrace",
}

var (
	// callOf are process, call, and the file or socket that it goes to, if the first argument is an open one.
	callOf       = regexp.MustCompile(`^\d+ +(\w+)\((?:\d+<((?:\\x[0-9a-f]{2}|[^>\\])*)>)?`)
	quote        = regexp.MustCompile(`"((?:\\x[0-9a-f]{2})*)"`)
	sharesMemory = regexp.MustCompile(`PROT_WRITE.*MAP_SHARED`)
)

// written are the bytes of one call, and where they went.
type written struct {
	call, to string
	data     []byte
}

// bytesOf decodes what strace -xx writes.
func bytesOf(escaped string) string {
	if !strings.Contains(escaped, `\x`) {
		return escaped
	}
	data, err := hex.DecodeString(strings.ReplaceAll(escaped, `\x`, ""))
	if err != nil {
		return escaped
	}
	return string(data)
}

// readTrace calls do with each call of a trace.
func readTrace(t *testing.T, path string, do func(written)) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		line := lines.Text()
		begin := callOf.FindStringSubmatch(line)
		if begin == nil {
			continue // a signal, an end, or the rest of a call that was begun above
		}
		w := written{call: begin[1], to: bytesOf(begin[2])}
		if w.call == "mmap" && !sharesMemory.MatchString(line) {
			continue
		}
		for _, text := range quote.FindAllStringSubmatch(line, -1) {
			w.data = append(w.data, bytesOf(text[1])...)
		}
		do(w)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
}

// traceOf runs the program as the operator under strace.
func (c *crowd) traceOf(name string, args ...string) string {
	c.Helper()
	path := filepath.Join(c.TempDir(), name)
	strace := []string{"-f", "--seccomp-bpf", "-y", "-xx", "-s", "4194304", "-e", "trace=" + strings.Join(traced, ","), "-o", path, filepath.Join(bin, "provision")}
	p := c.program.StartWith(c.T, "strace", append(strace, args...)...)
	if p.Wait() != 0 {
		c.Fatalf("%s ended with %d\n%s", p, p.Code(), p.Text())
	}
	return path
}

// TestNoPrivateKeyIsWritten looks at every byte that an apply gives away, to files, sockets and other programs, with the keys that only
// their owners can open afterwards: none of them is there. What is in TLS is encrypted, so it could hide nothing that is found here, and
// it is sent nothing but what the API server is asked. A plain user's key does go to its file and the journal, and nowhere else, which
// shows that it would be found.
// PROMISE: The private key of a user with recipients is in no file: what is written is sealed
// to them, and nobody else but an `escrow` can open it.
func TestNoPrivateKeyIsWritten(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("strace"); err != nil {
		t.Skip("there is no strace to look at every write")
	}
	if os.Geteuid() != 0 {
		t.Skip("the program's memory is closed to a debugger of its own user: only root can trace it")
	}
	c := newCrowd(t, "unwritten", defaultPeople)
	apply := c.traceOf("apply", "apply", "--yes")
	c.checkTrace(apply)

	// All get new keys: the plain and the sealed ones since that is asked for, the others with new requests.
	args := []string{"apply", "--yes"}
	for _, p := range c.people {
		if p.IsOwn() {
			if err := p.Request(c.tools, filepath.Join(c.program.Dir, "requests")); err != nil {
				t.Fatal(err)
			}
			continue
		}
		args = append(args, "--reissue", p.Name)
	}
	c.checkTrace(c.traceOf("renewal", args...))
	c.checkFiles(c.secrets(c.of(notHere)))
	c.run(0, "plan", "--detailed-exitcode")
}

// checkTrace checks a trace of an apply that gave everybody a new key.
func (c *crowd) checkTrace(path string) {
	c.Helper()
	known, plain := c.secrets(c.people), map[string]bool{}
	for _, p := range c.people {
		plain[p.Name+" ("+harness.Plain+")"] = true
	}
	calls, bytes, sockets, hits := 0, 0, 0, map[string]int{}
	readTrace(c.T, path, func(w written) {
		calls++
		bytes += len(w.data)
		inOutput := strings.HasPrefix(w.to, c.program.Output()+"/")
		if strings.Contains(w.to, "socket:") || strings.Contains(w.to, "TCP") {
			sockets++
		}
		switch w.call {
		case "mmap", "io_uring_setup", "memfd_create", "vmsplice", "process_vm_writev", "ptrace":
			c.Errorf("%s: bytes could leave unseen: %s", w.call, w.to)
		}
		found := known.In(w.data)
		if len(found) == 0 {
			return
		}
		ofPlain := slices.ContainsFunc(found, func(of string) bool { return plain[of] })
		for _, of := range found {
			if !inOutput || !plain[of] && !(ofPlain && strings.HasPrefix(of, "a mark ")) {
				c.Errorf("%s to %q: %s", w.call, w.to, of)
			}
			hits[of]++
		}
	})
	for _, p := range c.of(func(p *harness.Person) bool { return p.Kind == harness.Plain }) {
		if hits[p.Name+" ("+harness.Plain+")"] < 2 {
			c.Errorf("%s: the key of a plain user is written %d times, at least into journal and kubeconfig: the trace would not show others", p.Name, hits[p.Name])
		}
	}
	if sockets == 0 {
		c.Error("the trace has no call to the API server")
	}
	c.Logf("%s: %d calls with %d bytes, %d of them to sockets, %d pieces of keys looked for", filepath.Base(path), calls, bytes, sockets, len(known))
}
