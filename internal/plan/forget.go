package plan

import (
	"maps"
	"slices"
	"strings"
)

// forgotten lists the set's entries for clusters that are no more, in the files of everybody.
func (d decision) forgotten(set string) []Change[ClusterEntry] {
	var list []Change[ClusterEntry]
	for _, user := range slices.Sorted(maps.Keys(d.observed.Files)) {
		for _, e := range d.observed.Files[user].OtherClusters {
			if e.Set == set && slices.Contains(d.forget, e.Cluster) {
				list = append(list, Change[ClusterEntry]{Op: Remove, Before: &e, Reasons: []Reason{{Code: ClusterForgotten, To: e.Cluster}}})
			}
		}
	}
	return list
}

// clusterWarnings tell of clusters that may be no more: an entry of the set for another cluster at the same address, and a
// cluster to be forgotten that no kubeconfig has an entry of.
func (d decision) clusterWarnings(desired Desired, forgotten []Change[ClusterEntry]) []Warning {
	var list []Warning
	for _, cluster := range d.forget {
		if !slices.ContainsFunc(forgotten, func(c Change[ClusterEntry]) bool { return c.Before.Cluster == cluster }) {
			list = append(list, Warning{Code: NothingToForget, Name: cluster})
		}
	}
	type place struct{ cluster, server string }
	users := map[place][]string{}
	for _, u := range desired.Users {
		for _, e := range d.observed.Files[u.Certificate.User].OtherClusters {
			if e.Set == desired.Set && e.Server == u.Kubeconfig.Endpoint.Server && !slices.Contains(d.forget, e.Cluster) {
				users[place{e.Cluster, e.Server}] = append(users[place{e.Cluster, e.Server}], e.User)
			}
		}
	}
	for _, at := range slices.SortedFunc(maps.Keys(users), func(a, b place) int { return strings.Compare(a.cluster, b.cluster) }) {
		list = append(list, Warning{Code: ClusterReplaced, Items: slices.Compact(users[at]), Name: at.cluster, To: at.server})
	}
	return list
}
