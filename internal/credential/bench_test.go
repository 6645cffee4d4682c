package credential

import (
	"runtime"
	"testing"

	"provision/internal/recipient"
)

// BenchmarkKubeconfig reads 10,000 kubeconfigs with their certificates and keys, and writes them.
func BenchmarkKubeconfig(b *testing.B) {
	const n = 10_000
	key := newKey(b)
	e := entryOf("prod")
	e.Certificate = issue(b, key, nil)
	var err error
	if e.Key, err = MarshalKey(key); err != nil {
		b.Fatal(err)
	}
	k := NewKubeconfig()
	if err := k.Put(e); err != nil {
		b.Fatal(err)
	}
	data, err := k.Bytes()
	if err != nil {
		b.Fatal(err)
	}
	b.Run("read", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			for range n {
				k, err := ParseKubeconfig(data)
				if err != nil {
					b.Fatal(err)
				}
				e, ok := k.Entry("uid-prod", "jane")
				if _, err := ParseCertificate(e.Certificate); !ok || err != nil {
					b.Fatal(err)
				}
				if _, err := ParseKey(e.Key); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
	b.Run("write", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			for range n {
				k := NewKubeconfig()
				if err := k.Put(e); err != nil {
					b.Fatal(err)
				}
				if _, err := k.Bytes(); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}

// BenchmarkSeal is what sealing costs a user beside a plain one, from the line in the users file to the text in the kubeconfig. The CPU
// time is that of the thread: make bench PARTS=sealed judges it, on machines that do other things as well.
func BenchmarkSeal(b *testing.B) {
	key, err := MarshalKey(newKey(b))
	if err != nil {
		b.Fatal(err)
	}
	_, native := ageKey(b)
	const ssh = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl jane@laptop"
	for _, c := range []struct{ name, line string }{{"age1", native.Key}, {"ssh-ed25519", ssh}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			begun := threadCPU(b)
			for b.Loop() {
				r, err := recipient.Parse(c.line)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := Seal(key, []recipient.Recipient{r}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64((threadCPU(b)-begun).Nanoseconds())/float64(b.N), "cpu-ns/op")
		})
	}
}
