package commandline

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"provision/internal/format"
	"provision/internal/usersfile"
)

// Types read what flags of these types (type:"...") hold.
func Types() []kong.Option {
	return []kong.Option{
		kong.NamedMapper("time", flagType(readTime)),
		kong.NamedMapper("path", flagType(readPath)),
		kong.NamedMapper("format", kong.MapperFunc(readFormat)),
	}
}

// readFormat reads a form of output: one of those that the flag's tag formats lists, or a template.
func readFormat(ctx *kong.DecodeContext, target reflect.Value) error {
	var text string
	if err := ctx.Scan.PopValueInto("value", &text); err != nil {
		return err
	}
	if err := format.Check(text, strings.Split(ctx.Value.Tag.Get("formats"), ",")); err != nil {
		return err
	}
	target.SetString(text)
	return nil
}

func flagType[T any](read func(string) (T, error)) kong.MapperFunc {
	return func(ctx *kong.DecodeContext, target reflect.Value) error {
		var text string
		if err := ctx.Scan.PopValueInto("value", &text); err != nil {
			return err
		}
		value, err := read(text)
		if err == nil {
			target.Set(reflect.ValueOf(value))
		}
		return err
	}
}

// readTime reads a duration as in the users file, or in bare seconds, as kubectl takes them. 0 is allowed.
func readTime(text string) (time.Duration, error) {
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second, nil
	}
	if text == "0s" {
		return 0, nil
	}
	d, err := usersfile.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("%q %w", text, err)
	}
	return d, nil
}

// readPath reads a path. An empty one is a variable that was not set, and none begins with = but by mistake.
func readPath(text string) (string, error) {
	switch {
	case text == "":
		return "", errors.New("must not be empty")
	case strings.HasPrefix(text, "="):
		return "", fmt.Errorf("%s begins with =: if that is its name, write ./%s", text, text)
	}
	return text, nil
}
