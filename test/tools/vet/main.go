// Command vet is go vet, but it reads what the packages import from source, where go vet compiles it. For a system that nothing
// is built for here that is ten times faster:
//
//	GOOS=windows bin/vet ./...
package main

import (
	"golang.org/x/tools/go/analysis/multichecker"
	"golang.org/x/tools/go/analysis/suite/vet"
)

func main() { multichecker.Main(vet.Suite...) }
