package controlplane

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// Names of the servers, in the order in which they start.
const (
	Etcd              = "etcd"
	APIServer         = "kube-apiserver"
	ControllerManager = "kube-controller-manager"
)

// peer is the second kube-apiserver, of StartPeer.
const peer = APIServer + "-peer"

// ports are the loopback ports of one control plane. They stay the same over
// restarts of a server, because kubeconfigs name them.
type ports struct {
	etcd, apiserver, peer int
}

// freePorts picks ports that nobody listens on now. They are below the range
// from which systems take the ports of outgoing connections, so a stopped
// server finds its own port free again.
func freePorts() (ports, error) {
	var found []int
	for range 1000 {
		port := 20000 + rand.IntN(12000)
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		defer l.Close() // only on return, so that they differ
		found = append(found, port)
		if len(found) == 3 {
			return ports{etcd: found[0], apiserver: found[1], peer: found[2]}, nil
		}
	}
	return ports{}, fmt.Errorf("found no free loopback port between 20000 and 32000")
}

// controllers are those of kube-controller-manager that touch what a
// provisioner of users touches. The others care for nodes, workloads and
// volumes, of which there are none, and cost 4 s at each start: each makes
// itself a service account, one after the other through the same limit of 20
// requests a second. To run them all: --controllers=*.
var controllers = []string{
	"certificatesigningrequest-approving-controller",
	"certificatesigningrequest-cleaner-controller",
	signingController,
	"clusterrole-aggregation-controller",
	"garbage-collector-controller",
	"namespace-controller",
	"resourcequota-controller",
	"root-ca-certificate-publisher-controller",
	"serviceaccount-controller",
	"serviceaccount-token-controller",
}

const signingController = "certificatesigningrequest-signing-controller"

// arguments are the flags of a server: what it needs to run alone on one
// machine, and the caller's own, which replace ours of the same name.
// What is not listed is stock: above all the limits of the signer.
func (c *ControlPlane) arguments(name string) []string {
	pki := func(file string) string { return filepath.Join(c.dir, "pki", file) }
	etcd := fmt.Sprintf("http://127.0.0.1:%d", c.ports.etcd)
	var args []string
	switch name {
	case Etcd:
		args = []string{
			"--name=etcd",
			"--data-dir=" + filepath.Join(c.dir, "etcd"),
			"--listen-client-urls=" + etcd,
			"--advertise-client-urls=" + etcd,
			// A single member has no peers, but must listen for them.
			"--listen-peer-urls=http://127.0.0.1:0",
			"--initial-advertise-peer-urls=http://127.0.0.1:0",
			"--initial-cluster=etcd=http://127.0.0.1:0",
			// A single member wins its election at once, not after a second.
			"--heartbeat-interval=20",
			"--election-timeout=100",
			// A crash of the machine may lose the data: it is a test's.
			"--unsafe-no-fsync=true",
		}
	case APIServer, peer:
		port := c.ports.apiserver
		if name == peer {
			port = c.ports.peer
		}
		args = []string{
			"--etcd-servers=" + etcd,
			"--bind-address=127.0.0.1",
			"--advertise-address=127.0.0.1",
			fmt.Sprintf("--secure-port=%d", port),
			// A loopback address may not be an endpoint of service kubernetes.
			"--endpoint-reconciler-type=none",
			"--service-cluster-ip-range=10.96.0.0/16",
			"--cert-dir=" + filepath.Join(c.dir, "pki"),
			"--tls-cert-file=" + pki("apiserver.crt"),
			"--tls-private-key-file=" + pki("apiserver.key"),
			"--client-ca-file=" + pki("trusted.crt"),
			"--service-account-issuer=https://kubernetes.default.svc.cluster.local",
			"--service-account-signing-key-file=" + pki("sa.key"),
			"--service-account-key-file=" + pki("sa.key"),
			// As kubeadm sets them.
			"--authorization-mode=Node,RBAC",
			"--enable-admission-plugins=NodeRestriction",
			// To stop in order takes 2 s. Otherwise the server waits up to a
			// minute for the watches of its clients to end.
			"--shutdown-send-retry-after=true",
		}
	case ControllerManager:
		args = []string{
			"--kubeconfig=" + c.controllerManagerKubeconfig(),
			"--use-service-account-credentials=true",
			"--service-account-private-key-file=" + pki("sa.key"),
			"--root-ca-file=" + pki("trusted.crt"),
			"--cluster-signing-cert-file=" + pki("ca.crt"),
			"--cluster-signing-key-file=" + pki("ca.key"),
			"--controllers=" + strings.Join(controllers, ","),
			// Serves nothing: no test reads its metrics, and it needs no port.
			"--secure-port=0",
		}
	}
	own := map[string]bool{}
	for _, flag := range c.flags[name] {
		own[flagName(flag)] = true
	}
	if own["--authorization-config"] { // it excludes the other
		own["--authorization-mode"] = true
	}
	args = slices.DeleteFunc(args, func(flag string) bool { return own[flagName(flag)] })
	return append(args, c.flags[name]...)
}

