package harness

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// Take takes a kubeconfig home, with the private key of its certificate beside it: opened with the program age, or the one of the
// person's own that fits. It returns the file at home and the key, whose content it is where it was in the file itself.
func (p *Person) Take(age, path string) (string, []byte, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return "", nil, err
	}
	home := filepath.Join(p.Home, p.Name+".kubeconfig")
	if err := os.WriteFile(home, data, 0o600); err != nil {
		return "", nil, err
	}
	config, err := clientcmd.Load(data)
	if err != nil {
		return "", nil, err
	}
	for _, user := range config.AuthInfos {
		key := user.ClientKeyData
		switch {
		case p.IsSealed():
			key, err = p.open(age, user)
		case p.IsOwn():
			key, err = p.keyFor(user.ClientCertificateData)
		}
		if err == nil && p.Kind != Plain {
			err = os.WriteFile(p.KeyFile(), key, 0o600)
		}
		return home, key, err
	}
	return "", nil, fmt.Errorf("%s: no user", path)
}

// open opens with the program age the key that is sealed in a kubeconfig.
func (p *Person) open(age string, user *clientcmdapi.AuthInfo) ([]byte, error) {
	data, err := json.Marshal(user.Extensions["provision"])
	if err != nil {
		return nil, err
	}
	var ours struct{ SealedKey string }
	if err := json.Unmarshal(data, &ours); err != nil {
		return nil, err
	}
	c := exec.Command(age, "-d", "-i", p.Identity())
	c.Stdin = strings.NewReader(ours.SealedKey)
	key, err := c.Output()
	if err != nil {
		return nil, fmt.Errorf("%s (%s): %s: %w", p.Name, p.Kind, c, err)
	}
	return key, nil
}

// keyFor is the one of the person's own keys that a certificate is for.
func (p *Person) keyFor(certificate []byte) ([]byte, error) {
	files, err := filepath.Glob(filepath.Join(p.Home, "key-*", "*.key"))
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		key, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		if _, err := tls.X509KeyPair(certificate, key); err == nil {
			return key, nil
		}
	}
	return nil, fmt.Errorf("%s: none of %d keys of theirs is that of the certificate", p.Name, len(files))
}
