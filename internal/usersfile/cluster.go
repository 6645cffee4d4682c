package usersfile

import (
	"encoding/base64"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"provision/internal/cabundle"
)

// cluster reads what the kubeconfigs say about the cluster, and which one the file is for. Everything in it is optional,
// and nothing but proxyURL is empty.
func (r *reader) cluster(v value) Cluster {
	var c Cluster
	if !v.given() || isNull(v.node) {
		return c
	}
	o, ok := r.object(v, "context", "uid", "name", "server", "certificateAuthorityData", "tlsServerName", "proxyURL")
	if !ok {
		return c
	}
	if v := o.get("context"); v.given() {
		c.ContextPos = r.pos(v.node)
		c.Context, _ = r.visible(v)
	}
	if v := o.get("uid"); v.given() {
		c.UIDPos = r.pos(v.node)
		c.UID = r.uid(v)
	}
	c.Name, _ = r.visible(o.get("name"))
	c.Server = r.url(o.get("server"), "https")
	if v := o.get("proxyURL"); v.given() {
		if isNull(v.node) {
			r.add(v, `Invalid value: null: must be a URL; "" is none`)
		} else if s, ok := r.text(v); ok {
			if s != "" {
				s = r.url(v, "http", "https", "socks5")
			}
			c.ProxyURL = &s
		}
	}
	c.TLSServerName = r.serverName(o.get("tlsServerName"))
	c.CertificateAuthorityData = r.certificates(o.get("certificateAuthorityData"))
	return c
}

// url reads an absolute URL. Errors do not repeat its password.
func (r *reader) url(v value, schemes ...string) string {
	s, ok := r.filled(v)
	if !ok {
		return ""
	}
	shown := s
	if strings.Contains(s, "@") {
		shown = "(hidden, it may hold a password)"
	}
	u, err := url.Parse(s)
	switch {
	case err != nil || !slices.Contains(schemes, u.Scheme) || u.Hostname() == "" || !portOK(u.Port()):
		r.invalid(v, shown, fmt.Sprintf("must be a URL such as %s://example.com:6443 (%s)", schemes[0], strings.Join(schemes, ", ")))
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		r.invalid(v, shown, "must not have a query or a fragment")
	case u.User != nil && len(schemes) == 1: // a proxy may ask for a password, and a kubeconfig can hold it
		r.invalid(v, shown, "must not hold a user or a password")
	case disguise(s) != "":
		r.invalid(v, shown, disguise(s))
	default:
		return s
	}
	return ""
}

// clusterUID is a namespace's UID as API servers make them.
var clusterUID = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

// uid reads what identifies a cluster.
func (r *reader) uid(v value) string {
	s, ok := r.filled(v)
	if ok && !clusterUID.MatchString(s) {
		r.invalid(v, s, "must be the UID of the cluster's kube-system namespace: kubectl get namespace kube-system -o jsonpath={.metadata.uid}")
		return ""
	}
	return s
}

func portOK(port string) bool {
	if port == "" {
		return true
	}
	n, err := strconv.Atoi(port)
	return err == nil && n > 0 && n < 1<<16
}

func (r *reader) serverName(v value) string {
	s, ok := r.filled(v)
	if ok && net.ParseIP(s) == nil {
		for _, m := range validation.IsDNS1123Subdomain(strings.ToLower(s)) {
			r.invalid(v, s, m)
		}
	}
	return s
}

// certificates reads base64 of PEM certificates. Errors do not repeat it: it is long, and may be a key by mistake.
func (r *reader) certificates(v value) []byte {
	s, ok := r.filled(v)
	if !ok {
		return nil
	}
	bad := func(detail string) []byte {
		r.invalid(v, fmt.Sprintf("(%d bytes)", len(s)), detail)
		return nil
	}
	data, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		return bad("must be base64 of PEM certificates, as in a kubeconfig")
	}
	if data, err = cabundle.Normalize(data); err != nil {
		return bad("must be base64 of PEM certificates, as in a kubeconfig: " + printable(err.Error()))
	}
	return data
}
