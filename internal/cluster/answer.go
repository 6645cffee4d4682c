package cluster

import (
	"errors"
	"strconv"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Answer is what an API server said of one object, apart from its name: two are equal where the same was said of two objects.
type Answer struct {
	Code        int32
	Reason      metav1.StatusReason
	Group, Kind string // of the object, the kind as the API server calls it there: mostly the resource
	Message     string // without the object's name
}

// AnsweredName is the name of the object that the API server's answer in an error is about, or "".
func AnsweredName(err error) string {
	var status apierrors.APIStatus
	if !errors.As(err, &status) || status.Status().Details == nil {
		return ""
	}
	return status.Status().Details.Name
}

// AnswerOf returns the API server's answer in an error, and whether there is one.
func AnswerOf(err error) (Answer, bool) {
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return Answer{}, false
	}
	s := status.Status()
	a := Answer{Code: s.Code, Reason: s.Reason, Message: s.Message}
	if d := s.Details; d != nil {
		a.Group, a.Kind = d.Group, d.Kind
		if d.Name != "" { // it stands there in quotes
			a.Message = strings.Replace(a.Message, strconv.Quote(d.Name), "", 1)
		}
	}
	return a, true
}
