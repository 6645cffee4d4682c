package view

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"provision/internal/audit"
	"provision/internal/plan"
)

// documents are those that provision writes for programs, by their kind.
var documents = map[string]any{
	"Plan": document{}, "Report": reportDoc{}, "Remainder": remainderDoc{}, "Status": statusDoc{}, "Verification": verifyDoc{}, "Diagnosis": diagnosisDoc{},
	"Inspection": inspectionDoc{}, "Version": Build{}, "AuditReport": audit.Report{},
}

// TestDocumentSchemas holds that the JSON Schemas in package schema are those of the documents: of each type, with its fields and what is said
// of them in the code. Run it with -update after a change.
func TestDocumentSchemas(t *testing.T) {
	g := &schemaMaker{comments: map[string]map[string]string{}}
	dir := filepath.Join("..", "schema", "documents")
	for kind, doc := range documents {
		g.defs = map[string]any{}
		root := g.object(reflect.TypeOf(doc))
		properties := root["properties"].(map[string]any)
		properties["kind"] = map[string]any{"const": kind, "description": "What the document is."}
		schema := map[string]any{"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "urn:provision:1:" + kind, "title": kind}
		maps.Copy(schema, root)
		if len(g.defs) > 0 {
			schema["$defs"] = g.defs
		}
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		if err := e.Encode(schema); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, strings.ToLower(kind[:1])+kind[1:]+".schema.json")
		if *update {
			if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if have, err := os.ReadFile(path); err != nil || !bytes.Equal(have, b.Bytes()) {
			t.Errorf("%s is out of date: go test ./internal/view -run TestDocumentSchemas -update (%v)", path, err)
		}
	}
	for _, bare := range slices.Sorted(maps.Keys(g.bare)) {
		t.Errorf("%s: say in a comment what it is, for the schema", bare)
	}
}

// schemaMaker makes JSON Schemas of Go types.
type schemaMaker struct {
	defs     map[string]any
	comments map[string]map[string]string // of a package: what is said of its types and fields
	bare     map[string]bool              // fields of which nothing is said
}

// schema is that of a value of a type.
func (g *schemaMaker) schema(t reflect.Type) map[string]any {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return map[string]any{"type": "string", "format": "date-time"}
	case t.Kind() == reflect.Pointer:
		return g.schema(t.Elem())
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8:
		return map[string]any{"type": "string", "contentEncoding": "base64"}
	}
	// No document has any other.
	//exhaustive:ignore
	switch t.Kind() {
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.String:
		return map[string]any{"type": "string"}
	case reflect.Int, reflect.Int64, reflect.Int32, reflect.Uint32:
		return map[string]any{"type": "integer"}
	case reflect.Slice:
		return map[string]any{"type": "array", "items": g.schema(t.Elem())}
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": g.schema(t.Elem())}
	case reflect.Interface:
		return map[string]any{}
	case reflect.Struct:
		name := strings.ToLower(t.Name()[:1]) + t.Name()[1:]
		if _, known := g.defs[name]; !known {
			g.defs[name] = nil // it may refer to itself
			g.defs[name] = g.object(t)
		}
		return map[string]any{"$ref": "#/$defs/" + name}
	default:
		panic(fmt.Sprintf("%s is in a document", t))
	}
}

// object is the schema of a struct.
func (g *schemaMaker) object(t reflect.Type) map[string]any {
	properties, required := map[string]any{}, []string{}
	g.fields(t, properties, &required)
	if t == reflect.TypeFor[plan.Certificate]() || t == reflect.TypeFor[plan.Record]() { // see their MarshalJSON
		delete(properties, "duration")
		required = append(slices.DeleteFunc(required, func(name string) bool { return name == "duration" }), "expirationSeconds")
		properties["expirationSeconds"] = map[string]any{"type": "integer", "description": "The life that is asked for."}
	}
	slices.Sort(required)
	o := map[string]any{"type": "object", "additionalProperties": false, "properties": properties, "required": required}
	if about := g.said(t, ""); about != "" {
		o["description"] = about
	}
	return o
}

// fields adds those of a struct and of what it embeds.
func (g *schemaMaker) fields(t reflect.Type, properties map[string]any, required *[]string) {
	for i := range t.NumField() {
		f := t.Field(i)
		tag := f.Tag.Get("json")
		name, options, _ := strings.Cut(tag, ",")
		switch {
		case tag == "-" || !f.IsExported() && !f.Anonymous:
			continue
		case f.Anonymous && name == "":
			g.fields(f.Type, properties, required)
			continue
		case name == "":
			name = f.Name
		}
		one := g.schema(f.Type)
		about := g.said(t, f.Name)
		if about == "" && f.Type.Kind() == reflect.Struct {
			about = g.said(f.Type, "")
		}
		if about == "" {
			about = usual[name]
		}
		if about == "" && strings.HasPrefix(t.PkgPath(), "provision/") {
			if g.bare == nil {
				g.bare = map[string]bool{}
			}
			g.bare[t.String()+"."+f.Name] = true
		}
		if about != "" {
			one["description"] = about
		}
		if !strings.Contains(options, "omitempty") && !strings.Contains(options, "omitzero") {
			*required = append(*required, name)
		}
		properties[name] = one
	}
}

// said is what the code says of a field, or of a type where field is "".
func (g *schemaMaker) said(t reflect.Type, field string) string {
	module, inside := strings.CutPrefix(t.PkgPath(), "provision/internal/")
	if !inside {
		return ""
	}
	if g.comments[module] == nil {
		g.comments[module] = commentsIn(filepath.Join("..", module))
	}
	return g.comments[module][strings.TrimSuffix(t.Name()+"."+field, ".")]
}

