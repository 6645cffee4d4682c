// Package controlplane starts a real Kubernetes control plane for tests: etcd,
// kube-apiserver and kube-controller-manager as processes of this
// machine, on loopback ports, with RBAC and a certificate authority of their
// own. It needs no container, no root and no network. Unix only.
//
// All state is in one folder. The servers end with the process that started
// them, even if that is killed.
package controlplane

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

const (
	startLimit   = 2 * time.Minute // for each step of a start; a start takes seconds, but machines can be busy
	stopLimit    = 30 * time.Second
	pollInterval = 50 * time.Millisecond
)

// BinaryVariable is the environment variable with the path of the multi-call
// binary, for Options.Binary "".
const BinaryVariable = "PROVISION_TEST_KUBERNETES"

// Options of a control plane. The zero value is good.
type Options struct {
	// Binary is the path of the multi-call binary (test/kubernetes). "" means
	// the variable PROVISION_TEST_KUBERNETES, or else ../../bin/kubernetes,
	// which is right for a test of a package at test/<name>.
	Binary string
	// Dir is where the state lives, an empty or absent folder; Stop leaves it.
	// "" means a temporary folder, which Stop removes.
	Dir string
	// Flags are more flags for a server, by its name, each as --name=value.
	// They replace ours of the same name.
	Flags map[string][]string
	// CALife is the life of the cluster CA; 0 means 10 years.
	CALife time.Duration
	// Log receives one line for each step. It may be nil.
	Log io.Writer
}

// ControlPlane is a running control plane. Its methods may be called from
// several goroutines; those that start and stop servers run one at a time.
type ControlPlane struct {
	binary  string
	dir     string
	ownDir  bool
	caLife  time.Duration
	ports   ports
	changes sync.Mutex // held while servers start and stop; guards what follows
	flags   map[string][]string
	ca      *authority
	trusted []byte              // PEM: the CA and those before it that still count
	running map[string]*process // absent: stopped
	clients int                 // kubeconfigs made by ClientKubeconfig
	logging sync.Mutex
	log     io.Writer
}

// Start starts a control plane and returns when it is ready for work: the API
// server is ready, the default namespace and the roles view, edit and admin
// are complete, and the controller manager has signed a certificate.
// After an error nothing runs and nothing is left.
func Start(ctx context.Context, o Options) (*ControlPlane, error) {
	begun := time.Now()
	binary, err := findBinary(o.Binary)
	if err != nil {
		return nil, err
	}
	dir, err := makeDir(o.Dir)
	if err != nil {
		return nil, err
	}
	c := &ControlPlane{
		binary:  binary,
		dir:     dir,
		ownDir:  o.Dir == "",
		caLife:  o.CALife,
		flags:   map[string][]string{},
		running: map[string]*process{},
		log:     o.Log,
	}
	if c.caLife == 0 {
		c.caLife = authorityLife
	}
	for name, flags := range o.Flags {
		c.flags[name] = slices.Clone(flags)
	}
	if err := os.Symlink(binary, filepath.Join(c.BinDir(), "kubectl")); err != nil {
		return nil, err
	}
	if err := c.startAll(ctx); err != nil {
		return nil, errors.Join(err, c.Stop())
	}
	c.logf("ready at %s in %.1f s, state in %s", c.Server(), time.Since(begun).Seconds(), dir)
	return c, nil
}

// Kubeconfig is the path of the administrator's kubeconfig: user admin in
// group system:masters.
func (c *ControlPlane) Kubeconfig() string { return filepath.Join(c.dir, "admin.kubeconfig") }

// Server is the address of the API server, https://127.0.0.1:port.
func (c *ControlPlane) Server() string {
	return fmt.Sprintf("https://127.0.0.1:%d", c.ports.apiserver)
}

// Dir is the folder with all state.
func (c *ControlPlane) Dir() string { return c.dir }

// BinDir is a folder that holds nothing but kubectl, for PATH.
func (c *ControlPlane) BinDir() string { return filepath.Join(c.dir, "bin") }

// LogPath is the log of a server, over all its runs.
func (c *ControlPlane) LogPath(name string) string {
	return filepath.Join(c.dir, "logs", name+".log")
}

// CA returns the certificate of the CA that signs now, as PEM.
func (c *ControlPlane) CA() ([]byte, error) {
	return os.ReadFile(filepath.Join(c.dir, "pki", "ca.crt"))
}

