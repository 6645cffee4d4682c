package accept

import (
	"bytes"
	"reflect"

	"go.yaml.in/yaml/v3"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// edit returns the text of a kubeconfig with the entries in which after differs from before, and with its current context. All else
// stays where it is: order, comments, fields that client-go does not know. It returns false where client-go would not read from the
// text what is in after.
func edit(text []byte, before, after *clientcmdapi.Config) ([]byte, bool) {
	var document yaml.Node
	if yaml.Unmarshal(text, &document) != nil || len(document.Content) != 1 || document.Content[0].Kind != yaml.MappingNode {
		return nil, false
	}
	root := document.Content[0]
	for name, c := range after.Clusters {
		if !reflect.DeepEqual(c, before.Clusters[name]) {
			one := clientcmdapi.NewConfig()
			one.Clusters[name] = c
			putItem(root, "clusters", name, one)
		}
	}
	for name, u := range after.AuthInfos {
		if !reflect.DeepEqual(u, before.AuthInfos[name]) {
			one := clientcmdapi.NewConfig()
			one.AuthInfos[name] = u
			putItem(root, "users", name, one)
		}
	}
	for name, c := range after.Contexts {
		if !reflect.DeepEqual(c, before.Contexts[name]) {
			one := clientcmdapi.NewConfig()
			one.Contexts[name] = c
			putItem(root, "contexts", name, one)
		}
	}
	if after.CurrentContext != before.CurrentContext {
		field(root, "current-context").SetString(after.CurrentContext)
	}
	var b bytes.Buffer
	encoder := yaml.NewEncoder(&b)
	encoder.SetIndent(2)
	encoder.CompactSeqIndent()
	if encoder.Encode(&document) != nil || encoder.Close() != nil {
		return nil, false
	}
	written, err := clientcmd.Load(b.Bytes())
	if err != nil {
		return nil, false
	}
	return b.Bytes(), reflect.DeepEqual(written, reread(after))
}

// reread returns a kubeconfig as client-go reads what it writes, which orders the fields of extensions.
func reread(c *clientcmdapi.Config) *clientcmdapi.Config {
	text, err := clientcmd.Write(*c)
	if err != nil {
		return nil
	}
	again, err := clientcmd.Load(text)
	if err != nil {
		return nil
	}
	return again
}

// putItem puts the one entry of a kubeconfig into a list of another, in the place of the entry of that name or at the end.
func putItem(root *yaml.Node, kind, name string, of *clientcmdapi.Config) {
	text, err := clientcmd.Write(*of)
	var made yaml.Node
	if err != nil || yaml.Unmarshal(text, &made) != nil { // what is missing is found when the text is read again
		return
	}
	item := field(made.Content[0], kind).Content[0]
	list := field(root, kind)
	if list.Kind != yaml.SequenceNode || len(list.Content) == 0 {
		*list = yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", HeadComment: list.HeadComment, LineComment: list.LineComment, FootComment: list.FootComment}
	}
	for _, there := range list.Content {
		if there.Kind == yaml.MappingNode && field(there, "name").Value == name {
			there.Content = item.Content
			return
		}
	}
	list.Content = append(list.Content, item)
}

// field returns the value of a field of a mapping, which it gets if it has it not.
func field(mapping *yaml.Node, name string) *yaml.Node {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == name {
			return mapping.Content[i+1]
		}
	}
	value := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null"}
	mapping.Content = append(mapping.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: name}, value)
	return value
}
