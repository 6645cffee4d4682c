package audit

import (
	"errors"
	"fmt"

	"golang.org/x/crypto/ssh"

	"provision/internal/hint"
)

// Signer reads a private SSH key to sign reports with. The passphrase is asked for where the key needs one. The errors do not quote the text.
func Signer(text []byte, passphrase func() ([]byte, error)) (ssh.Signer, error) {
	key, err := ssh.ParseRawPrivateKey(text)
	if _, locked := errors.AsType[*ssh.PassphraseMissingError](err); locked {
		var secret []byte
		if secret, err = passphrase(); err != nil {
			return nil, err
		}
		if key, err = ssh.ParseRawPrivateKeyWithPassphrase(text, secret); err != nil {
			return nil, errors.New("the passphrase does not open it")
		}
	}
	if err != nil {
		if _, _, _, _, public := ssh.ParseAuthorizedKey(text); public == nil {
			return nil, errors.New("it is a public key: name the private one that belongs to it")
		}
		return nil, hint.With(errors.New("it is no private SSH key that can be read"),
			fmt.Sprintf("for a key in hardware or in an agent leave out --sign, and then: ssh-keygen -Y sign -n %s -f KEY %s", Namespace, Manifest))
	}
	return ssh.NewSignerFromKey(key)
}
