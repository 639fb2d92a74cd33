package windowing_test

import (
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/windowing"
)

// TestMistakes prints what is wrong with windows. Each command is a WindowFn with
// its fields.
func TestMistakes(t *testing.T) {
	datadriven.RunTest(t, "testdata/mistakes", func(t *testing.T, d *datadriven.TestData) string {
		field := func(name string) time.Duration {
			var s string
			d.MaybeScanArgs(t, name, &s)
			if s == "" {
				return 0
			}
			v, err := time.ParseDuration(s)
			if err != nil {
				d.Fatalf(t, "%v", err)
			}
			return v
		}
		var fn model.WindowFn
		switch d.Cmd {
		case "fixed":
			fn = windowing.Fixed{Size: field("size"), Offset: field("offset")}
		case "sliding":
			fn = windowing.Sliding{Size: field("size"), Every: field("every"), Offset: field("offset")}
		case "sessions":
			fn = windowing.Sessions{Gap: field("gap")}
		case "global":
			fn = windowing.Global{}
		default:
			d.Fatalf(t, "no windows %q", d.Cmd)
		}
		if err := fn.Validate(); err != nil {
			return err.Error()
		}
		return "ok"
	})
}
