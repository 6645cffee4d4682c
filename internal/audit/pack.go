package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/hiddeco/sshsig"
	"golang.org/x/crypto/ssh"

	"provision/internal/format"
)

// Names of the files that are about the others.
const (
	Page      = "index.html"
	Manifest  = "SHA256SUMS"       // as sha256sum -c reads it
	Signature = "SHA256SUMS.sig"   // of the manifest, as ssh-keygen -Y verify reads it
	Namespace = "provision-report" // of the signature: what else the key signs is no report
	document  = "report.json"
)

// File is one of a report.
type File struct {
	Name string
	Data []byte
}

// Files are those of the report, the manifest last, and behind it its signature where there is a key to sign with.
func (r Report) Files(key ssh.Signer) ([]File, error) {
	page, err := r.page()
	if err != nil {
		return nil, err
	}
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return nil, err
	}
	files := []File{{Page, page}, {document, append(text, '\n')}}
	tables := r.tables()
	for _, name := range slices.Sorted(maps.Keys(tables)) {
		var b bytes.Buffer
		if err := format.CSV(&b, tables[name]); err != nil {
			return nil, err
		}
		files = append(files, File{name, b.Bytes()})
	}
	var sums bytes.Buffer
	for _, f := range files {
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(f.Data), f.Name)
	}
	files = append(files, File{Manifest, sums.Bytes()})
	if key == nil {
		return files, nil
	}
	signature, err := sshsig.Sign(bytes.NewReader(sums.Bytes()), key, sshsig.HashSHA512, Namespace)
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	return append(files, File{Signature, sshsig.Armor(signature)}), nil
}