// commentsIn are the comments of the types and fields of a package: the first sentence of a type's, and all of a field's.
func commentsIn(dir string) map[string]string {
	said := map[string]string{}
	files, _ := filepath.Glob(filepath.Join(dir, "*.go"))
	for _, path := range files {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
		if err != nil {
			continue
		}
		for _, d := range file.Decls {
			gen, ok := d.(*ast.GenDecl)
			if !ok {
				continue
			}
			for _, spec := range gen.Specs {
				named, ok := spec.(*ast.TypeSpec)
				if !ok {
					continue
				}
				if first, _, _ := strings.Cut(sentence(gen.Doc), ". "); first != "" {
					_, about, _ := strings.Cut(strings.TrimSuffix(first, "."), " is ")
					said[named.Name.Name] = capital(about)
				}
				if of, ok := named.Type.(*ast.StructType); ok {
					for _, f := range of.Fields.List {
						for _, name := range f.Names {
							about := sentence(f.Doc)
							if about == "" {
								about = sentence(f.Comment)
							}
							said[named.Name.Name+"."+name.Name] = capital(about)
						}
					}
				}
			}
		}
	}
	return said
}

func sentence(c *ast.CommentGroup) string {
	if c == nil {
		return ""
	}
	return strings.Join(strings.Fields(c.Text()), " ")
}

func capital(s string) string {
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// usual is what is said of a field by its name where the code says nothing.
var usual = map[string]string{
	"actions":               "What is changed.",
	"added":                 "What comes.",
	"after":                 "The object as it will be; none: it goes.",
	"allowed":               "The API server allows what was asked about.",
	"approvers":             "Who may approve certificates for any name and group.",
	"at":                    "When.",
	"before":                "The object as it was; none: it is new.",
	"binding":               "The binding, as kubectl names objects.",
	"bindings":              "The bindings, as kubectl names objects.",
	"caFile":                "The file that the CA is in; it was not opened.",
	"certificates":          "Certificates.",
	"changes":               "Something is changed.",
	"check":                 "What was looked at.",
	"checks":                "What was found.",
	"clusterUID":            "The UID of the cluster's namespace kube-system.",
	"code":                  "What it is, as a code that does not change with the words.",
	"column":                "The column in the file.",
	"credentialID":          "The id of the certificate, as audit logs have it.",
	"current":               "kubectl uses it where no other is named.",
	"entries":               "The entries of the file.",
	"error":                 "Why it failed.",
	"errors":                "Why not all could be done or seen.",
	"everybody":             "Whoever has a login, or runs as a service account, is meant.",
	"file":                  "The file.",
	"formatVersion":         "The version of the format. A field may come without a new one; none goes or changes.",
	"from":                  "What it was.",
	"generation":            "The number of the user's generation.",
	"grants":                "What is granted.",
	"group":                 "An API group.",
	"groups":                "Groups, sorted.",
	"hint":                  "The way out.",
	"insecureSkipTLSVerify": "The server's certificate is not checked.",
	"intended":              "When it was asked for.",
	"keyAlgorithm":          "The algorithm of the key.",
	"keyFile":               "The file that the private key is in.",
	"keyHash":               "SHA-256 of the public key, in hex.",
	"kind":                  "The kind of object.",
	"kubeconfigs":           "Kubeconfigs.",
	"ledgerNamespace":       "The namespace with the records of the set.",
	"line":                  "The line in the file.",
	"message":               "It in words.",
	"missingPermissions":    "What the operator may not do and would have to.",
	"name":                  "Its name.",
	"namespace":             "Its namespace; none: it is in none.",
	"namespaces":            "Namespaces.",
	"notAfter":              "Until when the certificate counts.",
	"notBefore":             "From when on the certificate counts.",
	"operation":             "What is done, as plan has it: issue, renew, create, and so on.",
	"operator":              "Who ran this, as the API server calls them.",
	"outputDir":             "The directory with the kubeconfigs.",
	"passed":                "It has passed.",
	"people":                "Everybody whom the sets know.",
	"power":                 "How much it allows: limited, clusterAdmin (as good as that), unknown, or none.",
	"proof":                 "The question that the API server was asked.",
	"reason":                "Why, in words.",
	"reasons":               "Why.",
	"removed":               "What goes, or when it did.",
	"resource":              "A resource of the API; a subresource stands behind a slash.",
	"result":                "How it ended.",
	"results":               "How each change ended.",
	"role":                  "The role.",
	"roleKind":              "Role or ClusterRole.",
	"roles":                 "Roles and ClusterRoles.",
	"sealedTo":              "Who can open the private key: fingerprints, and what they say of themselves.",
	"server":                "The address of an API server.",
	"set":                   "The name of the set.",
	"sets":                  "The sets.",
	"sources":               "What the sets come from.",
	"state":                 "The state of the user, as status has it.",
	"status":                "How it ended.",
	"stopped":               "Why the run was stopped early.",
	"subject":               "Whom it is about: user ann, group dev, serviceaccount ci/robot.",
	"summary":               "Numbers of all that.",
	"through":               "The subject of the binding: user ann, group dev.",
	"to":                    "What it is to be.",
	"unblocked":             "When somebody last took a block of it back.",
	"until":                 "When it ends.",
	"user":                  "The name of the user.",
	"userEntry":             "The name of the user entry.",
	"users":                 "The users.",
	"verb":                  "A verb of the API.",
	"warnings":              "What a person should know.",
	"you":                   "It is the operator.",
}
