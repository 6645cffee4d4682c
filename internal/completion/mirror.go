package completion

import (
	"slices"
	"strings"
	"unicode"

	"github.com/alecthomas/kong"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"provision/internal/commandline"
)

// mirror returns the commands and flags of the program as cobra has them.
func mirror(app *kong.Application, sources map[Kind]Source) *cobra.Command {
	root := &cobra.Command{
		Use: "provision", SilenceErrors: true, SilenceUsage: true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	for _, f := range app.Flags {
		addFlag(root, root.PersistentFlags(), f, sources)
	}
	for _, node := range app.Children {
		if node.Hidden {
			continue
		}
		command := &cobra.Command{
			Use: node.Name, Short: sentence(node.Help), ValidArgsFunction: arguments(node, sources),
			Run: func(*cobra.Command, []string) {},
		}
		for _, f := range node.Flags {
			addFlag(command, command.Flags(), f, sources)
			// The flags of each command may stand before it.
			if root.Flags().Lookup(f.Name) == nil && (f.Short == 0 || root.Flags().ShorthandLookup(string(f.Short)) == nil) {
				addFlag(root, root.Flags(), f, sources)
				root.Flags().Lookup(f.Name).Hidden = true
			}
		}
		if node.Name == "help" { // or cobra adds its own
			root.SetHelpCommand(command)
		}
		root.AddCommand(command)
	}
	return root
}

// addFlag adds a flag to those of a command.
func addFlag(command *cobra.Command, flags *pflag.FlagSet, f *kong.Flag, sources map[Kind]Source) {
	if f.Hidden {
		return
	}
	short := ""
	if f.Short != 0 {
		short = string(f.Short)
	}
	if f.IsBool() {
		flags.BoolP(f.Name, short, false, sentence(f.Help))
		return
	}
	flags.StringArrayP(f.Name, short, nil, sentence(f.Help))
	_ = command.RegisterFlagCompletionFunc(f.Name, values(f.Value, sources)) // it has just been added
}

// arguments completes the arguments of a command: each in turn, the last one as often as it may stand.
func arguments(node *kong.Node, sources map[Kind]Source) cobra.CompletionFunc {
	return func(command *cobra.Command, args []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
		n := len(node.Positional)
		if n == 0 || len(args) >= n && !node.Positional[n-1].IsCumulative() {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		words, directive := values(node.Positional[min(len(args), n-1)], sources)(command, nil, prefix)
		return slices.DeleteFunc(words, func(word string) bool { // nobody is named twice
			name, _, _ := strings.Cut(word, "\t")
			return slices.Contains(args, name)
		}), directive
	}
}

// values completes what a flag or an argument takes.
func values(v *kong.Value, sources map[Kind]Source) cobra.CompletionFunc {
	return func(command *cobra.Command, _ []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if known := commandline.Values(v); len(known) > 0 {
			var words []Word
			for _, name := range known {
				words = append(words, Word{Name: name})
			}
			return offered(words, prefix), cobra.ShellCompDirectiveNoFileComp
		}
		switch kind := Kind(v.Tag.Get("complete")); kind {
		case File:
			return nil, cobra.ShellCompDirectiveDefault
		case UsersFile:
			return []string{"yaml", "yml", "json"}, cobra.ShellCompDirectiveFilterFileExt
		case Directory:
			return nil, cobra.ShellCompDirectiveFilterDirs
		default:
			source := sources[kind]
			if source == nil {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			words := offered(source(Given{command}, prefix), prefix)
			if len(words) == 0 && (kind == Plan || kind == Kubeconfig) {
				return nil, cobra.ShellCompDirectiveDefault
			}
			return words, cobra.ShellCompDirectiveNoFileComp
		}
	}
}

// offered are the words that begin with prefix, as the protocol has them. One that cannot be printed, or would be taken for a part
// of the protocol, is not among them.
func offered(words []Word, prefix string) []cobra.Completion {
	var list []cobra.Completion
	for _, w := range words {
		if !strings.HasPrefix(w.Name, prefix) || strings.TrimSpace(w.Name) != w.Name || strings.ContainsFunc(w.Name+w.About, unprintable) ||
			strings.HasPrefix(w.Name, "_activeHelp_") || strings.HasPrefix(w.Name, ":") || w.Name == "" {
			continue
		}
		list = append(list, cobra.CompletionWithDesc(w.Name, sentence(w.About)))
	}
	return list
}

func unprintable(r rune) bool { return !unicode.IsPrint(r) }

// sentence is the first one of a help text, as descriptions are: a line has no more room.
func sentence(help string) string {
	for at := range len(help) {
		if help[at] == '.' && (at+1 == len(help) || help[at+1] == ' ') {
			return help[:at]
		}
	}
	return help
}
