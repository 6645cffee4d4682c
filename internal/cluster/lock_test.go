package cluster

import (
	"testing"

	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

func TestCapLease(t *testing.T) {
	for claimed, want := range map[int]int{1: 1, 45: 45, 46: 45, 3600: 45, 2147483647: 45} {
		record := resourcelock.LeaderElectionRecord{LeaseDurationSeconds: claimed}
		if capLease(&record); record.LeaseDurationSeconds != want {
			t.Errorf("%d s become %d", claimed, record.LeaseDurationSeconds)
		}
	}
}
