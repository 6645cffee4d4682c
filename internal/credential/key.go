// Package credential makes and judges bytes: private keys, PKCS#10 requests, issued certificates and kubeconfigs.
//
// It reads and writes no file and knows no client. Bytes that may hold a private key go in and out as values, and
// no error text ever quotes them.
package credential

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"

	"provision/internal/usersfile"
)

// NewKey makes a private key. An algorithm that is none of usersfile.KeyAlgorithms is an error. An RSA key of 4096 bits may
// take a second and more.
func NewKey(algorithm usersfile.KeyAlgorithm) (crypto.Signer, error) {
	switch algorithm {
	case usersfile.RSA2048:
		return rsa.GenerateKey(rand.Reader, 2048)
	case usersfile.RSA3072:
		return rsa.GenerateKey(rand.Reader, 3072)
	case usersfile.RSA4096:
		return rsa.GenerateKey(rand.Reader, 4096)
	case usersfile.ECDSAP256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case usersfile.ECDSAP384:
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case usersfile.Ed25519:
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	}
	return nil, fmt.Errorf("key algorithm %q is not known", algorithm)
}

// AlgorithmOf returns the algorithm of a public key. One that we do not make it describes by its type.
func AlgorithmOf(public crypto.PublicKey) usersfile.KeyAlgorithm {
	switch k := public.(type) {
	case *rsa.PublicKey:
		return usersfile.KeyAlgorithm(fmt.Sprintf("RSA-%d", k.N.BitLen()))
	case *ecdsa.PublicKey:
		return usersfile.KeyAlgorithm("ECDSA-P" + fmt.Sprint(k.Curve.Params().BitSize))
	case ed25519.PublicKey:
		return usersfile.Ed25519
	}
	return usersfile.KeyAlgorithm(fmt.Sprintf("%T", public))
}

// MarshalKey encodes a private key as PEM, in the form that most clients read: ECDSA as SEC 1 ("EC PRIVATE KEY"), because
// fabric8, the JVM's most used client, knows no other form for it; RSA and Ed25519 as PKCS#8. The result is secret.
func MarshalKey(key crypto.Signer) ([]byte, error) {
	block := pem.Block{Type: "PRIVATE KEY"}
	var err error
	if ec, ok := key.(*ecdsa.PrivateKey); ok {
		block.Type = "EC PRIVATE KEY"
		block.Bytes, err = x509.MarshalECPrivateKey(ec)
	} else {
		block.Bytes, err = x509.MarshalPKCS8PrivateKey(key)
	}
	if err != nil {
		return nil, errors.New("encode private key: its kind is not supported") // err could quote it
	}
	return pem.EncodeToMemory(&block), nil
}

// ParseKey reads the first private key in a PEM text, in the form that MarshalKey writes or in another that a person may have put
// in a kubeconfig: PKCS#8 and SEC 1 for ECDSA, PKCS#8 and PKCS#1 for RSA. Errors never quote the text.
func ParseKey(data []byte) (crypto.Signer, error) {
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		var key any
		var err error
		switch block.Type {
		case "PRIVATE KEY":
			key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
		case "EC PRIVATE KEY":
			key, err = x509.ParseECPrivateKey(block.Bytes)
		case "RSA PRIVATE KEY":
			key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
		default:
			continue
		}
		if err != nil {
			return nil, errors.New("the private key cannot be parsed") // err could quote it
		}
		if signer, ok := key.(crypto.Signer); ok {
			return signer, nil
		}
		return nil, errors.New("the private key is of a kind that cannot sign")
	}
	return nil, errors.New("no private key in PEM form")
}

// SameKey reports whether two PEM texts hold the same private key, whatever form each has it in. A text without a key equals none.
func SameKey(a, b []byte) bool {
	x, errX := ParseKey(a)
	y, errY := ParseKey(b)
	if errX != nil || errY != nil {
		return false
	}
	public, ok := x.Public().(interface{ Equal(crypto.PublicKey) bool })
	return ok && public.Equal(y.Public())
}

// KeyHash returns the hex SHA-256 of a public key in SubjectPublicKeyInfo form. It identifies a key everywhere outside this
// package.
func KeyHash(public crypto.PublicKey) (string, error) {
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return "", errors.New("encode public key: its kind is not supported")
	}
	return hexSHA256(der), nil
}

// hexSHA256 is KeyHash of a key that is in that form already.
func hexSHA256(der []byte) string {
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:])
}
