package format

import (
	"encoding/csv"
	"io"
	"slices"
	"strings"
)

// CSV writes rows as comma-separated values (RFC 4180). A cell that a spreadsheet would take for a formula begins with an apostrophe:
// the names in it are anybody's.
func CSV(w io.Writer, rows [][]string) error {
	out := csv.NewWriter(w)
	for _, row := range rows {
		row = slices.Clone(row)
		for i, cell := range row {
			if cell != "" && strings.ContainsAny(cell[:1], "=+-@\t\r") {
				row[i] = "'" + cell
			}
		}
		if err := out.Write(row); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}
