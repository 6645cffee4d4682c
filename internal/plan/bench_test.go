package plan

import (
	"crypto/x509"
	"fmt"
	"testing"
)

// BenchmarkCompute plans 10,000 users who have what they should have: what a daily run costs.
func BenchmarkCompute(b *testing.B) {
	const n = 10_000
	ca, key := testCA(b, "ca", nil)
	leaf := testLeaf(b, ca, key)
	var users []User
	for i := range n {
		users = append(users, wanted(fmt.Sprintf("user%05d", i), "dev"))
	}
	w := settled(noon.Add(-day), users...)
	w.Desired.Bindings = []Binding{grantTo(people(0, n))}
	w.bind(w.plan())
	for name, f := range w.Files {
		f.Leaf = leaf.Raw
		w.Files[name] = f
	}
	for name, cas := range map[string][]*x509.Certificate{"CA known": {ca}, "CA not known": nil} {
		b.Run(name, func(b *testing.B) {
			w.ClientCA = cas
			b.ReportAllocs()
			for b.Loop() {
				if p := w.plan(); p.Changes() || len(p.Users) != n {
					b.Fatal("there is something to do")
				}
			}
		})
	}
	b.Run("status", func(b *testing.B) {
		for b.Loop() {
			if s := Status(w.Desired, w.Observed, noon); len(s) != n {
				b.Fatal(len(s))
			}
		}
	})
}
