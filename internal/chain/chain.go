// Package chain decides whether a client certificate leads to a CA that the API server accepts, as the API server decides
// it (k8s.io/apiserver/pkg/authentication/request/x509). Package plan asks about the certificates that there are, and package
// credential about one that was just issued: the two may not import each other and must not differ.
//
// It is pure: no I/O and no clock.
package chain

import (
	"crypto/x509"
	"time"
)

// Roots are the client CAs of an API server. The zero value stands for CAs that are not known, which is not the same as no CAs.
// It is safe for concurrent use.
type Roots struct{ pool *x509.CertPool }

// NewRoots returns the CAs, ready for many questions. A nil list is that they are not known; an empty one, that there are none.
func NewRoots(cas []*x509.Certificate) Roots {
	if cas == nil {
		return Roots{}
	}
	return Roots{pool(cas)}
}

// Known reports whether the CAs are known.
func (r Roots) Known() bool { return r.pool != nil }

// Verify returns nil if a leaf leads to one of the roots, and otherwise why not, as an error of package x509. No leaf leads to
// roots that are not known. further are the other certificates that its holder shows, in any order, needed or not. now counts
// for every certificate but the leaf: whether the leaf has begun and has not ended is another question, for which clocks differ.
func (r Roots) Verify(leaf *x509.Certificate, further []*x509.Certificate, now time.Time) error {
	if now.Before(leaf.NotBefore) {
		now = leaf.NotBefore
	} else if now.After(leaf.NotAfter) {
		now = leaf.NotAfter
	}
	roots := r.pool
	if roots == nil {
		roots = x509.NewCertPool() // nil would be the system's
	}
	_, err := leaf.Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: pool(further), CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	return err
}

// pool returns certificates as package x509 wants them.
func pool(list []*x509.Certificate) *x509.CertPool {
	p := x509.NewCertPool()
	for _, c := range list {
		p.AddCert(c)
	}
	return p
}
