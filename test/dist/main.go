// Command dist makes the archives of a release: for each platform the program, its licence, man pages and completions, and the hashes of all
// archives. The same commit gives the same bytes, wherever and whenever it is built: files are sorted, have one time, that of the commit, and
// one owner, and the program has no path and no build id.
package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"flag"
	"fmt"
	"io/fs"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// platforms are those that a release is for.
var platforms = []string{"linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64", "windows/amd64", "windows/arm64"}

// shells are those whose completion goes with the program, and the name of its file.
var shells = map[string]string{"bash": "provision.bash", "zsh": "_provision", "fish": "provision.fish", "powershell": "provision.ps1"}

func main() {
	log.SetFlags(0)
	source := flag.String("source", "..", "the tree of the program")
	out := flag.String("out", "../dist", "a new folder for the archives")
	version := flag.String("version", "dev", "what the program says that it is")
	commit := flag.String("commit", "", "the commit of git")
	date := flag.String("date", "1980-01-01T00:00:00Z", "when that was made, RFC 3339 in UTC")
	only := flag.String("platform", "", "one platform alone, such as linux/amd64")
	flag.Parse()
	at, err := time.Parse(time.RFC3339, *date)
	check(err)
	check(os.Mkdir(*out, 0o755))
	work, err := os.MkdirTemp("", "provision-dist")
	check(err)
	defer os.RemoveAll(work)
	if *only != "" {
		platforms = []string{*only}
	}
	ldflags := fmt.Sprintf("-s -w -buildid= -X main.version=%s -X main.commit=%s -X main.date=%s", *version, *commit, *date)
	build := func(platform, path string) {
		system, machine, _ := strings.Cut(platform, "/")
		cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags", ldflags, "-o", path, "./cmd/provision")
		cmd.Dir, cmd.Stderr = *source, os.Stderr
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+system, "GOARCH="+machine, "GOFLAGS=", "GOAMD64=v1", "GOARM64=v8.0")
		check(cmd.Run())
	}
	here := filepath.Join(work, "here")
	build(runtime.GOOS+"/"+runtime.GOARCH, here)
	common := common(*source, here)
	var sums bytes.Buffer
	for _, platform := range platforms {
		path := filepath.Join(work, "program")
		build(platform, path)
		program, err := os.ReadFile(path)
		check(err)
		name := "provision"
		if strings.HasPrefix(platform, "windows/") {
			name = "provision.exe"
		}
		files := append(slices.Clone(common), file{name, 0o755, program})
		slices.SortFunc(files, func(a, b file) int { return strings.Compare(a.name, b.name) })
		folder := "provision-" + *version + "-" + strings.ReplaceAll(platform, "/", "-")
		archive, data := folder+".tar.gz", []byte(nil)
		if name == "provision.exe" {
			archive, data = folder+".zip", zipped(folder, files, at)
		} else {
			data = tarred(folder, files, at)
		}
		check(os.WriteFile(filepath.Join(*out, archive), data, 0o644))
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(data), archive)
		fmt.Printf("%s  %.1f MB, the program %.1f MB\n", archive, float64(len(data))/1e6, float64(len(program))/1e6)
	}
	check(os.WriteFile(filepath.Join(*out, "SHA256SUMS"), sums.Bytes(), 0o644))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// file is one of an archive.
type file struct {
	name string
	mode fs.FileMode
	data []byte
}

// common are the files that every archive has.
func common(source, program string) []file {
	var list []file
	add := func(name, path string) {
		data, err := os.ReadFile(filepath.Join(source, path))
		check(err)
		list = append(list, file{name, 0o644, data})
	}
	for _, name := range []string{"LICENSE", "README.md", "CHANGELOG.md", "examples/users.yaml", "examples/operator.yaml", "examples/auditor.yaml"} {
		add(name, name)
	}
	pages, err := filepath.Glob(filepath.Join(source, "docs/man/*.1"))
	check(err)
	for _, page := range pages {
		add("man/man1/"+filepath.Base(page), "docs/man/"+filepath.Base(page))
	}
	for shell, name := range shells {
		text, err := exec.Command(program, "completion", shell).Output()
		check(err)
		list = append(list, file{"completion/" + name, 0o644, text})
	}
	return list
}

func tarred(folder string, files []file, at time.Time) []byte {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	check(err)
	t := tar.NewWriter(z)
	for _, f := range files {
		check(t.WriteHeader(&tar.Header{Name: folder + "/" + f.name, Mode: int64(f.mode), Size: int64(len(f.data)), ModTime: at, Format: tar.FormatUSTAR, Uname: "root", Gname: "root"}))
		_, err := t.Write(f.data)
		check(err)
	}
	check(t.Close())
	check(z.Close())
	return b.Bytes()
}

func zipped(folder string, files []file, at time.Time) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, f := range files {
		h := &zip.FileHeader{Name: folder + "/" + f.name, Method: zip.Deflate, Modified: at}
		h.SetMode(f.mode)
		w, err := z.CreateHeader(h)
		check(err)
		_, err = w.Write(f.data)
		check(err)
	}
	check(z.Close())
	return b.Bytes()
}
