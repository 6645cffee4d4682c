package plan

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestDurationIsWrittenInSeconds(t *testing.T) {
	record := Record{User: "jane", Groups: []string{"a"}, KeyHash: "k", Duration: 36 * time.Hour, Intended: time.Unix(1000, 0).UTC(), Resent: true}
	certificate := Certificate{User: "jane", Groups: []string{"a"}, Duration: 36 * time.Hour}
	for _, c := range []struct{ in, out any }{{record, &Record{}}, {certificate, &Certificate{}}} {
		data, err := json.Marshal(c.in)
		if err != nil {
			t.Fatal(err)
		}
		if s := string(data); !strings.Contains(s, `"expirationSeconds":129600`) || strings.Contains(s, `"duration"`) {
			t.Errorf("%T is written as %s", c.in, s)
		}
		if err := json.Unmarshal(data, c.out); err != nil {
			t.Fatal(err)
		}
		if got := reflect.ValueOf(c.out).Elem().Interface(); !reflect.DeepEqual(got, c.in) {
			t.Errorf("%s is read as %+v", data, got)
		}
	}
}
