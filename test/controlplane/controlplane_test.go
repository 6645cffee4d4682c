package controlplane_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"provision/test/controlplane"
)

const kubernetesVersion = "v1.37.2"

// shared is the control plane of the tests that leave it whole.
var shared *controlplane.ControlPlane

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	var err error
	if shared, err = controlplane.Start(ctx, controlplane.Options{Log: os.Stderr}); err != nil {
		os.Stderr.WriteString(err.Error() + "\n")
		return 1
	}
	code := m.Run()
	if err := shared.Stop(); err != nil {
		os.Stderr.WriteString(err.Error() + "\n")
		return 1
	}
	return code
}

func TestVersion(t *testing.T) {
	var version struct {
		ClientVersion, ServerVersion struct{ GitVersion string }
	}
	if err := json.Unmarshal(kubectl(t, shared.Kubeconfig(), nil, "version", "-o", "json"), &version); err != nil {
		t.Fatal(err)
	}
	if got := version.ClientVersion.GitVersion; got != kubernetesVersion {
		t.Errorf("client is %s, want %s", got, kubernetesVersion)
	}
	if got := version.ServerVersion.GitVersion; got != kubernetesVersion {
		t.Errorf("server is %s, want %s", got, kubernetesVersion)
	}
}

func TestIssueCertificate(t *testing.T) {
	certificate := issue(t, shared, "jane")
	ca, err := shared.CA()
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	_, err = certificate.Verify(x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	if err != nil {
		t.Error(err)
	}
	if certificate.Subject.CommonName != "jane" {
		t.Errorf("the subject is %s", certificate.Subject)
	}
}

// RBAC is on: a user has the rights that were given to it and no others, and
// the aggregated role that gives them is complete.
func TestClientKubeconfig(t *testing.T) {
	viewer, err := shared.ClientKubeconfig("viewer", "testers")
	if err != nil {
		t.Fatal(err)
	}
	if out, err := runKubectl(shared, viewer, nil, "get", "configmaps"); err == nil {
		t.Fatalf("a user without rights may list configmaps:\n%s", out)
	} else if !strings.Contains(string(out), "Forbidden") {
		t.Fatalf("not refused but broken: %s", out)
	}
	kubectl(t, shared.Kubeconfig(), nil, "create", "clusterrolebinding", "testers", "--clusterrole=view", "--group=testers")
	deadline := time.Now().Add(5 * time.Second) // the authorizer's cache follows
	for {
		out, err := runKubectl(shared, viewer, nil, "get", "configmaps")
		if err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%v\n%s", err, out)
		}
		time.Sleep(50 * time.Millisecond)
	}
	if out, err := runKubectl(shared, viewer, nil, "create", "configmap", "x"); err == nil {
		t.Fatalf("view may create:\n%s", out)
	}
}

