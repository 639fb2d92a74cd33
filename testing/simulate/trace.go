package simulate

import (
	"log/slog"
	"testing"
)

// A trace tells in a test's output what happens in a replay. The nil trace tells nothing.
type trace struct{ t testing.TB }

var quiet = slog.New(slog.DiscardHandler)

// logger is what runs log to.
func (t *trace) logger() *slog.Logger {
	if t == nil {
		return quiet
	}
	return slog.New(slog.NewTextHandler(t.t.Output(), &slog.HandlerOptions{ReplaceAttr: untimed}))
}

// untimed leaves out the time, which is not that of the simulation.
func untimed(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}

func (t *trace) life(n int) {
	if t != nil {
		t.t.Logf("process %d begins", n)
	}
}

func (t *trace) upgraded() {
	if t != nil {
		t.t.Log("it is of the later version")
	}
}

func (t *trace) ended(err error) {
	if t != nil {
		t.t.Logf("it ends: %v", err)
	}
}

func (t *trace) step(n int, what string) {
	if t != nil {
		t.t.Logf("step %d: %s", n, what)
	}
}

func (t *trace) disk(n int, what, path string) {
	if t != nil {
		t.t.Logf("operation %d: %s %s", n, what, path)
	}
}
