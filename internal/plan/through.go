package plan

// Through is which binding gives what to whom.
type Through map[Grant]map[Subject]Object

// ThroughOf indexes bindings by what they grant and to whom.
func ThroughOf(bindings []Binding) Through {
	t := Through{}
	for _, b := range bindings {
		g := b.Grant()
		if t[g] == nil {
			t[g] = map[Subject]Object{}
		}
		for _, s := range b.Subjects {
			t[g][s] = b.Object()
		}
	}
	return t
}

// To returns the subject by which somebody with these groups has a grant, and the binding; false: none gives it.
func (t Through) To(user string, groups []string, g Grant) (Subject, Object, bool) {
	for _, s := range Identities(user, groups) {
		if binding, is := t[g][s]; is {
			return s, binding, true
		}
	}
	return Subject{}, Object{}, false
}
