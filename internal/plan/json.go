package plan

import (
	"encoding/json"
	"fmt"
	"math"
	"time"
)

// How a plan is written for programs. A duration is written as Kubernetes writes it: expirationSeconds, not Go's
// nanoseconds.

type plainCertificate Certificate

type certificateJSON struct {
	plainCertificate
	Duration          *time.Duration `json:"duration,omitempty"` // hides the plain one
	ExpirationSeconds int64          `json:"expirationSeconds"`
}

// MarshalJSON writes the duration as expirationSeconds.
func (c Certificate) MarshalJSON() ([]byte, error) {
	if c.Groups == nil {
		c.Groups = []string{} // a list is never null
	}
	return json.Marshal(certificateJSON{plainCertificate: plainCertificate(c), ExpirationSeconds: int64(c.Duration / time.Second)})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (c *Certificate) UnmarshalJSON(data []byte) error {
	var j certificateJSON
	if err := json.Unmarshal(data, &j); err != nil {
		return err
	}
	*c = Certificate(j.plainCertificate)
	c.Duration = time.Duration(j.ExpirationSeconds) * time.Second
	return nil
}

type plainRecord Record

type recordJSON struct {
	plainRecord
	Duration          *time.Duration `json:"duration,omitempty"` // hides the plain one
	ExpirationSeconds int64          `json:"expirationSeconds"`
}

// MarshalJSON writes the duration as expirationSeconds.
func (r Record) MarshalJSON() ([]byte, error) {
	return json.Marshal(recordJSON{plainRecord: plainRecord(r), ExpirationSeconds: int64(r.Duration / time.Second)})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (r *Record) UnmarshalJSON(data []byte) error {
	var j recordJSON
	if err := json.Unmarshal(data, &j); err != nil {
		return err
	}
	if j.ExpirationSeconds < 0 || j.ExpirationSeconds > math.MaxInt32 { // as the API has it
		return fmt.Errorf("expirationSeconds %d", j.ExpirationSeconds)
	}
	*r = Record(j.plainRecord)
	r.Duration = time.Duration(j.ExpirationSeconds) * time.Second
	return nil
}