// One life of a control plane of its own: each server stops and starts, the CA
// changes, and nothing is left at the end.
func TestServers(t *testing.T) {
	ctx := t.Context()
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	c, err := controlplane.Start(ctx, controlplane.Options{Log: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Stop()
	kubectl := func(args ...string) string {
		t.Helper()
		out, err := runKubectl(c, c.Kubeconfig(), nil, args...)
		if err != nil {
			t.Fatalf("kubectl %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	kubectl("create", "configmap", "kept")

	must(c.StopServer(controlplane.ControllerManager))
	c.SetFlags(controlplane.ControllerManager, "--controllers=*,-certificatesigningrequest-signing-controller")
	must(c.StartServer(ctx, controlplane.ControllerManager)) // does not wait for a signature
	must(c.KillServer(controlplane.ControllerManager))
	c.SetFlags(controlplane.ControllerManager, "--cluster-signing-duration=1h")
	must(c.StartServer(ctx, controlplane.ControllerManager))
	certificate := issue(t, c, "jane")
	if life := time.Until(certificate.NotAfter); life > time.Hour {
		t.Errorf("--cluster-signing-duration=1h gives %v", life)
	}

	must(c.KillServer(controlplane.APIServer))
	if out, err := runKubectl(c, c.Kubeconfig(), nil, "get", "configmaps"); err == nil {
		t.Errorf("an answer without an API server:\n%s", out)
	}
	must(c.StartServer(ctx, controlplane.APIServer))
	must(c.StopServer(controlplane.APIServer))
	must(c.StartServer(ctx, controlplane.APIServer))

	must(c.KillServer(controlplane.Etcd)) // in order takes it 5 s
	must(c.StartServer(ctx, controlplane.Etcd))
	kubectl("get", "configmap", "kept")

	old, err := c.CA()
	must(err)
	oldAdmin, err := os.ReadFile(c.Kubeconfig())
	must(err)
	must(c.RotateCA(ctx, false))
	kubectl("get", "configmap", "kept")
	if ca, err := c.CA(); err != nil || bytes.Equal(ca, old) {
		t.Errorf("the CA has not changed (%v)", err)
	}
	// The old administrator's certificate is void even for a client that does
	// not mind the server's.
	stale := filepath.Join(t.TempDir(), "stale")
	must(os.WriteFile(stale, oldAdmin, 0o600))
	out, err := runKubectl(c, stale, nil, "get", "configmaps", "--insecure-skip-tls-verify", "--certificate-authority=")
	if err == nil {
		t.Errorf("a certificate of the old CA still counts:\n%s", out)
	}
	if err := issue(t, c, "joe").CheckSignatureFrom(parse(t, old)); err == nil {
		t.Error("the old CA still signs")
	}

	if err := c.StartServer(ctx, controlplane.Etcd); err == nil {
		t.Error("a server that runs starts once more")
	}
	begun := time.Now()
	must(c.Stop())
	t.Logf("the control plane is stopped after %v", time.Since(begun))
	must(c.Stop())
	if pids := processesNaming(t, c.Dir()); len(pids) > 0 {
		t.Errorf("processes after Stop: %s", pids)
	}
	if left, _ := filepath.Glob(filepath.Join(temp, "*controlplane*")); len(left) > 0 {
		t.Errorf("files after Stop: %s", left)
	}
}

// A server that does not start is named, with the reason from its log.
func TestStartFails(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	c, err := controlplane.Start(t.Context(), controlplane.Options{
		Flags: map[string][]string{controlplane.APIServer: {"--no-such-flag"}},
	})
	if err == nil {
		c.Stop()
		t.Fatal("it starts with an unknown flag")
	}
	for _, want := range []string{controlplane.APIServer, "no-such-flag"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in: %v", want, err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(temp, "*")); len(left) > 0 {
		t.Errorf("files after a failed start: %s", left)
	}
	_, err = controlplane.Start(t.Context(), controlplane.Options{Binary: filepath.Join(temp, "none")})
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "make bin/kubernetes") {
		t.Errorf("without a binary the error is: %v", err)
	}
}

// The command cluster: exit code, environment, and servers that do not outlive
// it when it is killed.
func TestCluster(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	cluster := filepath.Join(temp, "cluster")
	if out, err := exec.Command("go", "build", "-o", cluster, "../cmd/cluster").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	kubernetes := binary(t)

	script := `kubectl get namespace default -o name && kill -KILL $PPID && sleep 60`
	begun := time.Now()
	command := exec.Command(cluster, "--binary", kubernetes, "--", "sh", "-c", script)
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.WaitDelay = time.Second // the sleep holds stdout
	err := command.Run()
	syscall.Kill(-command.Process.Pid, syscall.SIGKILL) // the sleep
	t.Logf("started, used and killed in %v", time.Since(begun))
	if !strings.Contains(stdout.String(), "namespace/default") {
		t.Fatalf("%v\n%s%s", err, &stdout, &stderr)
	}
	if s := command.ProcessState.String(); s != "signal: killed" {
		t.Fatalf("it ended by itself: %s", s)
	}
	dirs, err := filepath.Glob(filepath.Join(temp, "provision-controlplane-*"))
	if err != nil || len(dirs) != 1 {
		t.Fatalf("state folders: %s (%v)", dirs, err)
	}
	deadline := time.Now().Add(5 * time.Second)
	for {
		pids := processesNaming(t, dirs[0])
		if len(pids) == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the launcher is dead and these live: %s", pids)
		}
		time.Sleep(20 * time.Millisecond)
	}
	if err := os.RemoveAll(dirs[0]); err != nil {
		t.Fatal(err)
	}

	out, err := exec.Command(cluster, "--binary", kubernetes, "--", "sh", "-c", "exit 7").CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 7 {
		t.Errorf("the exit code 7 becomes: %v\n%s", err, out)
	}

	// Without a command it runs until it is told to end, as by Ctrl-C.
	command = exec.Command(cluster, "--binary", kubernetes)
	pipe, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	var env []string
	for lines := bufio.NewScanner(pipe); len(env) < 2 && lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "export ") {
			env = append(env, lines.Text())
		}
	}
	out, err = exec.Command("sh", "-c", strings.Join(append(env, "kubectl get namespace default -o name"), "\n")).CombinedOutput()
	if err != nil || string(out) != "namespace/default\n" {
		t.Errorf("with %q: %v\n%s", env, err, out)
	}
	command.Process.Signal(os.Interrupt)
	if err := command.Wait(); err != nil {
		t.Error(err)
	}
	if left, _ := filepath.Glob(filepath.Join(temp, "provision-controlplane-*")); len(left) > 0 {
		t.Errorf("files after the end: %s", left)
	}
}

// issue creates and approves a request for a user and returns the certificate.
func issue(t *testing.T, c *controlplane.ControlPlane, user string) *x509.Certificate {
	t.Helper()
	request := newRequest(t, user)
	manifest := `{"apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest",
		"metadata": {"name": "` + user + `"},
		"spec": {"signerName": "kubernetes.io/kube-apiserver-client", "usages": ["client auth"],
			"request": "` + base64.StdEncoding.EncodeToString(request) + `"}}`
	for _, step := range []struct {
		stdin string
		args  []string
	}{
		{manifest, []string{"create", "-f", "-"}},
		{"", []string{"certificate", "approve", user}},
		{"", []string{"wait", "csr/" + user, "--for=jsonpath={.status.certificate}", "--timeout=20s"}},
	} {
		if out, err := runKubectl(c, c.Kubeconfig(), []byte(step.stdin), step.args...); err != nil {
			t.Fatalf("kubectl %s: %v\n%s", strings.Join(step.args, " "), err, out)
		}
	}
	out, err := runKubectl(c, c.Kubeconfig(), nil, "get", "csr", user, "-o", "jsonpath={.status.certificate}")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	content, err := base64.StdEncoding.DecodeString(string(out))
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, content)
}

