package accept

import (
	"encoding/pem"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"

	"provision/internal/credential"
	"provision/internal/usersfile"
)

// received is a user entry of a received file.
type received struct {
	certificate credential.Certificate
	pem         []byte // the certificate and its chain
	key         []byte // PEM, secret; nil: not in the file
	mark        mark
}

// user reads a client certificate, and the private key in whichever of its three places it is.
func (r *reader) user(n *yaml.Node, object string, now time.Time) received {
	fields := r.fields(n, object, "client-certificate-data", "client-key-data", "client-key", "extensions")
	u := received{mark: r.extensions(fields["extensions"], object, true)}
	at := place{object, "client-certificate-data"}
	data := r.data(fields[at.field], at)
	if data == nil {
		r.refuse(n, at, Missing, "")
		return u
	}
	var err error
	if u.certificate, err = credential.ParseCertificate(data); err != nil {
		r.refuse(fields[at.field], at, Malformed, "it is no certificate in PEM form")
		return u
	}
	u.pem = certificatePEM(u.certificate)
	names := append(slices.Clone(u.certificate.Groups), u.certificate.User)
	if u.certificate.User == "" || slices.ContainsFunc(names, func(name string) bool { return !visible(name) }) {
		r.refuse(fields[at.field], at, Unprintable, "")
		return u
	}
	if !now.Before(u.certificate.NotAfter) {
		r.refuse(fields[at.field], at, Ended, u.certificate.NotAfter.UTC().Format("2006-01-02 15:04 UTC"))
	}
	if u.mark.User != "" && u.mark.User != u.certificate.User {
		r.refuse(fields["extensions"], place{object, "extensions"}, MarkOfAnother, "")
	}
	r.key(&u, fields, object)
	return u
}

// key reads where the private key is: in the file, sealed in its mark, or with its owner. The latter two have a relative path for
// kubectl to miss, which is never opened here.
func (r *reader) key(u *received, fields map[string]*yaml.Node, object string) {
	at := place{object, "client-key-data"}
	data := r.data(fields[at.field], at)
	beside := r.text(fields["client-key"], place{object, "client-key"})
	if beside != "" && beside != usersfile.KeyFileName(u.certificate.User) {
		r.refuse(fields["client-key"], place{object, "client-key"}, NamesFile, "")
	}
	if data != nil && (beside != "" || u.mark.SealedKey != "") {
		r.refuse(fields[at.field], at, TwoKeys, "")
	}
	if data == nil {
		if beside == "" && u.mark.SealedKey == "" && fields[at.field] == nil {
			r.refuse(nil, at, Missing, "")
		}
		return
	}
	key, hash, err := readKey(data)
	switch {
	case err != nil:
		r.refuse(fields[at.field], at, Malformed, err.Error())
	case hash != u.certificate.KeyHash:
		r.refuse(fields[at.field], at, KeyOfAnother, "")
	default:
		u.key = key
	}
}

// readKey returns a private key as we write it, and the hash of its public half. Errors never quote the text.
func readKey(data []byte) (pem []byte, hash string, err error) {
	key, err := credential.ParseKey(data)
	if err != nil {
		return nil, "", err
	}
	if hash, err = credential.KeyHash(key.Public()); err != nil {
		return nil, "", err
	}
	pem, err = credential.MarshalKey(key)
	return pem, hash, err
}

// certificatePEM writes a certificate and what is behind it, and nothing else that stood in its text.
func certificatePEM(c credential.Certificate) []byte {
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Leaf.Raw})
	for _, further := range c.Further {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: further.Raw})...)
	}
	return text
}
