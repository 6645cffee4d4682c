package view

import (
	"encoding/xml"
	"io"
	"slices"
	"strconv"
	"strings"

	"provision/internal/plan"
	"provision/internal/verify"
)

// table has a row for each user, those who differ last, where the eye is. A difference that many may share for one cause is short there;
// summary tells the whole.
func (v Verification) table(colours style) table {
	all := v.results()
	outside := v.Unseen != nil || slices.ContainsFunc(all, func(r verify.Result) bool { return len(r.Outside) > 0 })
	var t table
	t.add("USER", "GROUPS", "CERTIFICATE UNTIL", "GRANTS", "OUTSIDE", "RESULT")
	sorted := inFront(all, verify.Result.OK)
	if v.Failed {
		sorted = slices.DeleteFunc(sorted, verify.Result.OK)
	}
	for _, r := range sorted {
		until, out, result := "-", outsideCell(r.Outside), "ok"
		if !r.NotAfter.IsZero() {
			until = timeWords(r.NotAfter)
		}
		if v.Unseen != nil {
			out = "?"
		}
		if r.Key != plan.KeyHere {
			result = "ok, without a login"
		}
		if !r.OK() {
			result = strings.Join(each(sharedFirst(r.Differences), differenceCell), "; ")
		}
		t.add(r.User, orDash(strings.Join(r.Groups, " ")), until, strconv.Itoa(r.Grants), out, result)
	}
	last := len(t.rows[0]) - 1
	t.broken, t.spare = []int{1, last}, []int{4, 2, 1, 3}
	if outside {
		t.spare = []int{2, 1, 3}
	}
	t.colour = func(row, column int) func(string) string {
		switch {
		case row == 0 || column != last:
			return nil
		case sorted[row-1].OK():
			return colours.green
		}
		return colours.red
	}
	return t
}

// records has the same rows for another program, in the order of the files: every value as itself, and nothing where there is none.
func (v Verification) records() table {
	var t table
	t.add("set", "user", "ok", "notAfter", "key", "groups", "grants", "outside", "differences")
	for _, u := range v.document().Users {
		outside := each(u.Outside, func(o grantDoc) string { return o.Role + " by " + o.Binding })
		t.add(u.Set, u.User, strconv.FormatBool(u.OK), timestamp(u.NotAfter), string(u.Key), strings.Join(u.Groups, ";"), strconv.Itoa(u.Grants),
			strings.Join(outside, ";"), strings.Join(u.Differences, ";"))
	}
	return t
}

// A report of tests in the form that JUnit has made common, which CI servers show.
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Class   string        `xml:"classname,attr"`
		Name    string        `xml:"name,attr"`
		Failure *junitFailure `xml:"failure"`
	}
	junitFailure struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

// junit writes each user as a test, which fails where they differ from the file.
func (v Verification) junit(w io.Writer) error {
	all := junitSuites{Name: "provision verify " + v.Endpoint.Name}
	for _, set := range v.Sets {
		suite := junitSuite{Name: set.Desired.Set}
		for _, r := range set.Results {
			one := junitCase{Class: set.Desired.Set, Name: r.User}
			if !r.OK() {
				differences := each(r.Differences, differenceWords)
				one.Failure = &junitFailure{Message: differences[0], Text: strings.Join(differences, "\n")}
				suite.Failures++
			}
			suite.Tests++
			suite.Cases = append(suite.Cases, one)
		}
		all.Tests += suite.Tests
		all.Failures += suite.Failures
		all.Suites = append(all.Suites, suite)
	}
	if v.Unseen != nil && v.Strict {
		why := &junitFailure{Message: OneLine(v.Unseen)}
		all.Suites = append(all.Suites, junitSuite{Name: "cluster", Tests: 1, Failures: 1, Cases: []junitCase{{"cluster", "rights from outside the file", why}}})
		all.Tests++
		all.Failures++
	}
	data, err := xml.MarshalIndent(all, "", "  ")
	if err == nil {
		_, err = w.Write([]byte(xml.Header + string(data) + "\n"))
	}
	return err
}
