package view

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/mattn/go-runewidth"
)

// table is rows of cells whose columns align, also where names have wide characters. The first row is the head, if it has one.
type table struct {
	rows   [][]string
	broken []int                                     // columns whose cells may have several lines, where the terminal is narrower than the table
	spare  []int                                     // columns that go then, in this order, before cells are narrower than can be read
	colour func(row, column int) func(string) string // of a cell, or nil
}

const (
	gutter     = 2  // between two columns
	narrowCell = 12 // the least width of a column that may be broken
)

// add adds a row. No cell can leave its line.
func (t *table) add(cells ...string) {
	for i, c := range cells {
		cells[i] = style{}.flat(c)
	}
	t.rows = append(t.rows, cells)
}

// write draws the rows. The last cell of each ends its line.
func (t table) write(p pen) {
	left := t.fitting(p.columns)
	widths := t.widths(left, p.columns)
	var b strings.Builder
	for at, row := range t.rows {
		var cells [][]string // the lines of each
		height := 1
		for i, column := range left {
			lines := []string{row[column]}
			if slices.Contains(t.broken, column) && p.columns > 0 {
				lines = fold(row[column], widths[i])
			}
			cells = append(cells, lines)
			height = max(height, len(lines))
		}
		for line := range height {
			text := ""
			for i, column := range left {
				cell := ""
				if line < len(cells[i]) {
					cell = cells[i][line]
				}
				fill := strings.Repeat(" ", max(0, widths[i]+gutter-runewidth.StringWidth(cell)))
				if t.colour != nil && cell != "" {
					if paint := t.colour(at, column); paint != nil {
						cell = paint(cell)
					}
				}
				text += cell + fill
			}
			b.WriteString(strings.TrimRight(text, " ") + "\n")
		}
	}
	fmt.Fprint(p.w, b.String())
}

// fitting returns the columns to draw at a width: all, or those without which there is room for the others.
func (t table) fitting(columns int) []int {
	var left []int
	for i := range t.rows[0] {
		left = append(left, i)
	}
	for _, spare := range t.spare {
		least := -gutter
		for _, column := range left {
			least += gutter + min(t.width(column), t.least(column))
		}
		if columns == 0 || least <= columns {
			break
		}
		left = slices.DeleteFunc(left, func(column int) bool { return column == spare })
	}
	return left
}

// least is how narrow a column may be.
func (t table) least(column int) int {
	if slices.Contains(t.broken, column) {
		return narrowCell
	}
	return t.width(column)
}

// width is how wide a column is by its cells.
func (t table) width(column int) int {
	widest := 0
	for _, row := range t.rows {
		widest = max(widest, runewidth.StringWidth(row[column]))
	}
	return widest
}

// widths returns how wide to draw some columns: those that may be broken share what the others leave, and none takes more than it needs.
func (t table) widths(left []int, columns int) []int {
	var widths []int
	room, sharing := columns+gutter, 0
	for _, column := range left {
		widths = append(widths, t.width(column))
		room -= gutter
		if slices.Contains(t.broken, column) {
			sharing++
		} else {
			room -= t.width(column)
		}
	}
	if columns == 0 {
		return widths
	}
	for i, column := range left { // the last takes what those before it leave
		if slices.Contains(t.broken, column) {
			widths[i] = min(widths[i], max(min(narrowCell, widths[i]), room/sharing))
			room -= widths[i]
			sharing--
		}
	}
	return widths
}

// markdown writes the rows as a table of Markdown.
func (t table) markdown(w io.Writer) error {
	escape := strings.NewReplacer(`\`, `\\`, "|", `\|`, "*", `\*`, "_", `\_`, "<", "&lt;", "`", "\\`", "[", `\[`)
	for i, row := range t.rows {
		cells := each(row, escape.Replace)
		if _, err := fmt.Fprintf(w, "| %s |\n", strings.Join(cells, " | ")); err != nil {
			return err
		}
		if i == 0 {
			fmt.Fprintf(w, "|%s\n", strings.Repeat(" --- |", len(row)))
		}
	}
	return nil
}
