package credential

import (
	"bytes"
	"errors"
	"io"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"

	"provision/internal/recipient"
)

// Sealed is a private key that only those can open whom it was sealed to. It is no secret.
type Sealed struct {
	Key string                // PEM, as MarshalKey writes it, encrypted with age, in its ASCII armor; "": there is none
	To  []recipient.Recipient // without their keys
}

// Seal seals a private key in PEM form. At least one recipient is needed, each as recipient.Parse returns it.
func Seal(key []byte, to []recipient.Recipient) (Sealed, error) {
	var sealed Sealed
	recipients := make([]age.Recipient, len(to))
	for i, r := range to {
		var err error
		if recipients[i], err = r.Age(); err != nil {
			return Sealed{}, err
		}
		sealed.To = append(sealed.To, r.Public())
	}
	var text strings.Builder
	armored := armor.NewWriter(&text)
	if err := encrypt(armored, key, recipients); err != nil {
		return Sealed{}, errors.New("seal the private key: age does not take these recipients together")
	}
	if err := armored.Close(); err != nil {
		return Sealed{}, errors.New("seal the private key: it cannot be written as text")
	}
	sealed.Key = text.String()
	return sealed, nil
}

// encrypt writes a private key, encrypted, to w.
func encrypt(w io.Writer, key []byte, to []age.Recipient) error {
	sealing, err := age.Encrypt(w, to...)
	if err != nil {
		return err
	}
	if _, err := sealing.Write(key); err != nil {
		return err
	}
	return sealing.Close()
}

// maxSealed is more than a sealed key takes, whatever its kind and however many can open it.
const maxSealed = 128 << 10

// whole reports whether a sealed key is there and looks like one from beginning to end. Which key it is only those know who can
// open it.
func (s Sealed) whole() bool {
	if s.Key == "" || len(s.Key) > maxSealed {
		return false
	}
	data, err := io.ReadAll(armor.NewReader(strings.NewReader(s.Key)))
	if err != nil {
		return false
	}
	_, err = age.ExtractHeader(bytes.NewReader(data))
	return err == nil
}
