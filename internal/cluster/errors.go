package cluster

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	utilnet "k8s.io/apimachinery/pkg/util/net"
)

// Fatal reports whether an error concerns everybody, not one user: going on would give the same refusal for each.
func Fatal(err error) bool {
	_, altered := errors.AsType[*AlteredError](err)
	_, another := errors.AsType[*OperatorError](err)
	_, plugin := errors.AsType[*LoginPluginError](err)
	return isPermissionError(err) || plugin || altered || another || errors.Is(err, ErrLoginLost) || unreachable(err)
}

// Refused reports whether the API server has answered, and does not do what it was asked to: the operator may not, or
// something else in the cluster does not let it happen.
func Refused(err error) bool {
	_, held := errors.AsType[*NotGoneError](err)
	var answer apierrors.APIStatus
	return isPermissionError(err) || held || errors.As(err, &answer) && !transient(err) && !errors.Is(err, ErrLoginLost)
}

// transient is an error that says nothing about the request: the same one may succeed a little later.
func transient(err error) bool {
	_, slow := errors.AsType[*SlowError](err)
	return slow || unreachable(err) || apierrors.IsTooManyRequests(err) || apierrors.IsServiceUnavailable(err) ||
		apierrors.IsServerTimeout(err) || apierrors.IsTimeout(err) || apierrors.IsInternalError(err)
}

// unreachable is an error below HTTP: nobody answered.
func unreachable(err error) bool {
	if errors.Is(err, context.Canceled) || errors.Is(err, ErrLockLost) || certificateAlert(err) {
		return false
	}
	if _, ok := errors.AsType[*LoginPluginError](err); ok {
		return false // nobody was asked
	}
	if _, ok := errors.AsType[*SlowError](err); ok {
		return false // it answers other requests
	}
	failure, network := errors.AsType[net.Error](err)
	if _, bare := failure.(syscall.Errno); bare {
		network = false // as such, it may be the error of a file
	}
	return network || utilnet.IsConnectionRefused(err) || utilnet.IsConnectionReset(err) || utilnet.IsHTTP2ConnectionLost(err) ||
		utilnet.IsProbableEOF(err) || errors.Is(err, io.ErrUnexpectedEOF) ||
		strings.Contains(err.Error(), "when reading response body") // client-go's words, around errors without a type
}
