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

	"provision/internal/spec"
)

// NewKey makes a private key.
func NewKey(algorithm spec.KeyAlgorithm) (crypto.Signer, error) {
	switch algorithm {
	case spec.RSA2048:
		return rsa.GenerateKey(rand.Reader, 2048)
	case spec.RSA3072:
		return rsa.GenerateKey(rand.Reader, 3072)
	case spec.RSA4096:
		return rsa.GenerateKey(rand.Reader, 4096)
	case spec.ECDSAP256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case spec.ECDSAP384:
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case spec.Ed25519:
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	}
	return nil, fmt.Errorf("key algorithm %q is not known", algorithm)
}

// AlgorithmOf names the algorithm of a public key, or describes one that we do not make.
func AlgorithmOf(public crypto.PublicKey) spec.KeyAlgorithm {
	switch k := public.(type) {
	case *rsa.PublicKey:
		return spec.KeyAlgorithm(fmt.Sprintf("RSA-%d", k.N.BitLen()))
	case *ecdsa.PublicKey:
		return spec.KeyAlgorithm("ECDSA-P" + fmt.Sprint(k.Curve.Params().BitSize))
	case ed25519.PublicKey:
		return spec.Ed25519
	}
	return spec.KeyAlgorithm(fmt.Sprintf("%T", public))
}

// MarshalKey encodes a private key as PKCS#8 PEM, the one form that holds every kind of key.
func MarshalKey(key crypto.Signer) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, errors.New("encode private key: its kind is not supported")
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// ParseKey reads a private key from PEM: PKCS#8, or the older forms that a person may have put in a kubeconfig.
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

// KeyHash is the hex SHA-256 of a public key in SubjectPublicKeyInfo form: what identifies a key everywhere outside
// this package.
func KeyHash(public crypto.PublicKey) (string, error) {
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return "", errors.New("encode public key: its kind is not supported")
	}
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:]), nil
}
