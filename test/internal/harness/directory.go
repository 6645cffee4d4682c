package harness

import (
	"crypto"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/util/keyutil"
)

// TempPrefix is how the names of unfinished files begin.
const TempPrefix = ".provision-tmp-"

// Directory is an output directory.
type Directory struct {
	Kubeconfigs map[string]Kubeconfig // by user
	Journal     map[string]Key        // by user
	Temporary   []string              // unfinished files
	Others      []string              // what should not be there
}

// Key is an entry of the journal.
type Key struct {
	KeyHash string
	Request string // name of the CertificateSigningRequest it is for
}

// Kubeconfig is a user's file.
type Kubeconfig struct {
	Path    string
	User    string
	KeyHash string
	Leaf    *x509.Certificate
}

// ReadDirectory reads an output directory. A kubeconfig or journal entry that is not whole, or whose key is not its
// certificate's, is an error; a key that is sealed, or not there, is its owner's to compare. Unfinished files are listed. A directory that is not there is an empty one.
func ReadDirectory(dir string) (Directory, error) {
	d := Directory{Kubeconfigs: map[string]Kubeconfig{}, Journal: map[string]Key{}}
	var problems []error
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if info.Mode().Perm() != 0o700 {
				problems = append(problems, fmt.Errorf("%s has mode %v", path, info.Mode()))
			}
			return nil
		}
		if info.Mode().Perm() != 0o600 {
			problems = append(problems, fmt.Errorf("%s has mode %v", path, info.Mode()))
		}
		inJournal := filepath.Dir(name) == filepath.Join(".provision", "keys")
		switch base := filepath.Base(name); {
		case strings.HasPrefix(base, TempPrefix):
			d.Temporary = append(d.Temporary, name)
		case name == ".provision/id" || name == ".provision/lock" || name == ".gitignore":
		case inJournal && strings.HasSuffix(base, ".json"):
			user, key, err := readJournal(path)
			if err != nil {
				problems = append(problems, err)
			}
			d.Journal[user] = key
		case name == base && strings.HasSuffix(base, ".kubeconfig"):
			k, err := readKubeconfig(path)
			if err != nil {
				problems = append(problems, err)
			}
			d.Kubeconfigs[k.User] = k
		default:
			d.Others = append(d.Others, name)
		}
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return d, errors.Join(append(problems, err)...)
}

func readJournal(path string) (user string, k Key, err error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return "", k, err
	}
	var entry struct{ User, Request, PrivateKey, SealedKey, CertificateRequest string }
	if err := json.Unmarshal(data, &entry); err != nil {
		return "", k, fmt.Errorf("%s: %w", path, err)
	}
	if entry.SealedKey != "" && entry.PrivateKey == "" {
		block, _ := pem.Decode([]byte(entry.CertificateRequest))
		if block == nil {
			return "", k, fmt.Errorf("%s: its request is not whole", path)
		}
		request, err := x509.ParseCertificateRequest(block.Bytes)
		if err != nil {
			return "", k, fmt.Errorf("%s: %w", path, err)
		}
		return entry.User, Key{hashOf(request.RawSubjectPublicKeyInfo), entry.Request}, nil
	}
	key, err := keyutil.ParsePrivateKeyPEM([]byte(entry.PrivateKey))
	if err != nil {
		return "", k, fmt.Errorf("%s: its key is not whole", path)
	}
	public, err := x509.MarshalPKIXPublicKey(key.(crypto.Signer).Public())
	return entry.User, Key{hashOf(public), entry.Request}, err
}

func readKubeconfig(path string) (Kubeconfig, error) {
	k := Kubeconfig{Path: path}
	config, err := clientcmd.LoadFromFile(path)
	if err != nil {
		return k, err
	}
	of := config.Contexts[config.CurrentContext]
	if of == nil || config.AuthInfos[of.AuthInfo] == nil {
		return k, fmt.Errorf("%s has no current context", path)
	}
	info := config.AuthInfos[of.AuthInfo]
	if info.ClientKey != "" && len(info.ClientKeyData) == 0 {
		block, _ := pem.Decode(info.ClientCertificateData)
		if block == nil {
			return k, fmt.Errorf("%s has no certificate", path)
		}
		if k.Leaf, err = x509.ParseCertificate(block.Bytes); err != nil {
			return k, fmt.Errorf("%s: %w", path, err)
		}
		k.KeyHash, k.User = hashOf(k.Leaf.RawSubjectPublicKeyInfo), k.Leaf.Subject.CommonName
		return k, nil
	}
	pair, err := tls.X509KeyPair(info.ClientCertificateData, info.ClientKeyData) // checks that they belong together
	if err != nil {
		return k, fmt.Errorf("%s: %w", path, err)
	}
	k.Leaf, k.KeyHash = pair.Leaf, hashOf(pair.Leaf.RawSubjectPublicKeyInfo)
	k.User = k.Leaf.Subject.CommonName
	return k, nil
}

func hashOf(public []byte) string {
	sum := sha256.Sum256(public)
	return hex.EncodeToString(sum[:])
}
