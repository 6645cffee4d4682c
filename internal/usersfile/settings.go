package usersfile

import (
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// defaults reads the defaults of the set. A field that the file does not have gets the value that the program chose.
func (r *reader) defaults(v value) Defaults {
	d := Defaults{Duration: DefaultDuration, KeyAlgorithm: KeyAlgorithms()[0], RenewBefore: RenewBefore{Share: DefaultRenewBefore}}
	if !v.given() || isNull(v.node) {
		return d
	}
	o, ok := r.object(v, "duration", "keyAlgorithm", "namespace", "renewBefore", "renewElsewhere")
	if !ok {
		return d
	}
	return r.settings(o, d)
}

// settings reads the fields that the defaults and a user have in common. A field that is absent has its value in d.
func (r *reader) settings(o object, d Defaults) Defaults {
	duration, renewBefore := o.get("duration"), o.get("renewBefore")
	d.Duration = r.duration(duration, d.Duration)
	d.KeyAlgorithm = r.keyAlgorithm(o.get("keyAlgorithm"), d.KeyAlgorithm)
	d.RenewBefore = r.renewBefore(renewBefore, d.RenewBefore)
	if v := o.get("renewElsewhere"); v.given() {
		d.RenewElsewhere = r.flag(v)
	}
	if v := o.get("namespace"); v.given() {
		d.Namespace, _ = r.label(v)
		d.NamespacePos = r.at(v)
	}
	// The mistake of a user who gives neither is one of the defaults, and was recorded there.
	if d.Duration > 0 && d.RenewBefore.Time >= d.Duration && (duration.given() || renewBefore.given()) {
		v := renewBefore
		if !v.given() {
			v.node = duration.node
		}
		r.invalid(v, FormatDuration(d.RenewBefore.Time), "must be less than the duration, "+FormatDuration(d.Duration))
	}
	return d
}

// duration reads the life of a certificate: absent if there is no such field, 0 for a mistake.
func (r *reader) duration(v value, absent time.Duration) time.Duration {
	if !v.given() {
		return absent
	}
	if isNumber(v.node) {
		r.wrongType(v, "a duration with its unit, as in 30d")
		return 0
	}
	s, ok := r.text(v)
	if !ok {
		return 0
	}
	d, err := ParseDuration(s)
	switch {
	case err != nil:
		r.invalid(v, s, err.Error())
	case d < MinDuration:
		r.invalid(v, s, "must be at least "+FormatDuration(MinDuration))
	case d > maxDuration:
		r.invalid(v, s, "must be at most "+FormatDuration(maxDuration))
	case d%time.Second != 0:
		r.invalid(v, s, "must be whole seconds")
	default:
		return d
	}
	return 0
}

// renewBefore reads a share or a duration: absent if there is no such field, the zero value for a mistake.
func (r *reader) renewBefore(v value, absent RenewBefore) RenewBefore {
	if !v.given() {
		return absent
	}
	if isNumber(v.node) {
		r.wrongType(v, "a share such as 33% or a duration such as 12h")
		return RenewBefore{}
	}
	s, ok := r.text(v)
	if !ok {
		return RenewBefore{}
	}
	b, err := ParseRenewBefore(s)
	if err != nil {
		r.invalid(v, s, err.Error())
	}
	return b
}

func (r *reader) keyAlgorithm(v value, absent KeyAlgorithm) KeyAlgorithm {
	if !v.given() {
		return absent
	}
	s, ok := r.text(v)
	if ok && !slices.Contains(KeyAlgorithms(), KeyAlgorithm(s)) {
		r.fail(v, field.NotSupported(v.path, clip(s), KeyAlgorithms()))
	}
	return KeyAlgorithm(s)
}
