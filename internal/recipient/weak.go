package recipient

import (
	"crypto/ecdh"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"sync"

	"filippo.io/age"
	"filippo.io/age/plugin"
)

// usable reports whether age can seal to a key, which to is. Of the kinds that many have, the few keys to which it cannot are
// known; to seal once to each would take as long as all else that a user costs. To another kind it seals once.
func (r Recipient) usable(to age.Recipient) bool {
	switch kind, wire, _ := strings.Cut(r.Key, " "); {
	case kind == "ssh-ed25519":
		data, err := base64.StdEncoding.DecodeString(wire)
		return err == nil && len(data) >= pointSize && !weakEdwards()[masked(data[len(data)-pointSize:])]
	case strings.HasPrefix(kind, "age1") && strings.Count(kind, "1") == 1:
		return !weakNative()[kind]
	}
	_, err := to.Wrap(make([]byte, 16)) // the size of age's file keys
	return err == nil
}

// pointSize is the size of a point of Curve25519, in either form.
const pointSize = 32

// masked is a point without its highest bit: in one form that is a sign, in the other it does not count.
func masked(point []byte) [pointSize]byte {
	p := [pointSize]byte(point)
	p[pointSize-1] &= 0x7f
	return p
}

// The points of small order: an agreement with one of them gives zero, whatever the other key is. Each curve has five, and two of
// them can be written in a second way.
const (
	zero     = "0000000000000000000000000000000000000000000000000000000000000000"
	one      = "0100000000000000000000000000000000000000000000000000000000000000"
	minusOne = "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"
	prime    = "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"
	primeOne = "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"

	edwardsEighth    = "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"
	edwardsEighth2   = "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"
	montgomeryEighth = "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"
	montgomeryOther  = "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"
)

// weakEdwards are the points of small order as SSH keys have them, without the sign.
var weakEdwards = sync.OnceValue(func() map[[pointSize]byte]bool {
	weak := map[[pointSize]byte]bool{}
	for _, text := range []string{zero, one, minusOne, prime, primeOne, edwardsEighth, edwardsEighth2} {
		weak[masked(decoded(text))] = true
	}
	return weak
})

// weakNative are the keys of age that are points of small order.
var weakNative = sync.OnceValue(func() map[string]bool {
	weak := map[string]bool{}
	for _, text := range []string{zero, one, minusOne, prime, primeOne, montgomeryEighth, montgomeryOther} {
		for _, highest := range []byte{0, 0x80} {
			point := decoded(text)
			point[pointSize-1] |= highest
			if key, err := ecdh.X25519().NewPublicKey(point); err == nil {
				if written, err := plugin.EncodeX25519Recipient(key); err == nil {
					weak[written] = true
				}
			}
		}
	}
	return weak
})

// decoded is a point that is written above.
func decoded(text string) []byte {
	point, err := hex.DecodeString(text)
	if err != nil {
		return make([]byte, pointSize)
	}
	return point
}
