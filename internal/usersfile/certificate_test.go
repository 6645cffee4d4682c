package usersfile

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestCertificateSubjectCheck holds that flags are held to the rules of a users file.
func TestCertificateSubjectCheck(t *testing.T) {
	var many []string
	for i := range 1000 {
		many = append(many, fmt.Sprintf("%s-%d", strings.Repeat("g", 58), i))
	}
	for _, c := range []struct {
		name     string
		subject  CertificateSubject
		reserved []string
		want     string // "": nothing is wrong
	}{
		{"a name", CertificateSubject{User: "bob"}, nil, ""},
		{"all of it", CertificateSubject{User: "Zoë Ł/x", Groups: []string{"web:oncall", "a,b"}, Set: "web", Generation: 2}, nil, ""},
		{"no name", CertificateSubject{}, nil, "--name: Required value"},
		{"a control character", CertificateSubject{User: "b\x1bob"}, nil, `--name: Invalid value: "b\x1bob": must not contain control characters (U+001B)`},
		{"another script", CertificateSubject{User: "b\u043eb"}, nil, "--name: Invalid value: \"b\u043eb\": must not mix Latin and Cyrillic letters"},
		{"quotes", CertificateSubject{User: "'bob'"}, nil, "must not have quotes around it"},
		{"a long name", CertificateSubject{User: strings.Repeat("b", 65)}, nil, "must be at most 64 bytes, the limit of OpenSSL; it has 65"},
		{"a longer name", CertificateSubject{User: strings.Repeat("b", 1<<20)}, nil, "must be at most 64 bytes"},
		{"anonymous", CertificateSubject{User: "system:anonymous"}, []string{"system:anonymous"}, "cannot stand for a request without one"},
		{"a name of Kubernetes", CertificateSubject{User: "system:kube-scheduler"}, nil, `--name: Forbidden: "system:kube-scheduler" is reserved for Kubernetes itself`},
		{"that is allowed", CertificateSubject{User: "system:kube-scheduler"}, []string{"system:kube-scheduler"}, ""},
		{"masters", CertificateSubject{User: "bob", Groups: []string{"system:masters"}}, []string{"system:masters"}, `--group: Forbidden: "system:masters"`},
		{"kubeadm's administrators", CertificateSubject{User: "bob", Groups: []string{"kubeadm:cluster-admins"}}, nil, "is reserved for Kubernetes itself"},
		{"a generation as a group", CertificateSubject{User: "bob", Groups: []string{"provision:web:bob:2"}}, nil, "are for provision itself"},
		{"an empty group", CertificateSubject{User: "bob", Groups: []string{""}}, nil, "--group: Required value"},
		{"a group twice", CertificateSubject{User: "bob", Groups: []string{"a", "b", "a"}}, nil, `--group: Duplicate value: "a"`},
		{"many groups", CertificateSubject{User: "bob", Groups: many}, nil, `--group: Invalid value: "1000 groups": take `},
		{"a generation alone", CertificateSubject{User: "bob", Generation: 1}, nil, "--set: Required value"},
		{"a set alone", CertificateSubject{User: "bob", Set: "web"}, nil, "--generation: Required value"},
		{"a generation below", CertificateSubject{User: "bob", Set: "web", Generation: -1}, nil, `--generation: Invalid value: "-1"`},
		{"a generation beyond", CertificateSubject{User: "bob", Set: "web", Generation: maxGeneration + 1}, nil, "--generation: Invalid value"},
		{"no name of a set", CertificateSubject{User: "bob", Set: "We b", Generation: 1}, nil, `--set: Invalid value: "We b"`},
	} {
		err := c.subject.Check(c.reserved)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v; want %q", c.name, err, c.want)
		}
		if err != nil && len(err.Error()) > 500 {
			t.Errorf("%s: the error has %d bytes", c.name, len(err.Error()))
		}
	}
	s := CertificateSubject{User: "bob", Groups: []string{"z", "a"}, Set: "web", Generation: 2}
	if got := s.Organizations(); !slices.Equal(got, []string{"a", "provision:web:bob:2", "z"}) {
		t.Errorf("%q", got)
	}
}

func TestOwnFileNames(t *testing.T) {
	for user, want := range map[string][2]string{
		"bob":            {"bob.key", "bob.csr"},
		"a/b.kubeconfig": {"a%2Fb.kubeconfig.key", "a%2Fb.kubeconfig.csr"},
		"../x":           {"%2E.%2Fx.key", "%2E.%2Fx.csr"},
	} {
		if key, request := KeyFileName(user), RequestFileName(user); key != want[0] || request != want[1] {
			t.Errorf("%q: %s, %s", user, key, request)
		}
	}
}
