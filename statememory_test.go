package millrace_test

import (
	"flag"
	"io"
	"testing"

	"github.com/millrace/millrace"
)

func TestStateMemoryIsANumberOfBytes(t *testing.T) {
	for s, want := range map[string]int64{
		"4096": 4096, "16KB": 16 << 10, "256MB": 256 << 20, "2GB": 2 << 30, "1TB": 1 << 40,
		"": 0, "MB": 0, "0": 0, "-1GB": 0, "1.5GB": 0, "12 MB": 0, "9999999999999GB": 0,
	} {
		var o millrace.Options
		fs := flag.NewFlagSet("", flag.ContinueOnError)
		fs.SetOutput(io.Discard)
		o.AddFlags(fs)
		if err := fs.Parse([]string{"-state-memory", s}); (err == nil) != (want > 0) || o.StateMemory != want {
			t.Errorf("%q is %d bytes, %v; want %d", s, o.StateMemory, err, want)
		}
	}
}
