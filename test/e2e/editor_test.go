package e2e_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// languageServer is what editors ask about YAML: npm's yaml-language-server.
const languageServer = "yaml-language-server"

// TestEditorKnowsTheUsersFile holds that an editor shows what a field means and what is wrong, by the schema that the file's first
// line names.
func TestEditorKnowsTheUsersFile(t *testing.T) {
	t.Parallel()
	path, err := exec.LookPath(languageServer)
	if err != nil {
		path, err = filepath.Abs("../../bin/node_modules/.bin/" + languageServer)
		if _, missing := os.Stat(path); err != nil || missing != nil {
			t.Skip(languageServer + " is not installed: npm install --prefix bin " + languageServer)
		}
	}
	dir := t.TempDir()
	schema, err := exec.Command(filepath.Join(bin, "provision"), "schema").Output()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "users.schema.json"), schema, 0o644); err != nil {
		t.Fatal(err)
	}
	const text = "# yaml-language-server: $schema=users.schema.json\napiVersion: provision/v1alpha1\nkind: Users\nname: web\n" +
		"users:\n  - name: jane\n    group: [web:oncall]\n    duration: 8h\n"
	file := "file://" + filepath.Join(dir, "users.yaml")
	if err := os.WriteFile(filepath.Join(dir, "users.yaml"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	e := newEditor(t, exec.Command(path, "--stdio"))
	e.ask("initialize", map[string]any{"processId": os.Getpid(), "rootUri": "file://" + dir, "capabilities": map[string]any{}})
	e.tell("initialized", map[string]any{})
	e.tell("workspace/didChangeConfiguration", map[string]any{"settings": map[string]any{"yaml": editorSettings}})
	e.tell("textDocument/didOpen", map[string]any{"textDocument": map[string]any{"uri": file, "languageId": "yaml", "version": 1, "text": text}})
	e.await(`"textDocument/publishDiagnostics"`, "Property group is not allowed")
	// Line 8 of the file, in the word duration.
	e.ask("textDocument/hover", map[string]any{"textDocument": map[string]any{"uri": file}, "position": map[string]any{"line": 7, "character": 6}})
	e.await(`"contents"`, "How long the user's certificate lives")
}

// editorSettings keep the server from asking the network for schemas.
var editorSettings = map[string]any{"validate": true, "hover": true, "schemaStore": map[string]any{"enable": false}}

// editor speaks with a language server.
type editor struct {
	t     *testing.T
	to    io.Writer
	from  chan string
	asked int
	seen  []string
}

// newEditor starts a language server, which ends with the test.
func newEditor(t *testing.T, c *exec.Cmd) *editor {
	t.Helper()
	to, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	from, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Process.Kill(); c.Wait() })
	e := &editor{t: t, to: to, from: make(chan string, 100)}
	go func() {
		defer close(e.from)
		for r := bufio.NewReader(from); ; {
			length := 0
			for {
				line, err := r.ReadString('\n')
				if err != nil {
					return
				}
				if line = strings.TrimSpace(line); line == "" {
					break
				}
				fmt.Sscanf(line, "Content-Length: %d", &length)
			}
			message := make([]byte, length)
			if _, err := io.ReadFull(r, message); err != nil {
				return
			}
			e.from <- string(message)
		}
	}()
	return e
}

func (e *editor) ask(method string, params any) {
	e.asked++
	e.send(map[string]any{"jsonrpc": "2.0", "id": e.asked, "method": method, "params": params})
}

func (e *editor) tell(method string, params any) {
	e.send(map[string]any{"jsonrpc": "2.0", "method": method, "params": params})
}

func (e *editor) send(message map[string]any) {
	e.t.Helper()
	text, err := json.Marshal(message)
	if err == nil {
		_, err = fmt.Fprintf(e.to, "Content-Length: %d\r\n\r\n%s", len(text), text)
	}
	if err != nil {
		e.t.Fatal(err)
	}
}

// await waits for a message with some texts in it, for at most a minute, and answers what the server asks meanwhile.
func (e *editor) await(texts ...string) {
	e.t.Helper()
	for end := time.After(time.Minute); ; {
		select {
		case message, ok := <-e.from:
			if !ok {
				e.t.Fatalf("the language server has ended; it said:\n%s", strings.Join(e.seen, "\n"))
			}
			e.seen = append(e.seen, message)
			var question struct {
				ID     any
				Method string
				Params struct{ Items []any }
			}
			if json.Unmarshal([]byte(message), &question) == nil && question.ID != nil && question.Method != "" {
				answers := make([]any, len(question.Params.Items))
				for i := range answers {
					answers[i] = editorSettings
				}
				e.send(map[string]any{"jsonrpc": "2.0", "id": question.ID, "result": answers})
			}
			all := true
			for _, text := range texts {
				all = all && strings.Contains(message, text)
			}
			if all {
				return
			}
		case <-end:
			e.t.Fatalf("the language server has not said %q, but:\n%s", texts, strings.Join(e.seen, "\n"))
		}
	}
}
