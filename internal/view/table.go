package view

import (
	"fmt"
	"io"
	"strings"

	"github.com/mattn/go-runewidth"
)

// table is rows of cells whose columns align, also where names have wide characters.
type table [][]string

// add adds a row. No cell can leave its line.
func (t *table) add(cells ...string) {
	for i, c := range cells {
		cells[i] = style{}.flat(c)
	}
	*t = append(*t, cells)
}

// write draws the rows. The last cell of each ends its line.
func (t table) write(w io.Writer) {
	var widths []int
	for _, row := range t {
		for i, c := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], runewidth.StringWidth(c))
		}
	}
	var b strings.Builder
	for _, row := range t {
		for i, c := range row[:len(row)-1] {
			b.WriteString(runewidth.FillRight(c, widths[i]+2))
		}
		b.WriteString(row[len(row)-1] + "\n")
	}
	fmt.Fprint(w, b.String())
}
