package usersfile

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxGeneration leaves room in the name of a group, and is more than a date written as a number.
const maxGeneration = 999_999_999

// GenerationGroup is the group that certificates of one generation of a user of a set carry, and that the set binds instead of the
// user: "provision:payments:jane:2". Where that is longer than a group may be, set and user are their hash, without the colon
// between them that every other such group has. A set has no colon in its name, so no two users share a group.
func GenerationGroup(set, user string, generation int) string {
	return generationPrefix(set, user, strconv.Itoa(generation)) + strconv.Itoa(generation)
}

// GenerationIn is the generation of a user of a set that a group stands for, or 0.
func GenerationIn(set, user, group string) int {
	if !strings.HasPrefix(group, ownGroups) {
		return 0
	}
	number := group[strings.LastIndexByte(group, ':')+1:]
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 || n > maxGeneration || strconv.Itoa(n) != number || group != generationPrefix(set, user, number)+number {
		return 0
	}
	return n
}

// IsGenerationGroup reports whether a group is one that provision gives by itself.
func IsGenerationGroup(group string) bool { return strings.HasPrefix(group, ownGroups) }

// SetOfGeneration is the set whose group a group is, as far as that can be read from it; "": it cannot.
func SetOfGeneration(group string) string {
	set, user, two := strings.Cut(strings.TrimPrefix(group, ownGroups), ":")
	if !IsGenerationGroup(group) || !two || !strings.Contains(user, ":") {
		return ""
	}
	return set
}

// generationPrefix is such a group up to its number.
func generationPrefix(set, user, number string) string {
	if plain := ownGroups + set + ":" + user + ":"; len(plain)+len(number) <= maxName {
		return plain
	}
	sum := sha256.Sum256([]byte(set + ":" + user))
	return ownGroups + hex.EncodeToString(sum[:16]) + ":"
}

// generation reads the generation of a user's certificates: 0 for none, and for a mistake.
func (r *reader) generation(v value) int {
	if !v.given() {
		return 0
	}
	var n int
	const want = "a whole number of at least 1"
	if v.node.Kind != yaml.ScalarNode || v.node.ShortTag() != "!!int" {
		r.wrongType(v, want)
		return 0
	}
	if err := v.node.Decode(&n); err != nil || n < 1 || n > maxGeneration || strconv.Itoa(n) != v.node.Value {
		r.invalid(v, v.node.Value, fmt.Sprintf("must be %s and at most %d", want, maxGeneration))
		return 0
	}
	return n
}