func parse(t *testing.T, content []byte) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode(content)
	if block == nil {
		t.Fatalf("no PEM: %q", content)
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}

func newRequest(t *testing.T, user string) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.CertificateRequest{Subject: pkix.Name{CommonName: user}}
	der, err := x509.CreateCertificateRequest(rand.Reader, template, key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
}

// kubectl runs the bundled kubectl against the shared control plane.
func kubectl(t *testing.T, kubeconfig string, stdin []byte, args ...string) []byte {
	t.Helper()
	out, err := runKubectl(shared, kubeconfig, stdin, args...)
	if err != nil {
		t.Fatalf("kubectl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// runKubectl returns what kubectl prints, errors included.
func runKubectl(c *controlplane.ControlPlane, kubeconfig string, stdin []byte, args ...string) ([]byte, error) {
	command := exec.Command(filepath.Join(c.BinDir(), "kubectl"), append([]string{"--kubeconfig=" + kubeconfig}, args...)...)
	command.Stdin = bytes.NewReader(stdin)
	return command.CombinedOutput()
}

// binary is the path of the multi-call binary, from any working directory.
func binary(t *testing.T) string {
	t.Helper()
	path, err := filepath.EvalSymlinks(filepath.Join(shared.BinDir(), "kubectl"))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// processesNaming lists the processes with text in their arguments.
func processesNaming(t *testing.T, text string) []string {
	t.Helper()
	out, err := exec.Command("ps", "-A", "-ww", "-o", "pid=,args=").Output()
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, text) {
			found = append(found, strings.TrimSpace(line))
		}
	}
	return found
}
