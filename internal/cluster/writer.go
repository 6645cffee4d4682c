package cluster

import (
	"context"
	"errors"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"provision/internal/plan"
)

// ErrForeign reports that an object has a name of ours and not our label.
var ErrForeign = errors.New("it is there and is not of this set: rename or remove it")

// ErrEdited reports that an object is no longer what the plan was made for.
var ErrEdited = errors.New("somebody has edited it since the plan")

// ErrAltered reports that the API server has kept another object than was sent.
var ErrAltered = errors.New("the API server has written something else than was sent: a webhook or a mutating policy changes it")

// NotGoneError reports that an object was deleted and is still there, because of finalizers.
type NotGoneError struct {
	What       string // rolebinding/x -n y
	Finalizers []string
	Grants     error // the reason for which it still grants what it did; nil: it grants nothing any more
}

// Error says it in words.
func (e *NotGoneError) Error() string {
	s := "not gone: finalizer " + strings.Join(e.Finalizers, ", ")
	if e.Grants != nil {
		return s + ", and it grants what it did: " + e.Grants.Error()
	}
	return s + "; it grants nothing any more"
}

// Unwrap returns why it still grants something.
func (e *NotGoneError) Unwrap() error { return e.Grants }

// Somebody else may edit an object of ours all the time, and each of their edits makes one of our writes a conflict.
//
// conflictTries is how often a write is made anew after a conflict, for all kinds of objects. Two requests later we have a
// new version, so a person or a controller that edits now and then costs one or two tries; only somebody who answers each
// write at once uses up twenty. A write that gives something ends there with an error.
//
// overwriteAfter is how often a write that takes something away waits its turn. Then it is written over whatever else was edited,
// and so cannot lose.
const (
	conflictTries  = 20
	overwriteAfter = 5
)

// writer writes one object of a set.
type writer[T metav1.Object] struct {
	resource[T]
	object  plan.Object
	set     string
	uid     types.UID       // of the object that the plan saw; "": it saw none
	version string          // that the plan saw
	grants  plan.Permission // to bind or escalate: what takes the place of holding all that is granted
}

// refused wraps a failure of one verb. The permission that is missing may be the verb's own, or that to grant more than
// the operator holds.
func (w writer[T]) refused(ctx context.Context, verb string, err error) error {
	need := w.may(verb)
	if escalation(err) {
		if need = w.grants; need.Verb == "escalate" && verb == "create" {
			need.Name = "" // see plan.EscalateName
		}
	}
	return w.permission(ctx, err, need, doing(verb)+" "+w.object.String())
}

// doing is a verb in words.
func doing(verb string) string {
	if verb == "get" {
		return "read"
	}
	return verb
}

// read returns the object as it is now. One that is not of the set is ErrForeign; a NotFound error stays as it came.
func (w writer[T]) read(ctx context.Context) (T, error) {
	have, err := w.get(ctx, w.object.Name)
	switch {
	case apierrors.IsNotFound(err):
		return have, err
	case err != nil:
		return have, w.refused(ctx, "get", err)
	case have.GetLabels()[plan.SetLabel] != w.set:
		return have, ErrForeign
	}
	return have, nil
}

// content compares and sets what an object grants: the rules of a role, the role and subjects of a binding.
type content[T metav1.Object] struct {
	wanted func(T) bool  // it is what is to be written
	seen   func(T) bool  // it is what the plan was made from
	set    func(T) error // makes it what is to be written
}

// put creates the object, or updates the one that the plan saw. It gives rights, so it writes
// only over what the plan was made from: somebody may have taken a right away since, and then it is ErrEdited. An update
// begins with a read, so that all that is not ours stays: labels and annotations of others, finalizers, owners. Edits of
// those at the same time are no reason to fail. An object without our label is ErrForeign, and never adopted.
func (w writer[T]) put(ctx context.Context, wanted T, is content[T]) error {
	if w.uid == "" {
		made, err := w.create(ctx, wanted)
		if err == nil {
			return altered(is.wanted(made))
		}
		if !apierrors.IsAlreadyExists(err) {
			return w.refused(ctx, "create", err)
		}
	}
	for range conflictTries {
		have, err := w.read(ctx)
		switch {
		case apierrors.IsNotFound(err):
			return fmt.Errorf("it is gone: %w", ErrEdited)
		case err != nil:
			return err
		case w.uid != "" && have.GetUID() != w.uid:
			return fmt.Errorf("it was made anew: %w", ErrEdited)
		case have.GetDeletionTimestamp() != nil:
			return fmt.Errorf("somebody has deleted it (finalizer %s): %w", strings.Join(have.GetFinalizers(), ", "), ErrEdited)
		case is.wanted(have): // the answer of an earlier try was lost, or somebody else wrote the same
			return nil
		case w.uid == "" || !is.seen(have):
			return ErrEdited
		}
		if err := is.set(have); err != nil {
			return err
		}
		written, err := w.update(ctx, have)
		if err == nil {
			return altered(is.wanted(written))
		}
		if !apierrors.IsConflict(err) && !apierrors.IsNotFound(err) {
			return w.refused(ctx, "update", err)
		}
	}
	return fmt.Errorf("update %s: somebody keeps editing it", w.object)
}

