package plan

// userChange decides certificate and kubeconfig of one user from the file alone.
func (d decision) userChange(u User, file File, has bool) UserChange {
	certificate := d.certificateChange(u, file, has)
	if certificate.Op != Keep {
		return certificateReplaced(u, file, certificate)
	}
	return UserChange{Name: u.Certificate.User, Pos: u.Pos, Certificate: certificate, Kubeconfig: kubeconfigChange(file, u.Kubeconfig)}
}

// certificateReplaced is what happens to a user who gets a new certificate: the kubeconfig follows.
func certificateReplaced(u User, file File, certificate Change[Certificate]) UserChange {
	certificate.After = &u.Certificate
	c := UserChange{Name: u.Certificate.User, Pos: u.Pos, Certificate: certificate}
	c.Kubeconfig = Change[Kubeconfig]{Op: Write, After: &u.Kubeconfig, Reasons: []Reason{{Code: NewCertificate}}}
	switch file.State {
	case FileMoving:
		c.From = file.Owner
	case FileOurs:
		c.Kubeconfig.Op, c.Kubeconfig.Before = Rewrite, &file.Kubeconfig
		c.Kubeconfig.Reasons = append(c.Kubeconfig.Reasons, kubeconfigChange(file, u.Kubeconfig).Reasons...)
	}
	return c
}

// certificateChange compares the wanted certificate with the one in the user's file.
func (d decision) certificateChange(u User, file File, has bool) Change[Certificate] {
	want, now := u.Certificate, d.now
	switch {
	case has && file.State == FileMoving:
		return Change[Certificate]{Op: Issue, Reasons: []Reason{{Code: ChangesSet, From: file.Owner}}}
	case !has || file.State == FileOther:
		return Change[Certificate]{Op: Issue, Reasons: []Reason{{Code: NoKubeconfig}}}
	}
	if file.State == FileUnreadable {
		return Change[Certificate]{Op: Reissue, Reasons: []Reason{{Code: Unreadable, To: file.Error}}}
	}
	have := file.Certificate
	if have == nil {
		return Change[Certificate]{Op: Reissue, Reasons: []Reason{{Code: NoCertificate, To: file.Error}}}
	}
	c := Change[Certificate]{Op: Reissue, Before: have}
	if !now.Before(have.NotAfter) {
		c.Op = Issue
		c.Reasons = []Reason{{Code: Expired, At: have.NotAfter}}
		return c
	}
	if !file.KeyMatches {
		c.Reasons = append(c.Reasons, Reason{Code: KeyMismatch})
	} else if reason := otherHolder(*have, want); reason != nil {
		c.Reasons = append(c.Reasons, *reason)
	}
	if want.KeyHash != "" && have.Key == KeyOwn && have.KeyHash != want.KeyHash {
		c.Reasons = append(c.Reasons, Reason{Code: OwnKeyChanged, From: have.KeyHash, To: want.KeyHash})
	}
	if have.User != want.User {
		c.Reasons = append(c.Reasons, Reason{Code: SubjectChanged, From: have.User, To: want.User})
	}
	if from, to := generationIn(d.set, have.User, have.Groups), u.Generation; from != to {
		c.Reasons = append(c.Reasons, Reason{Code: GenerationRaised, From: numberOrNone(from), To: numberOrNone(to)})
	}
	if added, removed := difference(withoutGenerations(have.Groups), withoutGenerations(want.Groups)); !Fit(d.members, withoutGenerations(have.Groups), withoutGenerations(want.Groups)) {
		c.Reasons = append(c.Reasons, Reason{Code: GroupsChanged, Added: added, Removed: removed})
	}
	if have.KeyAlgorithm != want.KeyAlgorithm && want.Key != KeyOwn { // whoever made the key chose it
		c.Reasons = append(c.Reasons, Reason{Code: KeyAlgorithmChanged, From: string(have.KeyAlgorithm), To: string(want.KeyAlgorithm)})
	}
	if d.roots.Known() && !file.From(d.roots, now) {
		c.Reasons = append(c.Reasons, Reason{Code: CAChanged})
	}
	if u.Reissue {
		c.Reasons = append(c.Reasons, Reason{Code: Requested})
	}
	if len(c.Reasons) > 0 {
		return c
	}
	c.Op, c.After = Keep, have
	if endsAt(have.NotAfter, d.ends) || u.reachesEnd(have.NotAfter) { // with the CA or the user: a new one would end then, too
		return c
	}
	reason := d.together(u, file, have)
	if renewDue(have, u.RenewBefore, now) {
		reason = &Reason{Code: RenewDue, At: have.NotAfter, To: u.RenewBefore.String()}
	}
	if reason != nil {
		c.Op, c.After, c.Reasons = Renew, nil, []Reason{*reason}
	}
	return c
}
