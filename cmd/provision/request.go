package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"provision/internal/credential"
	"provision/internal/hint"
	"provision/internal/outdir"
	"provision/internal/usersfile"
	"provision/internal/view"
)

// requestCmd is for the person who will have the certificate: it reads no users file and no kubeconfig, and connects to nothing.
type requestCmd struct {
	Name          string                 `required:"" placeholder:"USER" complete:"user" help:"Your name to the cluster, as the users file has it."`
	Group         []string               `sep:"none" placeholder:"GROUP" complete:"group" help:"A group that stands in the certificate. May be repeated."`
	Set           string                 `placeholder:"NAME" complete:"set" help:"The name of the set in the users file, with --generation."`
	Generation    int                    `placeholder:"N" complete:"free" help:"Your generation, where the users file gives one."`
	KeyAlgorithm  usersfile.KeyAlgorithm `enum:"ECDSA-P256,ECDSA-P384,Ed25519,RSA-2048,RSA-3072,RSA-4096" default:"ECDSA-P256" placeholder:"KIND" help:"ECDSA-P256 (the default), ECDSA-P384, Ed25519, RSA-2048, RSA-3072 or RSA-4096."`
	AllowReserved []string               `sep:"none" placeholder:"NAME" complete:"free" help:"A name of Kubernetes itself that may be used, as under allowReserved in the users file. May be repeated."`
	OutputDir     string                 `type:"path" short:"d" default:"." placeholder:"DIR" complete:"directory" help:"Directory for the two files. Default: the current one."`
}

func (c *requestCmd) Run(ctx context.Context, s view.Streams) error {
	who := usersfile.CertificateSubject{User: c.Name, Groups: c.Group, Set: c.Set, Generation: c.Generation}
	if err := who.Check(c.AllowReserved); err != nil {
		return err
	}
	key, err := credential.NewKey(c.KeyAlgorithm)
	if err != nil {
		return err
	}
	secret, err := credential.MarshalKey(key)
	if err != nil {
		return err
	}
	request, err := credential.NewRequest(key, who.User, who.Organizations())
	if err != nil {
		return err
	}
	own, err := credential.JudgeOwnRequest(request, who.User, who.Organizations()) // as those who get it will
	if err != nil {
		return err
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	keyFile, requestFile := usersfile.KeyFileName(who.User), usersfile.RequestFileName(who.User)
	err = outdir.WriteNew(c.OutputDir, outdir.NewFile{Name: keyFile, Data: secret}, outdir.NewFile{Name: requestFile, Data: own.PEM})
	keyFile, requestFile = filepath.Join(c.OutputDir, keyFile), filepath.Join(c.OutputDir, requestFile)
	if errors.Is(err, fs.ErrExist) {
		return hint.With(fmt.Errorf("%w: nothing is overwritten", err), "to make another key and request, name another directory with -d, and keep "+keyFile+" for as long as a certificate for it is used")
	}
	if err != nil {
		return err
	}
	s.Requested(who, keyFile, requestFile, own.KeyHash)
	return nil
}