// altered is ErrAltered unless the API server has kept what was sent.
func altered(kept bool) error {
	if !kept {
		return ErrAltered
	}
	return nil
}

// take takes something out of an object of ours, whatever else somebody edits in it. drop does that to the object as it was
// read, and reports whether there was anything to take out; its error ends the attempt. have is the object as the API
// server's answer shows it then. found is false if it is gone, or could not be read as ours.
func (w writer[T]) take(ctx context.Context, drop func(T) (bool, error)) (have T, found bool, err error) {
	for try := 0; ; try++ {
		have, err = w.read(ctx)
		if apierrors.IsNotFound(err) {
			return have, false, nil
		}
		if err != nil {
			return have, false, err
		}
		if have.GetUID() != w.uid {
			return have, false, fmt.Errorf("it was made anew: %w", ErrEdited)
		}
		if there, err := drop(have); err != nil || !there {
			return have, true, err
		}
		if try >= overwriteAfter { // it is written even if somebody has edited it since, and only its UID is compared
			have.SetResourceVersion("")
		}
		written, err := w.update(ctx, have)
		switch {
		case err == nil:
			if still, _ := drop(written); still && len(w.dryRun) == 0 {
				return written, true, ErrAltered
			}
			return written, true, nil
		case apierrors.IsConflict(err) && try < conflictTries, apierrors.IsNotFound(err):
			continue
		}
		return have, true, w.refused(ctx, "update", err)
	}
}

// end deletes an object of ours. With plain, which is for one that had no finalizer and was not being deleted, it tries to
// delete the version that the plan saw: that is gone at once, and the answer shows it. Otherwise, and where that fails, it
// first takes out what the object grants, as drop of take does: somebody may hold the object with a finalizer, or edit it all
// the time, and an object that is being deleted still grants. The error is nil only when the object is gone; one that a
// finalizer holds is a NotGoneError.
func (w writer[T]) end(ctx context.Context, plain bool, drop func(T) (bool, error)) error {
	remove := func(version string) error {
		err := w.delete(ctx, w.object.Name, metav1.Preconditions{UID: &w.uid, ResourceVersion: &version})
		if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
			return w.refused(ctx, "delete", err)
		}
		return err
	}
	if plain {
		if err := remove(w.version); err == nil || apierrors.IsNotFound(err) {
			return nil
		} else if ctx.Err() != nil {
			return err
		}
	}
	for range conflictTries {
		have, found, dropped := w.take(ctx, drop)
		if dropped != nil && (errors.Is(dropped, ErrForeign) || errors.Is(dropped, ErrEdited) || ctx.Err() != nil) {
			return dropped
		}
		if dropped == nil && !found {
			return nil
		}
		if !found { // it could not even be read
			return dropped
		}
		held := have.GetFinalizers()
		if have.GetDeletionTimestamp() == nil {
			err := remove(have.GetResourceVersion())
			switch {
			case apierrors.IsNotFound(err), err == nil && (len(held) == 0 || len(w.dryRun) > 0):
				return nil
			case apierrors.IsConflict(err):
				continue
			case err != nil && dropped == nil:
				return fmt.Errorf("it grants nothing any more, but is still there: %w", err)
			case err != nil:
				return err
			}
		}
		if len(held) == 0 {
			continue // it ends in this moment
		}
		if now, err := w.read(ctx); apierrors.IsNotFound(err) || err == nil && now.GetUID() != w.uid {
			return nil
		}
		return &NotGoneError{w.object.String(), held, dropped}
	}
	return fmt.Errorf("it grants nothing any more, but is still there: delete %s: somebody keeps editing it", w.object)
}
