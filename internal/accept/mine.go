package accept

import (
	"fmt"
	"reflect"
	"slices"

	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// Mine is a person's kubeconfig: the file that entries go into, and the others that kubectl reads beside it, in its order.
type Mine struct {
	Config *clientcmdapi.Config
	Others []*clientcmdapi.Config
	Before int // how many of the others kubectl reads before the file
}

// mineOf is the kubeconfig of several files, of which entries go into one.
func mineOf(configs []*clientcmdapi.Config, at int) Mine {
	return Mine{Config: configs[at], Others: slices.Concat(configs[:at], configs[at+1:]), Before: at}
}

// cluster returns the cluster that kubectl takes for a name, and the file that has it, where config stands for the file that entries
// go into: an entry of an earlier file hides those of later ones. Nil: no file has one.
func (m Mine) cluster(config *clientcmdapi.Config, name string) (c *clientcmdapi.Cluster, in *clientcmdapi.Config) {
	for _, file := range slices.Insert(slices.Clone(m.Others), m.Before, config) {
		if c := file.Clusters[name]; c != nil {
			return c, file
		}
	}
	return nil, nil
}

// putCluster returns the name of a cluster entry with the server and CA of a received entry: one that is there, or a new one.
func (m merger) putCluster(e Entry) string {
	return free(e.Name, func(name string) bool {
		if have, in := m.mine.cluster(m.config, name); in == m.config && reflect.DeepEqual(endpointOf("", have), endpointOf("", clusterOf(e))) {
			return false
		}
		if m.clusterTaken(name) {
			return true
		}
		m.config.Clusters[name] = clusterOf(e)
		return false
	})
}

// clusterTaken reports whether a name of a cluster has a meaning: one that only a context has would get another.
func (m merger) clusterTaken(name string) bool {
	return m.inAny(func(k *clientcmdapi.Config) bool {
		return k.Clusters[name] != nil || refers(k, func(_ string, c *clientcmdapi.Context) bool { return c.Cluster == name })
	})
}

// userTaken is clusterTaken of a user.
func (m merger) userTaken(name string) bool {
	return m.inAny(func(k *clientcmdapi.Config) bool {
		return k.AuthInfos[name] != nil || refers(k, func(_ string, c *clientcmdapi.Context) bool { return c.AuthInfo == name })
	})
}

func (m merger) contextTaken(name string) bool {
	return m.inAny(func(k *clientcmdapi.Config) bool { return k.Contexts[name] != nil })
}

// shared reports whether another context than this one of the file leads to a cluster, in any file.
func (m merger) shared(context, cluster string) bool {
	return m.inAny(func(k *clientcmdapi.Config) bool {
		return refers(k, func(name string, c *clientcmdapi.Context) bool {
			return c.Cluster == cluster && (k != m.config || name != context)
		})
	})
}

// refers reports whether a kubeconfig has such a context.
func refers(k *clientcmdapi.Config, such func(name string, c *clientcmdapi.Context) bool) bool {
	for name, c := range k.Contexts {
		if such(name, c) {
			return true
		}
	}
	return false
}

// inAny reports whether something is in any file: kubectl takes the first that it finds.
func (m merger) inAny(in func(*clientcmdapi.Config) bool) bool {
	return in(m.config) || slices.ContainsFunc(m.mine.Others, in)
}

// free returns a name that is not taken: this one, or this one with a number.
func free(name string, taken func(string) bool) string {
	for i, one := 2, name; ; i++ {
		if !taken(one) {
			return one
		}
		one = fmt.Sprintf("%s-%d", name, i)
	}
}
