package cluster

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"syscall"
)

// UnreachableError reports that nobody answers at a server's address, or somebody else than should, and why in one phrase.
type UnreachableError struct {
	Server string
	Proxy  string // on the way to it, in words; "": none
	Trusts string // where the operator's own kubeconfig says which CA the server has; "": the kubeconfig is a user's
	Err    error
}

// Error says it in words.
func (e *UnreachableError) Error() string {
	if failure, ok := errors.AsType[*ProxyError](e.Err); ok {
		return "cannot reach " + e.Server + ": " + failure.Error()
	}
	if words := e.certificateWords(); words != "" {
		return e.Server + words
	}
	through := ""
	if e.Proxy != "" {
		through = " through " + e.Proxy
	}
	return "cannot reach " + e.Server + through + ": " + e.why()
}

// certificateWords is why the server's certificate is not accepted, and where that is set, or "" for any other failure.
func (e *UnreachableError) certificateWords() string {
	if _, ok := errors.AsType[x509.UnknownAuthorityError](e.Err); ok {
		if e.Trusts != "" {
			return " has a certificate that no CA of " + e.Trusts + " has signed"
		}
		return " has a certificate that no CA in the kubeconfig has signed: set cluster.certificateAuthorityData in the users file to the CA of that address"
	}
	failure, ok := errors.AsType[x509.HostnameError](e.Err)
	if !ok {
		return ""
	}
	names := slices.Clone(failure.Certificate.DNSNames)
	for _, ip := range failure.Certificate.IPAddresses {
		names = append(names, ip.String())
	}
	const few = 5
	more := ""
	if len(names) > few {
		names, more = names[:few], fmt.Sprintf(" and %d more", len(names)-few)
	}
	where := "cluster.tlsServerName in the users file"
	if e.Trusts != "" {
		where = "tls-server-name in your kubeconfig"
	}
	if len(names) == 0 {
		return fmt.Sprintf(" has a certificate without any name, and so not for %s", failure.Host)
	}
	return fmt.Sprintf(" has a certificate for %s%s, and not for %s: set %s to one that is meant", strings.Join(names, ", "), more, failure.Host, where)
}

// why is the failure without the request that it is about.
func (e *UnreachableError) why() string {
	why := e.Err.Error()
	if failure, ok := errors.AsType[*url.Error](e.Err); ok {
		why = failure.Err.Error()
	}
	if failure, ok := errors.AsType[*net.DNSError](e.Err); ok && failure.IsNotFound {
		why = "no such host"
	} else if failure, ok := errors.AsType[syscall.Errno](e.Err); ok {
		why = failure.Error()
	} else if failure, ok := errors.AsType[net.Error](e.Err); ok && failure.Timeout() {
		why = "no answer"
	}
	return why
}

// Unwrap returns the failure.
func (e *UnreachableError) Unwrap() error { return e.Err }
