package view

import (
	"errors"
	"testing"
	"time"

	"provision/internal/cluster"
	"provision/internal/plan"
)

// A wait is told with what may hold it up and, where there is one, the way out.
func TestWaitingWords(t *testing.T) {
	create := plan.Permission{Verb: "create", Group: "certificates.k8s.io", Resource: "certificatesigningrequests"}
	slow := func(e cluster.SlowError) cluster.Waiting {
		e.Need, e.After = create, 20*time.Second
		return cluster.Waiting{Need: create, Slow: &e, Err: &e, Patience: 2 * time.Minute}
	}
	const first = "waiting for the API server to create certificatesigningrequests, for up to 2m0s: no answer in 20s\n"
	for _, c := range []struct {
		waiting cluster.Waiting
		want    string
	}{
		{cluster.Waiting{Plugin: "aws"}, "waiting for your login plugin aws"},
		{cluster.Waiting{Need: create, Err: errors.New("failed calling\nwebhook"), Patience: 2 * time.Minute},
			"waiting for the API server to create certificatesigningrequests, for up to 2m0s: failed calling; webhook"},
		{cluster.Waiting{Err: errors.New("cannot reach https://a"), Patience: 2 * time.Minute}, "waiting for the API server, for up to 2m0s: cannot reach https://a"},
		{slow(cluster.SlowError{Timeout: 20 * time.Second, Webhooks: []cluster.Webhooks{
			{Configuration: "mutatingwebhookconfiguration/a", Count: 2, Timeout: 20 * time.Second},
			{Configuration: "validatingwebhookconfiguration/b", Count: 1, Timeout: 10 * time.Second}}}),
			first + "the API server asks webhooks about certificatesigningrequests, and their times add up: " +
				"mutatingwebhookconfiguration/a (2 webhooks, up to 20s), validatingwebhookconfiguration/b (1 webhook, up to 10s)\n" +
				"--request-timeout gives a request more time than 20s, as far as the API server's own --request-timeout (60s) allows"},
		{slow(cluster.SlowError{Unlisted: errors.New("forbidden")}),
			first + "is a webhook on certificatesigningrequests slow? you may not list them; somebody who may:\n" +
				"kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations\n" +
				"--request-timeout gives a request more time, as far as the API server's own --request-timeout (60s) allows"},
		{slow(cluster.SlowError{Timeout: 20 * time.Second}),
			first + "no webhook is asked about certificatesigningrequests: the API server itself, or the network, is slow; " +
				"--request-timeout gives a request more time than 20s, as far as the API server's own --request-timeout (60s) allows"},
	} {
		if got := WaitingWords(c.waiting); got != c.want {
			t.Errorf("%q\nwant %q", got, c.want)
		}
	}
}
