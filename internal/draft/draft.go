// Package draft writes a users file for somebody who has none: about a cluster as it is, of a table of people, or of the bindings that
// people have already. It reads no file and asks no cluster.
package draft

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"provision/internal/usersfile"
)

// File is what a users file is made of.
type File struct {
	Schema       string // the path of the schema for editors, from the file; "": none
	Set          string
	Cluster      *Cluster // nil: none was there to look at
	Namespaces   []string // that the cluster has, but for those of Kubernetes itself
	ClusterRoles []string // that it has, likewise
	Groups       []Group
	Users        []User
	Notes        []string // what the reader should know of what is not in it, a line each
}

// Cluster is the one that the file is for.
type Cluster struct {
	Context  string
	Server   string
	UID      string
	Loopback bool // only the machine of the operator reaches the server
}

// Group is a group, with what its members get.
type Group struct {
	Name     string
	Evidence []string // comments, a line each
	Grants   []Grant
}

// User is a user.
type User struct {
	Name     string
	Line     int // in the table that they are from; 0: none
	Evidence []string
	Settings []Setting
	Grants   []Grant
}

// Setting is a field of a user and its value: a text, or a list.
type Setting struct {
	Field string
	Text  string
	List  []string
}

// Grant is a role, in some namespaces or, without any, in the whole cluster.
type Grant struct {
	Role        string
	ClusterRole string
	Namespaces  []string
}

// writer writes the lines of a file and counts them.
type writer struct {
	bytes.Buffer
	line int // the next
}

func (w *writer) put(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	w.WriteString(text + "\n")
	w.line += 1 + strings.Count(text, "\n")
}

// Write returns the text of the file, and for each of its users the line with which they begin.
func (f File) Write() (text []byte, lines []int) {
	w := &writer{line: 1}
	f.head(w)
	f.groups(w)
	if len(f.Users) == 0 {
		f.example(w)
	} else {
		w.put("users:")
	}
	for _, u := range f.Users {
		for _, e := range u.Evidence {
			w.put("  # %s", comment(e))
		}
		lines = append(lines, w.line)
		w.put("  - {name: %s%s%s}", scalar(u.Name), settings(u.Settings), grants(u.Grants))
	}
	for _, note := range slices.Concat(f.Notes, f.undefined()) {
		w.put("%s", strings.TrimRight("# "+comment(note), " "))
	}
	return w.Bytes(), lines
}

// head writes what the file is, and about the cluster.
func (f File) head(w *writer) {
	if f.Schema != "" {
		w.put("# yaml-language-server: $schema=%s", f.Schema)
	}
	w.put("# Who may use the cluster, and what they may do there: provision help users-file.")
	w.put("#")
	w.put("#   provision plan     shows what this file would change")
	w.put("#   provision apply    does it, and writes one kubeconfig for each user into kubeconfigs/")
	w.put("apiVersion: %s", usersfile.APIVersion)
	w.put("kind: %s", usersfile.Kind)
	w.put("name: %s  # the set: everything that is made carries the label provision/set=%s", scalar(f.Set), comment(f.Set))
	w.put("")
	if c := f.Cluster; c != nil {
		w.put("cluster:")
		w.put("  uid: %s  # of %s (%s): on any other cluster this file is refused", scalar(c.UID), comment(c.Context), comment(c.Server))
		if c.Loopback {
			w.put("  # Only this machine reaches %s. Where do the users reach the API server?", comment(c.Server))
			w.put("  # server: https://api.example.com:6443")
		}
		w.put("")
	}
	if len(f.Missing()) > 0 {
		w.put("namespaces: create  # those that the cluster lacks are made, and never deleted")
		w.put("")
	}
	w.put("defaults:")
	w.put("  duration: 30d  # the life of a certificate; an apply renews it in its last third")
	w.put("")
}

// groups writes what is said once for several users.
func (f File) groups(w *writer) {
	if len(f.Groups) == 0 {
		return
	}
	w.put("groups:  # what their members may do; who leaves one loses it with the next apply")
	for _, g := range f.Groups {
		for _, e := range g.Evidence {
			w.put("  # %s", comment(e))
		}
		w.put("  - {name: %s%s}", scalar(g.Name), grants(g.Grants))
	}
	w.put("")
}

