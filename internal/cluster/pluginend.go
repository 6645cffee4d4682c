package cluster

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"k8s.io/client-go/tools/metrics"
)

// pluginEnds is how the login plugins of this process end, which client-go runs for all clients together. After a 401 it
// says that in its log only, and in its metrics.
var pluginEnds = sync.OnceValue(func() *lastEnd {
	e := &lastEnd{}
	metrics.Register(metrics.RegisterOpts{ExecPluginCalls: e, ClientCertExpiry: e})
	return e
})

// lastEnd is how a login plugin has last ended. It is safe for concurrent use.
type lastEnd struct {
	mu    sync.Mutex
	code  int
	given bool // a credential
}

// Increment is called when a plugin has ended.
func (e *lastEnd) Increment(exitCode int, _ string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.code = exitCode
}

// Set is called when a plugin has given a credential, also one that is no certificate.
func (e *lastEnd) Set(*time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.given = true
}

func (e *lastEnd) forget() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.code, e.given = 0, false
}

// failure is nil when a credential was given since forget.
func (e *lastEnd) failure(plugin string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.given:
		return nil
	case e.code != 0:
		return fmt.Errorf("executable %s failed with exit code %d", plugin, e.code)
	}
	return errors.New("it gives no credential that can be used")
}