// flagName is "--qps" for "--qps=5".
func flagName(flag string) string {
	name, _, _ := strings.Cut(flag, "=")
	return name
}

// signs tells whether a kube-controller-manager with these flags signs
// certificates: some tests switch it off.
func signs(flags []string) bool {
	for _, flag := range flags {
		if flag == "--cluster-signing-cert-file=" || strings.Contains(flag, "-"+signingController) {
			return false
		}
		if strings.HasPrefix(flag, "--controllers=") && !strings.Contains(flag, "*") && !strings.Contains(flag, signingController) {
			return false
		}
	}
	return true
}

// process is one run of a server.
type process struct {
	name    string
	log     string // path of its log
	cmd     *exec.Cmd
	ended   chan struct{} // closed when it has ended and err is set
	err     error         // how it ended
	stopped atomic.Bool   // we asked it to end
}

// launch starts a server. The process ends when this one does, however that
// happens: it watches its standard input, whose other end we hold.
func (c *ControlPlane) launch(name string) (*process, error) {
	log, err := os.OpenFile(c.LogPath(name), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close() // the process has its own descriptor
	cmd := exec.Command(c.binary, append([]string{strings.TrimSuffix(name, "-peer")}, c.arguments(name)...)...)
	cmd.Dir = c.dir
	cmd.Env = append(os.Environ(), "PROVISION_TEST_END_WITH_STDIN=1")
	cmd.Stdout, cmd.Stderr = log, log
	// Ctrl-C on a terminal goes to the whole process group; the servers are to
	// be stopped by us alone.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if _, err := cmd.StdinPipe(); err != nil { // stays open until Wait
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	p := &process{name: name, log: c.LogPath(name), cmd: cmd, ended: make(chan struct{})}
	go func() {
		p.err = cmd.Wait()
		close(p.ended)
		if !p.stopped.Load() {
			c.logf("%s ended by itself (%v), see %s", name, p.err, p.log)
		}
	}()
	return p, nil
}

// end sends the process a signal and waits until it has ended.
func (p *process) end(s syscall.Signal) {
	p.stopped.Store(true)
	p.cmd.Process.Signal(s) // it may have ended already: then the wait is short
	select {
	case <-p.ended:
	case <-time.After(stopLimit):
		p.cmd.Process.Kill()
		<-p.ended
	}
}

// await calls check until it returns nil. It gives up, with the end of the
// log in the error, when the process ends or startLimit has passed, and at
// once when ctx ends.
func (p *process) await(ctx context.Context, what string, check func(context.Context) error) error {
	caller := ctx
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	for {
		err := check(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.ended:
			return fmt.Errorf("start %s: it ended (%v) without %s; the end of its log:\n%s", p.name, p.err, what, tail(p.log))
		case <-ctx.Done():
			if caller.Err() != nil {
				return fmt.Errorf("start %s: wait for %s: %w", p.name, what, caller.Err())
			}
			return fmt.Errorf("start %s: no %s for %v, last %w; the end of its log:\n%s", p.name, what, startLimit, err, tail(p.log))
		case <-time.After(pollInterval):
		}
	}
}

// portTaken tells whether the process ended because another one took its port
// between our choice and its start.
func (p *process) portTaken() bool {
	select {
	case <-p.ended:
		return strings.Contains(tail(p.log), "address already in use")
	default:
		return false
	}
}

// tail returns the last lines of a log.
func tail(path string) string {
	const size, lines = 16 << 10, 15
	f, err := os.Open(path)
	if err != nil {
		return err.Error()
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() > size {
		f.Seek(-size, io.SeekEnd)
	}
	content, err := io.ReadAll(f)
	if err != nil {
		return err.Error()
	}
	all := bytes.Split(bytes.TrimRight(content, "\n"), []byte("\n"))
	if len(all) > lines {
		all = all[len(all)-lines:]
	}
	return string(bytes.Join(all, []byte("\n")))
}
