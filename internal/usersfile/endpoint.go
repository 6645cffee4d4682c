package usersfile

import (
	"encoding/json"
	"net/url"
	"strings"
)

// Endpoint is what one kubeconfig says about the cluster. An empty CA means the system's roots. The last two are only of an
// endpoint that was found: none is written.
type Endpoint struct {
	Name                     string `json:"name"`
	Server                   string `json:"server"`
	CertificateAuthorityData []byte `json:"certificateAuthorityData,omitempty"` // PEM
	TLSServerName            string `json:"tlsServerName,omitempty"`
	ProxyURL                 string `json:"proxyURL,omitempty"`
	InsecureSkipTLSVerify    bool   `json:"insecureSkipTLSVerify,omitempty"`
	DisableCompression       bool   `json:"disableCompression,omitempty"`
}

type plainEndpoint Endpoint

// MarshalJSON hides the passwords in URLs: plans are printed, and saved where others read them.
func (e Endpoint) MarshalJSON() ([]byte, error) {
	e.Server, e.ProxyURL = WithoutPassword(e.Server), WithoutPassword(e.ProxyURL)
	return json.Marshal(plainEndpoint(e))
}

// WithoutPassword is a URL as it can be shown: without the password in it, or without the user name where that stands
// alone, as a token does.
func WithoutPassword(raw string) string {
	if !strings.Contains(raw, "@") {
		return raw
	}
	u, err := url.Parse(raw)
	if err != nil || u.User == nil && u.Host == "" {
		return "(a URL that cannot be read)"
	}
	if u.User != nil {
		if _, has := u.User.Password(); !has {
			u.User = url.User("xxxxx")
		}
	}
	return u.Redacted()
}
