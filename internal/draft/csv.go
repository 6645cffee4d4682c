package draft

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"provision/internal/usersfile"
)

// The columns that a table may have: fields of a user, and those of one role for each user.
var (
	texts  = []string{"duration", "generation", "keyAlgorithm", "namespace", "renewBefore", "until"}
	lists  = []string{"groups", "recipients"}
	grant  = []string{"clusterRole", "role", "namespaces"}
	mayAll = slices.Concat([]string{"name"}, lists, texts, grant)
)

// TableError is a mistake in a table of people.
type TableError struct {
	Line int // 0: of the whole table
	Msg  string
}

// Error says the line, if it is of one.
func (e TableError) Error() string {
	if e.Line == 0 {
		return e.Msg
	}
	return fmt.Sprintf("line %d: %s", e.Line, e.Msg)
}

// Table reads people from comma-separated values, with or without a byte order mark: the first line names the columns, and each other line is a person. A cell has several
// values with ; between them. Where the first line has no comma but semicolons or tabs, those separate the cells, as spreadsheets
// write them in many countries. The error is a TableError.
func Table(data []byte) ([]User, error) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")) // a byte order mark
	table := csv.NewReader(bytes.NewReader(data))
	table.Comma = separator(data)
	table.TrimLeadingSpace, table.FieldsPerRecord, table.ReuseRecord = table.Comma != '\t', -1, true
	head, err := table.Read()
	if errors.Is(err, io.EOF) {
		return nil, TableError{Msg: "it is empty: the first line names the columns, such as name,groups,clusterRole,namespaces"}
	}
	if err != nil {
		return nil, tableError(err)
	}
	columns, err := columnsOf(head)
	if err != nil {
		return nil, err
	}
	var users []User
	seen := map[string]int{}
	for {
		row, err := table.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, tableError(err)
		}
		line, _ := table.FieldPos(0)
		if !slices.ContainsFunc(row, func(cell string) bool { return strings.TrimSpace(cell) != "" }) {
			continue
		}
		u, err := userOf(row, columns)
		if err != nil {
			return nil, TableError{line, err.Error()}
		}
		if other, twice := seen[u.Name]; twice {
			return nil, TableError{line, fmt.Sprintf("%q is on line %d already: give two people two names, and one person one line", u.Name, other)}
		}
		u.Line, seen[u.Name] = line, line
		users = append(users, u)
	}
	if len(users) == 0 {
		return nil, TableError{Msg: "it has no line below the names of the columns"}
	}
	return users, nil
}

// tableError is one of the package that reads values, with the line.
func tableError(err error) error {
	if e, ok := errors.AsType[*csv.ParseError](err); ok {
		return TableError{e.Line, e.Err.Error()}
	}
	return err
}

// separator is what separates the cells, by the first line.
func separator(first []byte) rune {
	line, _, _ := bytes.Cut(first, []byte("\n"))
	switch {
	case bytes.ContainsRune(line, ','):
	case bytes.ContainsRune(line, ';'):
		return ';'
	case bytes.ContainsRune(line, '\t'):
		return '\t'
	}
	return ','
}

// columnsOf reads the names of the columns, whose case does not matter.
func columnsOf(head []string) ([]string, error) {
	var columns []string
	for _, name := range head {
		name = strings.TrimSpace(name)
		i := slices.IndexFunc(mayAll, func(field string) bool { return strings.EqualFold(field, name) })
		if i < 0 {
			msg := fmt.Sprintf("there is no field for the column %q: name it as one of %s, or leave it out", name, strings.Join(mayAll, ", "))
			if meant := usersfile.Closest(name, mayAll); meant != "" {
				msg = fmt.Sprintf("there is no field for the column %q: is it %s?", name, meant)
			}
			return nil, TableError{1, msg}
		}
		if slices.Contains(columns, mayAll[i]) {
			return nil, TableError{1, fmt.Sprintf("the column %s is there twice", mayAll[i])}
		}
		columns = append(columns, mayAll[i])
	}
	if !slices.Contains(columns, "name") {
		return nil, TableError{1, "no column is called name: the first line names the columns, such as name,groups,clusterRole,namespaces"}
	}
	return columns, nil
}

// userOf makes a user of a row.
func userOf(row, columns []string) (User, error) {
	if len(row) > len(columns) && strings.TrimSpace(strings.Join(row[len(columns):], "")) != "" {
		return User{}, fmt.Errorf("it has %d cells, and there are %d columns: put a cell with a separator in it into quotes", len(row), len(columns))
	}
	var u User
	cells := map[string]string{}
	for i, cell := range row[:min(len(row), len(columns))] {
		if !utf8.ValidString(cell) {
			return u, fmt.Errorf("the %s is not UTF-8: save the table as CSV UTF-8", columns[i])
		}
		cell = strings.Clone(strings.TrimSpace(cell))
		if cell == "" {
			continue
		}
		switch field := columns[i]; {
		case field == "name":
			u.Name = cell
		case slices.Contains(lists, field):
			u.Settings = append(u.Settings, Setting{Field: field, List: several(cell)})
		case slices.Contains(texts, field):
			u.Settings = append(u.Settings, Setting{Field: field, Text: cell})
		default:
			cells[field] = cell
		}
	}
	switch {
	case u.Name == "":
		return u, errors.New("it names nobody")
	case strings.ContainsAny(u.Name[:1], "=+@"):
		return u, fmt.Errorf("%q begins as a formula of a spreadsheet does: give the person's name", u.Name)
	}
	namespaces := several(cells["namespaces"])
	for _, name := range several(cells["clusterRole"]) {
		u.Grants = append(u.Grants, Grant{ClusterRole: name, Namespaces: namespaces})
	}
	for _, name := range several(cells["role"]) {
		u.Grants = append(u.Grants, Grant{Role: name, Namespaces: namespaces})
	}
	if len(namespaces) > 0 && len(u.Grants) == 0 {
		return u, errors.New("it has namespaces and no role: name one in a column clusterRole or role")
	}
	return u, nil
}

// several are the values of a cell.
func several(cell string) []string {
	var list []string
	for part := range strings.SplitSeq(cell, ";") {
		if part = strings.TrimSpace(part); part != "" {
			list = append(list, part)
		}
	}
	return list
}
