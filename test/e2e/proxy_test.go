package e2e_test

import (
	"encoding/base64"
	"net"
	"net/http"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// forwardProxy starts an HTTP proxy, whose address goes into the environment
// variable VAR as HOST:PORT. It leads every tunnel to the API server, whatever
// its name; with CODE it refuses all with that status, and with USER:PASSWORD
// it wants those.
func forwardProxy(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) == 1 || len(args) == 2, "forward-proxy VAR [CODE | USER:PASSWORD]")
	refuse, password := 0, ""
	if len(args) == 2 {
		var err error
		if refuse, err = strconv.Atoi(args[1]); err != nil {
			refuse, password = 0, "Basic "+base64.StdEncoding.EncodeToString([]byte(args[1]))
		}
	}
	to := strings.TrimPrefix(plane(ts).Server(), "https://")
	n, err := newNetwork(to)
	ts.Check(err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case refuse != 0:
			w.WriteHeader(refuse)
		case password != "" && r.Header.Get("Proxy-Authorization") != password:
			w.WriteHeader(http.StatusProxyAuthRequired)
		case r.Method != http.MethodConnect:
			w.WriteHeader(http.StatusMethodNotAllowed)
		default:
			client, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				return
			}
			if _, err := client.Write([]byte("HTTP/1.1 200 OK\r\n\r\n")); err == nil {
				n.pass(client, to)
			}
			client.Close()
		}
	})}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		server.Serve(l)
	}()
	ts.Defer(func() {
		server.Close()
		<-ended
		n.close()
	})
	ts.Setenv(args[0], l.Addr().String())
}
