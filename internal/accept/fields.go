package accept

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"provision/internal/usersfile"
)

// harmful are the fields that a kubeconfig may have and a received one may not, each with its reason.
var harmful = map[string]Code{
	"exec": RunsProgram, "auth-provider": RunsProgram,
	"token": OtherLogin, "username": OtherLogin, "password": OtherLogin,
	"tokenFile": NamesFile, "certificate-authority": NamesFile, "client-certificate": NamesFile, "client-key": NamesFile,
	"proxy-url": Proxied, "insecure-skip-tls-verify": Unverified,
	"as": ActsAs, "as-uid": ActsAs, "as-groups": ActsAs, "as-user-extra": ActsAs,
}

// maxName is how many bytes a name in a received file may have. Ours are those of a user and a cluster.
const maxName = 512

// reader takes a received file apart, and collects what is wrong with it.
type reader struct{ refusals Refusals }

// place is an entry of the file, and a field of it.
type place struct{ object, field string }

func (r *reader) refuse(n *yaml.Node, at place, code Code, detail string) {
	line := 0
	if n != nil {
		line = n.Line
	}
	r.refusals = append(r.refusals, Refusal{at.object, at.field, code, detail, line})
}

// lineOfError finds where an error of the YAML parser is.
var lineOfError = regexp.MustCompile(`line \d+`)

// document returns the one document of a text; nil: refused. The parser's errors may quote the text, which may be a private key.
func (r *reader) document(data []byte) *yaml.Node {
	unreadable := func(why string) *yaml.Node {
		r.refuse(nil, place{}, NotReadable, why)
		return nil
	}
	if !utf8.Valid(data) {
		return unreadable("it is not text in UTF-8")
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var first, second yaml.Node
	err := decoder.Decode(&first)
	if err == nil && len(first.Content) == 1 && first.Content[0].Kind == yaml.MappingNode {
		if err = decoder.Decode(&second); errors.Is(err, io.EOF) {
			return r.plain(first.Content[0])
		}
		if err == nil {
			return unreadable("it has more than one document")
		}
	}
	if err != nil && !errors.Is(err, io.EOF) {
		if line := lineOfError.FindString(err.Error()); line != "" {
			return unreadable("it is not YAML: error in " + line)
		}
		return unreadable("it is not YAML")
	}
	return unreadable("it is not a kubeconfig")
}

// plain returns the document, or nil if it has what kubectl reads in another way than it looks: anchors, which another place
// repeats, and tags.
func (r *reader) plain(root *yaml.Node) *yaml.Node {
	var odd func(n *yaml.Node) *yaml.Node
	odd = func(n *yaml.Node) *yaml.Node {
		if n.Kind == yaml.AliasNode || n.Anchor != "" || n.Style&yaml.TaggedStyle != 0 || n.Tag == "!!merge" {
			return n
		}
		for _, child := range n.Content {
			if found := odd(child); found != nil {
				return found
			}
		}
		return nil
	}
	if n := odd(root); n != nil {
		r.refuse(n, place{}, NotReadable, "it has YAML anchors, aliases or tags")
		return nil
	}
	return root
}

// fields takes a mapping apart. Each field that is not among the known ones is refused by its name.
func (r *reader) fields(n *yaml.Node, object string, known ...string) map[string]*yaml.Node {
	found := map[string]*yaml.Node{}
	if n.Kind != yaml.MappingNode {
		r.refuse(n, place{object: object}, Malformed, "it must be a mapping")
		return found
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		at := place{object, shown(key.Value)}
		switch {
		case key.Kind != yaml.ScalarNode:
			r.refuse(key, place{object: object}, Malformed, "a field's name must be text")
		case found[key.Value] != nil:
			r.refuse(key, at, TwiceThere, "")
		case slices.Contains(known, key.Value):
			found[key.Value] = value
		case harmful[key.Value] != "":
			r.refuse(key, at, harmful[key.Value], "")
		default:
			r.refuse(key, at, UnknownField, "")
		}
	}
	return found
}

// shown is a name as an error has it: one that is long or cannot be seen is quoted, and cut.
func shown(name string) string {
	const most = 60
	if len(name) > most {
		return strconv.QuoteToASCII(name[:most]) + "..."
	}
	if name == "" || strings.ContainsFunc(name, usersfile.Invisible) {
		return strconv.QuoteToASCII(name)
	}
	return name
}

// list returns the items of a list; none where there is no list.
func (r *reader) list(n *yaml.Node, field string) []*yaml.Node {
	switch {
	case n == nil || n.Tag == "!!null":
		return nil
	case n.Kind != yaml.SequenceNode:
		r.refuse(n, place{field: field}, Malformed, "it must be a list")
		return nil
	}
	return n.Content
}

// text returns the text of a field; "" where there is none.
func (r *reader) text(n *yaml.Node, at place) string {
	switch {
	case n == nil || n.Tag == "!!null":
		return ""
	case n.Kind != yaml.ScalarNode || n.Tag != "!!str":
		r.refuse(n, at, Malformed, "it must be text")
		return ""
	}
	return n.Value
}

// name returns a text that stands in lines and lists: all of it can be seen. "" is refused where the name is needed.
func (r *reader) name(n *yaml.Node, at place, needed bool) string {
	text := r.text(n, at)
	switch {
	case text == "" && needed:
		r.refuse(n, at, Missing, "")
	case !visible(text):
		r.refuse(n, at, Unprintable, "")
	case len(text) > maxName:
		r.refuse(n, at, Malformed, "it is too long")
	}
	return text
}

// visible reports whether every character of a name can be seen where it stands.
func visible(name string) bool {
	return utf8.ValidString(name) && !strings.ContainsFunc(name, usersfile.Invisible) && strings.TrimSpace(name) == name
}

// data returns the bytes of a field that holds them in base64; nil where there is none.
func (r *reader) data(n *yaml.Node, at place) []byte {
	text := r.text(n, at)
	if text == "" {
		return nil
	}
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(data) == 0 {
		r.refuse(n, at, Malformed, "it is not base64")
		return nil
	}
	return data
}

// truth returns a field that is true or false.
func (r *reader) truth(n *yaml.Node, at place) bool {
	switch {
	case n == nil || n.Tag == "!!null":
		return false
	case n.Kind != yaml.ScalarNode || n.Tag != "!!bool":
		r.refuse(n, at, Malformed, "it must be true or false")
		return false
	}
	return n.Value == "true"
}