// StopServer asks a server to end in order (SIGTERM) and waits until it has:
// about 2 s for kube-apiserver, 5 s for etcd.
//
// A kube-controller-manager that cannot reach its lease for some 10 s ends by
// itself, as everywhere; see Running. StartServer starts it again.
func (c *ControlPlane) StopServer(name string) error { return c.endServer(name, syscall.SIGTERM) }

// KillServer ends a server at once (SIGKILL).
func (c *ControlPlane) KillServer(name string) error { return c.endServer(name, syscall.SIGKILL) }

// Running tells whether a server runs.
func (c *ControlPlane) Running(name string) bool {
	c.changes.Lock()
	defer c.changes.Unlock()
	return c.runs(name)
}

// StartServer starts a stopped server again, on the same port and data, and
// waits until it is ready.
func (c *ControlPlane) StartServer(ctx context.Context, name string) error {
	c.changes.Lock()
	defer c.changes.Unlock()
	return c.startServer(ctx, name)
}

// SetFlags replaces the additional flags of a server. They count from its next
// start.
func (c *ControlPlane) SetFlags(name string, flags ...string) {
	c.changes.Lock()
	defer c.changes.Unlock()
	c.flags[name] = slices.Clone(flags)
}

// Stop ends all servers, waits until they have ended, and removes the state
// unless the caller chose its folder. They are killed, because nothing reads
// their data again. A second Stop does nothing.
func (c *ControlPlane) Stop() error {
	c.changes.Lock()
	defer c.changes.Unlock()
	c.killAll()
	if !c.ownDir {
		return nil
	}
	return os.RemoveAll(c.dir)
}

// ClientKubeconfig writes a kubeconfig for another client, with a certificate
// that the CA signs directly, and returns its path. The user has the rights
// that RBAC gives to it and to its groups: to begin with, none.
func (c *ControlPlane) ClientKubeconfig(user string, groups ...string) (string, error) {
	c.changes.Lock()
	defer c.changes.Unlock()
	c.clients++
	path := filepath.Join(c.dir, fmt.Sprintf("client-%d.kubeconfig", c.clients))
	return path, c.writeKubeconfig(path, user, groups...)
}

// RotateCA gives the cluster a new CA: kube-apiserver and
// kube-controller-manager restart with it, and Kubeconfig has a certificate of
// it. With trustOld the certificates of the old CA still authenticate and the
// kubeconfig's CA data is a bundle of both, as in the middle of a real
// rotation; without, they are void. Other kubeconfigs written before have a
// CA that the server's new certificate is not from, so they cannot connect.
func (c *ControlPlane) RotateCA(ctx context.Context, trustOld bool) error {
	return c.rotate(ctx, trustOld, c.caLife)
}

// RotateCAFor is RotateCA without trustOld, to a CA that ends after life.
func (c *ControlPlane) RotateCAFor(ctx context.Context, life time.Duration) error {
	return c.rotate(ctx, false, life)
}

func (c *ControlPlane) rotate(ctx context.Context, trustOld bool, life time.Duration) error {
	c.changes.Lock()
	defer c.changes.Unlock()
	for _, name := range []string{ControllerManager, APIServer} {
		if p := c.running[name]; p != nil {
			p.end(syscall.SIGKILL)
			delete(c.running, name)
		}
	}
	old := c.trusted
	if !trustOld {
		old = nil
	}
	if err := c.makeCA(old, life); err != nil {
		return err
	}
	if err := c.startServer(ctx, APIServer); err != nil {
		return err
	}
	if err := c.startServer(ctx, ControllerManager); err != nil {
		return err
	}
	c.logf("rotated the CA")
	return nil
}

// StartPeer starts a second kube-apiserver on the same data, beside the first,
// and returns its address. In the flags, which are as in Options.Flags, PKI is
// the folder with ca.crt, the CA that signs now, and trusted.crt, all that
// count.
func (c *ControlPlane) StartPeer(ctx context.Context, flags ...string) (string, error) {
	c.changes.Lock()
	defer c.changes.Unlock()
	if c.runs(peer) {
		return "", errors.New("start a second API server: it runs already")
	}
	c.flags[peer] = nil
	for _, flag := range flags {
		c.flags[peer] = append(c.flags[peer], strings.ReplaceAll(flag, "PKI", filepath.Join(c.dir, "pki")))
	}
	p, err := c.launch(peer)
	if err != nil {
		return "", err
	}
	c.running[peer] = p
	server := fmt.Sprintf("https://127.0.0.1:%d", c.ports.peer)
	return server, c.awaitReady(ctx, p, server)
}

// StopPeer ends what StartPeer started.
func (c *ControlPlane) StopPeer() error {
	c.changes.Lock()
	defer c.changes.Unlock()
	if p := c.running[peer]; p != nil {
		p.end(syscall.SIGKILL)
		delete(c.running, peer)
	}
	return nil
}

