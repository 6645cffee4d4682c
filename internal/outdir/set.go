package outdir

// Set is what the directory holds of one set for one cluster: kubeconfig entries and the keys of the journal. It is safe
// for concurrent use as long as no two goroutines change the same user. The methods that write need
// a Dir of OpenWrite.
type Set struct {
	dir     *Dir
	name    string
	cluster string // UID of its kube-system namespace
}

// Of returns what the directory holds of a set, by name, for a cluster, by the UID of its namespace kube-system. It opens and
// reads nothing.
func (d *Dir) Of(set, cluster string) Set { return Set{d, set, cluster} }
