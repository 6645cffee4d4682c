package e2e_test

import (
	"net"
	"os"

	"github.com/rogpeppe/go-internal/testscript"
)

// listen listens at an address, which is in a variable then. Whoever dials it leaves a file, and is not answered.
func listen(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) == 2, "listen VAR FILE")
	at, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { at.Close() })
	ts.Setenv(args[0], at.Addr().String())
	file := ts.MkAbs(args[1])
	go func() {
		for {
			connection, err := at.Accept()
			if err != nil {
				return // the script has ended
			}
			_ = os.WriteFile(file, []byte("dialled\n"), 0o644)
			connection.Close()
		}
	}()
}
