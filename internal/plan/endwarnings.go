package plan

// endWarnings tell of ends that have passed and that the file still has, of certificates that go on after the end of their user, of who gets none
// since too little time is left, and of ends after that of the cluster's CA.
func (s scene) endWarnings() []Warning {
	var list []Warning
	var passed, beyond []End
	ca := caEnd(s.observed.ClientCA)
	for _, e := range s.desired.Endings {
		switch {
		case e.Passed:
			passed = append(passed, e)
		case e.User != "" && e.Role == (RoleRef{}) && !ca.IsZero() && e.At.After(ca):
			beyond = append(beyond, e)
		}
	}
	if len(passed) > 0 {
		list = append(list, Warning{Code: EndsPassed, Ends: passed})
	}
	for _, u := range s.desired.Users {
		name, until := u.Certificate.User, u.Certificate.Until
		if until.IsZero() {
			continue
		}
		var seen []*Certificate
		if c := s.observed.believed(name, s.living[name], s.now); c != nil {
			seen = append(seen, c)
		}
		if last, _ := remaining(issuedOnly(s.living[name]), seen, s.lives); last.Sub(until) > untilMargin {
			list = append(list, Warning{Code: OutlivesEnd, User: name, Until: last, Since: until})
		}
	}
	var none []string
	for _, u := range s.stay {
		if u.NoTimeLeft {
			none = append(none, u.Name)
		}
	}
	list = append(list, several(Warning{Code: NoTimeLeft}, none)...)
	if len(beyond) > 0 {
		list = append(list, Warning{Code: EndsAfterCA, Until: ca, Ends: beyond})
	}
	return list
}
