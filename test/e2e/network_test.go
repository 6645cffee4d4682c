package e2e_test

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// brokenNetwork makes a kubeconfig whose way to the API server cuts every
// connection again and again, each time after EVERY, from when a file matches
// FROM until the script ends.
func brokenNetwork(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) == 3, "broken-network KUBECONFIG EVERY FROM")
	every, err := time.ParseDuration(args[1])
	ts.Check(err)
	from := ts.MkAbs(args[2])
	server := plane(ts).Server()
	n, err := newNetwork(strings.TrimPrefix(server, "https://"))
	ts.Check(err)
	ended := make(chan struct{})
	ts.Defer(func() {
		close(ended)
		if count := n.close(); count < 3 {
			ts.Fatalf("no more than %d connections were cut", count)
		}
	})
	go func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-ended:
				return
			case <-tick.C:
				if found, _ := filepath.Glob(from); len(found) > 0 {
					n.cut()
				}
			}
		}
	}()
	kubeconfig, err := os.ReadFile(plane(ts).Kubeconfig())
	ts.Check(err)
	data := strings.ReplaceAll(string(kubeconfig), server, "https://"+n.listener.Addr().String())
	if data == string(kubeconfig) {
		ts.Fatalf("the kubeconfig does not name %s", server)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(data), 0o600))
}

// network passes TCP connections on to a server.
type network struct {
	listener net.Listener
	done     sync.WaitGroup

	mu    sync.Mutex
	open  map[net.Conn]bool
	count int // connections that were cut
}

func newNetwork(server string) (*network, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	n := &network{listener: l, open: map[net.Conn]bool{}}
	n.done.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			n.done.Go(func() { n.pass(client, server) })
		}
	})
	return n, nil
}

// pass copies both ways until either side is closed.
func (n *network) pass(client net.Conn, to string) {
	defer client.Close()
	server, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer server.Close()
	n.mu.Lock()
	n.open[client] = true
	n.mu.Unlock()
	defer func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		delete(n.open, client)
	}()
	up := make(chan struct{})
	go func() {
		defer close(up)
		io.Copy(server, client)
		server.Close()
	}()
	io.Copy(client, server)
	client.Close()
	<-up
}

// cut resets every open connection, as a firewall does.
func (n *network) cut() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for c := range n.open {
		if tcp, ok := c.(*net.TCPConn); ok {
			tcp.SetLinger(0)
		}
		c.Close()
		n.count++
		delete(n.open, c)
	}
}

// close ends everything and returns how many connections were cut.
func (n *network) close() int {
	n.listener.Close()
	n.mu.Lock()
	count := n.count
	n.mu.Unlock()
	n.cut()
	n.done.Wait()
	return count
}
