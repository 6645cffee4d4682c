//go:build !linux

package credential

import (
	"testing"
	"time"
)

// threadCPU stands for the CPU time where the system does not tell that of one thread.
func threadCPU(*testing.B) time.Duration { return time.Duration(time.Now().UnixNano()) }
