package millrace_test

import (
	"errors"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/millrace/millrace"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/transforms"
	"github.com/millrace/millrace/triggers"
	"github.com/millrace/millrace/windowing"
)

var otherVersions = map[string]version{
	"first":     version1,
	"fields":    laterVersions[1],
	"stages":    laterVersions[2],
	"more":      laterVersions[3],
	"unchanged": laterVersions[0],
	"renamed": {"", 1, func(folder string, words model.PCollection[string]) {
		put(folder, transforms.CombinePerKey(hourly(words), count1, model.Name("tally")))
	}},
	"narrowed": {"", 1, func(folder string, words model.PCollection[string]) {
		put(folder, transforms.CombinePerKey(hourly(words), narrow, model.Name("count")))
	}},
	"other keys": {"", 1, func(folder string, words model.PCollection[string]) {
		lengths := transforms.Map(hourly(words), func(w word) model.KV[int, int] { return model.KVOf(w.Value, 1) })
		put(folder, transforms.CombinePerKey(lengths, count1, model.Name("count")))
	}},
	"daily": {"", 1, func(folder string, words model.PCollection[string]) {
		daily := transforms.Window(hourly(words), model.WindowingStrategy{Windows: windowing.Fixed{Size: 24 * time.Hour}})
		put(folder, transforms.CombinePerKey(daily, count1, model.Name("count")))
	}},
	"triggered": {"", 1, func(folder string, words model.PCollection[string]) {
		early := transforms.Window(hourly(words), model.WindowingStrategy{
			Windows: windowing.Fixed{Size: time.Hour}, Trigger: triggers.Repeatedly{Trigger: triggers.AfterCount{N: 9}}, Panes: model.Accumulating,
		})
		put(folder, transforms.CombinePerKey(early, count1, model.Name("count")))
	}},
	"grouped": {"", 1, func(folder string, words model.PCollection[string]) {
		put(folder, transforms.GroupByKey(hourly(words), model.Name("count")))
	}},
}

type tally3 struct{ N int16 }

type counting3 struct{}

func narrow() transforms.Combiner[int, tally3, int64] { return counting3{} }

func (counting3) New() tally3                { return tally3{} }
func (counting3) Add(a tally3, _ int) tally3 { return a }
func (counting3) Merge(a, _ tally3) tally3   { return a }
func (counting3) Result(a tally3) int64      { return int64(a.N) }

var lineNumber = regexp.MustCompile(`_test\.go:\d+`)

// What each version makes of the state that the first one left, and why those that
// cannot be run are not.
func TestPlanDiff(t *testing.T) {
	folder := fixture(t, 40_000)
	state := filepath.Join(folder, "state")
	datadriven.RunTest(t, "testdata/plandiff", func(t *testing.T, d *datadriven.TestData) string {
		v, ok := otherVersions[d.Input]
		if !ok {
			t.Fatalf("%s: there is no version %q", d.Pos, d.Input)
		}
		o := saved(folder)
		switch d.Cmd {
		case "run":
			if err := v.run(t, folder, o, 1000); !errors.Is(err, millrace.ErrStopped) {
				t.Fatal(err)
			}
			return "stopped\n"
		case "diff":
			var before []string
			if d.HasArg("unused") {
				o.StateDir = filepath.Join(folder, "nowhere")
			} else {
				before = listing(t, state)
			}
			var p model.Pipeline
			v.build(folder, transforms.Map(crashInput(&p, folder), func(w string) string { return w }, model.Name("watch")))
			diff, err := millrace.Diff(t.Context(), &p, o)
			if err != nil {
				t.Fatal(err)
			}
			out := diff.String()
			if err := diff.Err(d.HasArg("allow")); err != nil {
				out += err.Error() + "\n"
				if runErr := v.run(t, folder, o, -1); runErr == nil || runErr.Error() != "state directory "+state+": "+err.Error() {
					t.Errorf("%s: running it says %v", d.Pos, runErr)
				}
			}
			if before != nil && !slices.Equal(before, listing(t, state)) {
				t.Errorf("%s: the state has changed", d.Pos)
			}
			return lineNumber.ReplaceAllString(out, "_test.go")
		}
		t.Fatalf("%s: no command %s", d.Pos, d.Cmd)
		return ""
	})
}
