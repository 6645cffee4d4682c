package usersfile

import (
	"fmt"
	"slices"
	"strconv"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// CertificateSubject is what a certificate says of a user: what the file gives them, or what they ask for themselves.
type CertificateSubject struct {
	User       string
	Groups     []string // without that of the generation
	Set        string   // where there is a generation
	Generation int      // 0: none
}

// Organizations returns the groups in the certificate, sorted, with that of the generation.
func (s CertificateSubject) Organizations() []string {
	all := slices.Clone(s.Groups)
	if s.Generation != 0 {
		all = append(all, GenerationGroup(s.Set, s.User, s.Generation))
	}
	slices.Sort(all)
	return all
}

// Check returns what is wrong with a subject that flags give, by the rules that hold for one in a users file, or nil. The names of
// Kubernetes itself among reserved may be used, as those under allowReserved in a file.
func (s CertificateSubject) Check(reserved []string) error {
	if err := checkName("--name", s.User, asUser, reserved); err != nil {
		return err
	}
	for i, g := range s.Groups {
		if err := checkName("--group", g, inCertificate, reserved); err != nil {
			return err
		}
		if slices.Contains(s.Groups[:i], g) {
			return field.Duplicate(field.NewPath("--group"), g)
		}
	}
	generation, set := field.NewPath("--generation"), field.NewPath("--set")
	switch {
	case s.Generation < 0 || s.Generation > maxGeneration:
		return field.Invalid(generation, strconv.Itoa(s.Generation), fmt.Sprintf("must be at least 1 and at most %d", maxGeneration))
	case s.Generation == 0 && s.Set != "":
		return field.Required(generation, "the name of the set stands in a certificate only with a generation; leave out --set if the users file gives none")
	case s.Generation > 0 && s.Set == "":
		return field.Required(set, "a generation stands in the certificate with the name of the set")
	case s.Set != "":
		if err := CheckSetName(s.Set); err != nil {
			return field.Invalid(set, clip(s.Set), err.Error())
		}
	}
	if n := subjectSize(s.User, s.Organizations()); n > maxSubject {
		return field.Invalid(field.NewPath("--group"), fmt.Sprintf("%d groups", len(s.Groups)), fmt.Sprintf("take %d bytes in the certificate, and many clients cannot log in with one of more than %d", n, maxSubject))
	}
	return nil
}

// checkName is the rules of reader.subject for a name that a flag gives. A shell has no notation that could slip into it but quotes.
func checkName(flag, name string, as use, reserved []string) error {
	at := field.NewPath(flag)
	if name == "" {
		return field.Required(at, "must not be empty")
	}
	if why := disguise(name); why != "" {
		return field.Invalid(at, clip(name), why)
	}
	if inQuotes(name) {
		return field.Invalid(at, clip(name), "must not have quotes around it: leave out the inner ones")
	}
	if len(name) > maxName {
		return field.Invalid(at, clip(name), fmt.Sprintf("must be at most %d bytes, the limit of OpenSSL; it has %d", maxName, len(name)))
	}
	if why := never(name, as); why != "" {
		return field.Forbidden(at, fmt.Sprintf("%q: %s", name, why))
	}
	if isReserved(name, as) && !slices.Contains(reserved, name) {
		return field.Forbidden(at, fmt.Sprintf("%q is reserved for Kubernetes itself: choose another name, or give it with --allow-reserved too, if the users file lists it under allowReserved", name))
	}
	return nil
}