// startAll makes the PKI and starts the servers, again with other ports when
// another process took one in the meantime.
func (c *ControlPlane) startAll(ctx context.Context) error {
	c.changes.Lock()
	defer c.changes.Unlock()
	for attempt := 1; ; attempt++ {
		var err error
		if c.ports, err = freePorts(); err != nil {
			return err
		}
		if err := c.makeCA(nil, c.caLife); err != nil {
			return err
		}
		if err = c.startOnce(ctx); err == nil {
			return nil
		}
		taken := false
		for _, p := range c.running {
			taken = taken || p.portTaken()
		}
		if !taken || attempt == 5 {
			return err
		}
		c.logf("another process took a port, trying others")
		c.killAll()
		for _, old := range []string{filepath.Join(c.dir, "etcd"), c.LogPath(Etcd), c.LogPath(APIServer)} {
			if err := os.RemoveAll(old); err != nil {
				return err
			}
		}
	}
}

// startOnce starts all servers. etcd and kube-apiserver start side by side:
// the latter waits for the former.
func (c *ControlPlane) startOnce(ctx context.Context) error {
	for _, name := range []string{Etcd, APIServer} {
		p, err := c.launch(name)
		if err != nil {
			return err
		}
		c.running[name] = p
	}
	if err := c.awaitEtcd(ctx, c.running[Etcd]); err != nil {
		return err
	}
	if err := c.awaitAPIServer(ctx, c.running[APIServer]); err != nil {
		return err
	}
	return c.startServer(ctx, ControllerManager)
}

// startServer starts one server and waits until it is ready.
func (c *ControlPlane) startServer(ctx context.Context, name string) error {
	if err := known(name); err != nil {
		return err
	}
	if c.runs(name) {
		return fmt.Errorf("start %s: it runs already", name)
	}
	begun := time.Now()
	if name == ControllerManager {
		if err := c.freeLease(ctx); err != nil {
			return err
		}
	}
	p, err := c.launch(name)
	if err != nil {
		return err
	}
	c.running[name] = p
	switch name {
	case Etcd:
		err = c.awaitEtcd(ctx, p)
		if err == nil && c.runs(APIServer) { // which connects again by itself
			err = c.awaitAPIServer(ctx, c.running[APIServer])
		}
	case APIServer:
		err = c.awaitAPIServer(ctx, p)
	case ControllerManager:
		err = c.awaitControllerManager(ctx, p)
	}
	if err == nil {
		c.logf("%s is ready after %.1f s", name, time.Since(begun).Seconds())
	}
	return err
}

func (c *ControlPlane) endServer(name string, s syscall.Signal) error {
	if err := known(name); err != nil {
		return err
	}
	c.changes.Lock()
	defer c.changes.Unlock()
	p := c.running[name]
	if p == nil {
		return fmt.Errorf("stop %s: it does not run", name)
	}
	begun := time.Now()
	p.end(s)
	delete(c.running, name)
	c.logf("%s is stopped after %.1f s", name, time.Since(begun).Seconds())
	return nil
}

func (c *ControlPlane) runs(name string) bool {
	p := c.running[name]
	if p == nil {
		return false
	}
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

func (c *ControlPlane) killAll() {
	for _, p := range c.running { // all get the signal before we wait for any
		p.stopped.Store(true)
		p.cmd.Process.Kill()
	}
	for name, p := range c.running {
		<-p.ended
		delete(c.running, name)
	}
}

// admin returns a client with the administrator's rights and no limit of its
// own.
func (c *ControlPlane) admin() (*kubernetes.Clientset, error) { return c.adminAt("") }

// adminAt is admin for another address than the kubeconfig's, unless that is "".
func (c *ControlPlane) adminAt(server string) (*kubernetes.Clientset, error) {
	config, err := clientcmd.BuildConfigFromFlags(server, c.Kubeconfig())
	if err != nil {
		return nil, err
	}
	config.QPS = -1
	return kubernetes.NewForConfig(config)
}

func (c *ControlPlane) logf(format string, args ...any) {
	if c.log == nil {
		return
	}
	c.logging.Lock()
	defer c.logging.Unlock()
	fmt.Fprintf(c.log, format+"\n", args...)
}

func known(name string) error {
	switch name {
	case Etcd, APIServer, ControllerManager:
		return nil
	}
	return fmt.Errorf("unknown server %q: it is one of %s, %s, %s", name, Etcd, APIServer, ControllerManager)
}
