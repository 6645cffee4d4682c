package cluster

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"provision/internal/plan"
)

// AuthorizationConfig is the file of kube-apiserver --authorization-config (apiserver.config.k8s.io/v1), as far as it is used here.
// See docs/decisions/0012-refused-by-an-authorizer.md.
type AuthorizationConfig struct {
	APIVersion  string       `json:"apiVersion"`
	Kind        string       `json:"kind"`
	Authorizers []Authorizer `json:"authorizers"` // the first that has an opinion decides
}

// Authorizer decides on requests, or leaves them to the next one.
type Authorizer struct {
	Type    string                `json:"type"`
	Name    string                `json:"name"`
	Webhook *AuthorizationWebhook `json:"webhook,omitempty"`
}

// AuthorizationWebhook is asked of the requests for which all conditions are true; if there is no answer, FailurePolicy is the answer.
type AuthorizationWebhook struct {
	Timeout         string `json:"timeout"`
	AuthorizedTTL   string `json:"authorizedTTL"`
	UnauthorizedTTL string `json:"unauthorizedTTL"`

	SubjectAccessReviewVersion               string `json:"subjectAccessReviewVersion"`
	MatchConditionSubjectAccessReviewVersion string `json:"matchConditionSubjectAccessReviewVersion"`

	FailurePolicy   string                    `json:"failurePolicy"`
	ConnectionInfo  AuthorizationConnection   `json:"connectionInfo"`
	MatchConditions []AuthorizationExpression `json:"matchConditions"` // never empty: without one it would be asked of everything
}

// AuthorizationConnection names the kubeconfig that leads to the webhook.
type AuthorizationConnection struct {
	Type           string `json:"type"`
	KubeConfigFile string `json:"kubeConfigFile"` // an absolute path
}

// AuthorizationExpression is a condition in CEL.
type AuthorizationExpression struct {
	Expression string `json:"expression"`
}

// Nobody is a kubeconfig for the webhook that is never there: nothing listens at its address, which only the machine itself reaches, so
// that it refuses at once. It has to be at NobodyFile. The address stands in what whoever is refused reads.
const (
	Nobody = `{"apiVersion":"v1","kind":"Config","current-context":"nobody",` +
		`"clusters":[{"name":"nobody","cluster":{"server":"https://127.0.0.1:1/this-certificate-was-revoked"}}],` +
		`"users":[{"name":"nobody","user":{}}],"contexts":[{"name":"nobody","context":{"cluster":"nobody","user":"nobody"}}]}`
	NobodyFile = "/etc/kubernetes/provision/nobody.kubeconfig"
)

// mostInCondition is how many characters the list in one expression takes. CEL reads an expression of 100,000, and each further
// authorizer costs every request with a credential id some time, so it is not much less.
const mostInCondition = 90_000

// withCredential is true for requests of whoever has logged in with something that has an id. It comes first: for all others it is the
// only condition that is evaluated, and none behind it can fail on a missing id.
const withCredential = "has(request.extra) && '" + credentialKey + "' in request.extra"

// Refusing makes the configuration by which an API server refuses everything of some certificates, and leaves all else to Node and
// RBAC. Several authorizers share the certificates, as conditions of one have to be true together.
func Refusing(certificates []plan.BlockedCertificate) AuthorizationConfig {
	var ids, names []string
	for _, c := range certificates {
		user := literal(c.User)
		if _, hex := plan.Fingerprint(c.Fingerprint); hex {
			ids = append(ids, "'"+c.ID()+" "+strings.TrimPrefix(user, "'"))
		} else if c.Fingerprint == "" {
			names = append(names, user)
		}
	}
	config := AuthorizationConfig{APIVersion: "apiserver.config.k8s.io/v1", Kind: "AuthorizationConfiguration"}
	refuse := func(format string, list []string) {
		for _, chunk := range chunks(list, mostInCondition) {
			name := fmt.Sprintf("revoked-%d.provision", len(config.Authorizers)+1)
			condition := fmt.Sprintf(format, "[\n"+strings.Join(chunk, ",\n")+"\n]")
			config.Authorizers = append(config.Authorizers, Authorizer{Type: "Webhook", Name: name, Webhook: deny(condition)})
		}
	}
	// The name counts as well as the fingerprint: one in a ledger that is not that user's certificate must lock out nobody else.
	refuse("request.extra['"+credentialKey+"'].exists(c, (c + ' ' + request.user) in %s)", ids)
	refuse("request.extra['"+credentialKey+"'].exists(c, c.startsWith('X509SHA256=')) && request.user in %s", names)
	config.Authorizers = append(config.Authorizers, Authorizer{Type: "Node", Name: "node"}, Authorizer{Type: "RBAC", Name: "rbac"})
	return config
}

// deny is a webhook that refuses what a condition is true for.
func deny(condition string) *AuthorizationWebhook {
	return &AuthorizationWebhook{
		Timeout: "1s", AuthorizedTTL: "1s", UnauthorizedTTL: "1s", // required, and of no use where nobody answers
		SubjectAccessReviewVersion: "v1", MatchConditionSubjectAccessReviewVersion: "v1",
		FailurePolicy:   "Deny",
		ConnectionInfo:  AuthorizationConnection{Type: "KubeConfigFile", KubeConfigFile: NobodyFile},
		MatchConditions: []AuthorizationExpression{{withCredential}, {condition}},
	}
}

// chunks divides a list into parts of which each has so many characters at most, with two more for each element.
func chunks(list []string, most int) [][]string {
	var all [][]string
	left := 0
	for _, text := range list {
		size := utf8.RuneCountInString(text) + 2
		if size > left {
			all, left = append(all, nil), most
		}
		all[len(all)-1], left = append(all[len(all)-1], text), left-size
	}
	return all
}