// example writes users to begin with, and what there is to grant.
func (f File) example(w *writer) {
	namespace := "default"
	if len(f.Namespaces) > 0 {
		namespace = f.Namespaces[0]
	}
	w.put("groups:  # what their members may do; who leaves one loses it with the next apply")
	w.put("  - name: developers")
	w.put("    roles:")
	w.put("      - {clusterRole: edit, namespaces: [%s]}", scalar(namespace))
	w.put("")
	w.put("users:")
	w.put("  - name: jane  # put your people here")
	w.put("    groups: [developers]")
	w.put("    # duration: 12h")
	w.put("    # roles:")
	w.put("    #   - {clusterRole: view}  # without namespaces: in the whole cluster")
	w.put("")
	w.list("The cluster has these namespaces", f.Namespaces)
	w.list("And these ClusterRoles", f.ClusterRoles)
}

// list writes names as a comment, in lines of a screen.
func (w *writer) list(what string, names []string) {
	if len(names) == 0 {
		return
	}
	const most, width = 100, 96
	line := "# " + what + ":"
	for i, name := range names {
		if i == most {
			name = fmt.Sprintf("and %d more", len(names)-most)
		} else if i < len(names)-1 {
			name += ","
		}
		if len(line)+1+len(name) > width {
			w.put("%s", line)
			line = "#  "
		}
		line += " " + comment(name)
		if i == most {
			break
		}
	}
	w.put("%s", line)
}

// settings are the fields of a user behind the name.
func settings(list []Setting) string {
	var b strings.Builder
	for _, s := range list {
		value := scalar(s.Text)
		if s.List != nil {
			value = sequence(s.List)
		}
		fmt.Fprintf(&b, ", %s: %s", s.Field, value)
	}
	return b.String()
}

// grants are the roles of a user or a group, behind what else there is.
func grants(list []Grant) string {
	if len(list) == 0 {
		return ""
	}
	texts := make([]string, len(list))
	for i, g := range list {
		field, name := "clusterRole", g.ClusterRole
		if g.Role != "" {
			field, name = "role", g.Role
		}
		texts[i] = "{" + field + ": " + scalar(name)
		if len(g.Namespaces) > 0 {
			texts[i] += ", namespaces: " + sequence(g.Namespaces)
		}
		texts[i] += "}"
	}
	return ", roles: [" + strings.Join(texts, ", ") + "]"
}

// sequence is a list in YAML, on one line.
func sequence(items []string) string {
	texts := make([]string, len(items))
	for i, item := range items {
		texts[i] = scalar(item)
	}
	return "[" + strings.Join(texts, ", ") + "]"
}

// compact sorts grants, and leaves of equal ones the first.
func compact(list []Grant) []Grant {
	key := func(g Grant) string {
		return g.ClusterRole + "\x00" + g.Role + "\x00" + strings.Join(g.Namespaces, "\x00")
	}
	slices.SortFunc(list, func(a, b Grant) int { return strings.Compare(key(a), key(b)) })
	return slices.CompactFunc(list, func(a, b Grant) bool { return key(a) == key(b) })
}

// undefined are notes about the groups of people of which the file says nothing.
func (f File) undefined() []string {
	var groups []string
	for _, u := range f.Users {
		for _, setting := range u.Settings {
			if setting.Field == "groups" {
				groups = append(groups, setting.List...)
			}
		}
	}
	for _, g := range f.Groups {
		groups = slices.DeleteFunc(groups, func(name string) bool { return name == g.Name })
	}
	slices.Sort(groups)
	groups = slices.Compact(groups)
	if len(groups) == 0 {
		return nil
	}
	notes := []string{"", "What these groups may do is not said here, and is nothing unless it is bound elsewhere."}
	if len(f.Groups) > 0 {
		notes = append(notes, "To say it, add to groups:")
	} else {
		notes = append(notes, "To say it, put this in front of users:", "  groups:")
	}
	const most = 20
	for i, name := range groups {
		if i == most {
			return append(notes, fmt.Sprintf("    and %d more", len(groups)-most))
		}
		notes = append(notes, "    - {name: "+scalar(name)+", roles: [{clusterRole: view, namespaces: [default]}]}")
	}
	return notes
}

// Missing are the namespaces in which the draft grants something and that the cluster does not have, sorted.
func (f File) Missing() []string {
	if f.Cluster == nil {
		return nil
	}
	var list []string
	for _, u := range f.Users {
		for _, g := range u.Grants {
			for _, namespace := range g.Namespaces {
				if !slices.Contains(f.Namespaces, namespace) && !strings.HasPrefix(namespace, "kube-") {
					list = append(list, namespace)
				}
			}
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}
