// Package readtest reads sources in tests of connectors, as a runner would: in
// splits, some elements at a time, interrupted and resumed. It knows sources only
// by their interface.
package readtest

import (
	"context"
	"flag"
	"testing"

	"pgregory.net/rapid"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/source"
)

// A TB is what testing.TB and rapid.T have in common that is needed here.
type TB interface {
	Helper()
	Fatalf(format string, args ...any)
}

var _ TB = testing.TB(nil)

// All reads all of src, in some hint splits.
func All[T any](t TB, src source.Source[T], hint int) []T {
	t.Helper()
	all, err := Try(src, hint)
	if err != nil {
		t.Fatalf("after %d elements: %v", len(all), err)
	}
	return all
}

// Try is All for sources that may fail; it returns what came before the failure.
func Try[T any](src source.Source[T], hint int) (all []T, err error) {
	ctx := context.Background()
	splits, err := src.Splits(ctx, hint)
	if err != nil {
		return nil, err
	}
	for _, split := range splits {
		r, err := src.Open(ctx, split)
		if err != nil {
			return all, err
		}
		for done := false; !done; {
			status, err := r.Read(ctx, 100, func(v *T, _ model.Timestamp) { all = append(all, *v) })
			if err != nil {
				r.Close()
				return all, err
			}
			done = status.Done
		}
		if err := r.Close(); err != nil {
			return all, err
		}
	}
	return all, nil
}

// SlowCheck is rapid.Check for properties that wait for the disk: a fifth of the
// cases, unless the flag says how many.
func SlowCheck(t *testing.T, property func(*rapid.T)) {
	t.Helper()
	checks := flag.Lookup("rapid.checks")
	if checks != nil && checks.Value.String() == checks.DefValue {
		checks.Value.Set("20")
		defer checks.Value.Set(checks.DefValue)
	}
	rapid.Check(t, property)
}

// Interrupted reads all of src, in a drawn number of splits and with drawn
// numbers of elements at a time, and goes on with a new reader at drawn points.
func Interrupted[T any](t *rapid.T, src source.Source[T]) (all []T) {
	t.Helper()
	ctx := context.Background()
	splits, err := src.Splits(ctx, rapid.IntRange(1, 9).Draw(t, "hint"))
	if err != nil {
		t.Fatalf("splits: %v", err)
	}
	ids := map[string]bool{}
	for _, split := range splits {
		if ids[split.ID] {
			t.Fatalf("two splits have the id %q", split.ID)
		}
		ids[split.ID] = true
		r, err := src.Open(ctx, split)
		for done := false; !done && err == nil; {
			var status source.Status
			status, err = r.Read(ctx, rapid.IntRange(0, 4).Draw(t, "max"), func(v *T, _ model.Timestamp) { all = append(all, *v) })
			done = status.Done
			if err == nil && rapid.Bool().Draw(t, "interrupt") {
				at := r.Position()
				if at.ID != split.ID {
					t.Fatalf("split %q became %q", split.ID, at.ID)
				}
				r.Close()
				r, err = src.Open(ctx, at)
				done = false
			}
		}
		if err != nil {
			t.Fatalf("after %d elements: %v", len(all), err)
		}
		if p := r.Progress(); p.Done != p.Total || r.Position().Size != 0 {
			t.Fatalf("split %q has ended, and its progress is %+v and its size %d", split.ID, p, r.Position().Size)
		}
		r.Close()
	}
	return all
}
