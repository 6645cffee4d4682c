package spec
import ("testing";"strings";"runtime";"time")
func TestZZ(t *testing.T){ b:=time.Now(); _,err:=loadString(t, strings.Repeat("- a\n", 4<<20-1)); var m runtime.MemStats; runtime.ReadMemStats(&m); t.Log(err, time.Since(b), m.Sys>>20)}
