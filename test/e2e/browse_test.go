package e2e_test

import (
	"bytes"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// browse is the command "browse PAGE WIDTH PICTURE": a real browser draws a page in a window of some width, and the page asks for nothing,
// does not run out of the window to the side, and shows its chart. The picture stays as a PNG.
func browse(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) == 3, "browse PAGE WIDTH PICTURE")
	page, picture := ts.MkAbs(args[0]), ts.MkAbs(args[2])
	width, err := strconv.Atoi(args[1])
	ts.Check(err)
	profile := filepath.Join(ts.Getenv("WORK"), ".browser")
	chromium := func(args ...string) (string, string) {
		base := []string{"--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run", "--disable-extensions", "--user-data-dir=" + profile, "--enable-logging=stderr", "--window-size=" + strconv.Itoa(width) + ",2000"}
		cmd := exec.Command("chromium", append(base, args...)...)
		var out, log bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &log
		if err := cmd.Run(); err != nil {
			ts.Fatalf("chromium: %v\n%s", err, &log)
		}
		return out.String(), log.String()
	}
	_, log := chromium("--screenshot="+picture, "file://"+page)
	if strings.Contains(log, "CONSOLE") { // such as what the page's own policy has refused
		ts.Fatalf("the browser complains:\n%s", log)
	}
	drawn(ts, picture, width)
	if dir := os.Getenv("PROVISION_TEST_PICTURES"); dir != "" && args[2] == "report.png" { // for the documents
		data, err := os.ReadFile(picture)
		ts.Check(err)
		ts.Check(os.WriteFile(filepath.Join(dir, args[2]), data, 0o644))
	}

	// Only a page with a script in it can be measured, so this is a copy without the policy that allows none.
	text := ts.ReadFile(args[0])
	measured := strings.Replace(text, "default-src 'none'; style-src", "script-src 'unsafe-inline'; style-src", 1) +
		"<script>document.body.dataset.sideways = document.documentElement.scrollWidth > document.documentElement.clientWidth</script>"
	copied := page + ".measured.html"
	ts.Check(os.WriteFile(copied, []byte(measured), 0o600))
	if dom, _ := chromium("--dump-dom", "file://"+copied); !strings.Contains(dom, `data-sideways="false"`) {
		ts.Fatalf("the page runs out of a window of %d to the side", width)
	}
}

// drawn fails unless a picture is of some width and shows text and the colour of the chart.
func drawn(ts *testscript.TestScript, path string, width int) {
	file, err := os.Open(path)
	ts.Check(err)
	defer file.Close()
	image, err := png.Decode(file)
	ts.Check(err)
	dark, chart := 0, 0
	for y := range image.Bounds().Dy() {
		for x := range image.Bounds().Dx() {
			switch c := color.RGBAModel.Convert(image.At(x, y)).(color.RGBA); {
			case c == color.RGBA{0x0b, 0x5c, 0xad, 0xff}:
				chart++
			case int(c.R)+int(c.G)+int(c.B) < 200:
				dark++
			}
		}
	}
	if image.Bounds().Dx() != width || dark < 1000 || chart < 500 {
		ts.Fatalf("a picture of width %d, not %d, with %d dark pixels and %d of the chart", image.Bounds().Dx(), width, dark, chart)
	}
}
