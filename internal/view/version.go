package view

import "fmt"

// Build is what a program was built from.
type Build struct {
	FormatVersion string `json:"formatVersion"`
	Kind          string `json:"kind"`
	Version       string `json:"version"`          // of provision
	Commit        string `json:"commit,omitempty"` // of git; none: it was not built from a commit
	Date          string `json:"date,omitempty"`   // of the commit, in UTC
	Go            string `json:"go"`               // the version of Go that has built it
	ClientGo      string `json:"clientGo"`         // the version of k8s.io/client-go in it
	Platform      string `json:"platform"`         // linux/amd64, say
}

// Print writes a line, or a document.
func (b Build) Print(s Streams, format string) error {
	if format == "text" {
		fmt.Fprintf(s.Out, "provision %s (%s %s, client-go %s)\n", b.Version, b.Go, b.Platform, b.ClientGo)
		return nil
	}
	b.FormatVersion, b.Kind = formatVersion, "Version"
	return printDocument(s.Out, format, b)
}
