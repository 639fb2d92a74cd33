package simulate_test

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/testing/simulate"
	"github.com/millrace/millrace/transforms"
)

// A recorder is a test that may fail.
type recorder struct {
	testing.TB
	text string
}

var errFailed = errors.New("failed")

func (r *recorder) Helper()                   {}
func (r *recorder) Logf(string, ...any)       {}
func (r *recorder) Fatal(args ...any)         { r.text = fmt.Sprint(args...); panic(errFailed) }
func (r *recorder) Fatalf(f string, a ...any) { r.text = fmt.Sprintf(f, a...); panic(errFailed) }

// failure is how a Run fails.
func failure(t *testing.T, build func(*model.Pipeline), opts ...simulate.Option) string {
	t.Helper()
	r := &recorder{TB: t}
	func() {
		defer func() {
			if err := recover(); err != nil && err != errFailed {
				panic(err)
			}
		}()
		simulate.Run(r, build, opts...)
	}()
	if r.text == "" {
		t.Error("it has not failed")
	}
	return r.text
}

// forgetful is a pipeline that remembers words outside of its cells: those of a process
// that died are forgotten, and come again; those of a run that failed are not, and are
// lost when they are read again.
func forgetful(p *model.Pipeline) {
	seen := map[string]bool{}
	first := transforms.Filter(transforms.Reshuffle(words(p, 40)), func(w string) bool {
		was := seen[w]
		seen[w] = true
		return !was
	})
	simulate.Output(transforms.Map(first, func(w string) string { return w }), simulate.Reduce(valuesOf))
}

func valuesOf(results []simulate.Result[string]) (lines []string) {
	for _, r := range results {
		lines = append(lines, r.Value)
	}
	return lines
}

var replayed = regexp.MustCompile(`simulate\.Replay\("([^"]*)"\)`)

var wrong = regexp.MustCompile(`Output: (lost|too many): w`)

func TestStateOutsideOfCellsIsFoundAndReplayed(t *testing.T) {
	text := failure(t, forgetful)
	m := replayed.FindStringSubmatch(text)
	if m == nil || !wrong.MatchString(text) {
		t.Fatalf("it says\n%s", text)
	}
	events := strings.Split(m[1], "; ")
	if len(events) > 6 {
		t.Errorf("the schedule has %d events: %s", len(events), m[1])
	}
	for i := range events { // which are all it takes
		simulate.Run(t, forgetful, simulate.Replay(strings.Join(slices.Delete(slices.Clone(events), i, i+1), "; ")))
	}
	again := failure(t, forgetful, simulate.Replay(m[1]))
	if !wrong.MatchString(again) {
		t.Errorf("the replay says\n%s", again)
	}
}

func TestAReplayIsTheSameEachTime(t *testing.T) {
	const schedule = "0@0 setup 3 17; 0@9 checkpoint 5; 0@3 shuffle 30 4; 0@20 clock -5000; 0@45 disk-crash 50 7; 1@4 checkpoint; 1@30 kill"
	first := failure(t, forgetful, simulate.Replay(schedule))
	for range 20 {
		if again := failure(t, forgetful, simulate.Replay(schedule)); again != first {
			t.Fatalf("first\n%s\nand then\n%s", first, again)
		}
	}
}

func TestMistakesAreSaid(t *testing.T) {
	for _, c := range []struct {
		want  string
		build func(*model.Pipeline)
		opt   simulate.Option
	}{
		{"has no simulate.Output", func(p *model.Pipeline) { words(p, 3) }, simulate.Seeds(1)},
		{"the undisturbed run failed", func(p *model.Pipeline) {
			transforms.Map(words(p, 3), (func(string) string)(nil))
		}, simulate.Seeds(1)},
		{"needs to encode its elements", func(p *model.Pipeline) {
			simulate.Output(transforms.Map(words(p, 3), func(string) func() { return nil }))
		}, simulate.Seeds(1)},
		{`is not of the form "life@at kind a b"`, func(p *model.Pipeline) { simulate.Output(words(p, 3)) }, simulate.Replay("0@1 earthquake")},
	} {
		if text := failure(t, c.build, c.opt); !strings.Contains(text, c.want) {
			t.Errorf("it says %q and not %q", text, c.want)
		}
	}
}

// User code is called again for what was read since the last checkpoint, and for that
// alone.
func TestProcessesGoOnFromTheirCheckpoints(t *testing.T) {
	var calls atomic.Int64
	build := func(p *model.Pipeline) {
		simulate.Output(transforms.Map(words(p, 40), func(w string) string { calls.Add(1); return w }))
	}
	simulate.Run(t, build, simulate.Replay("0@1000000 stop"))
	simulate.Run(t, build, simulate.Replay("0@2 checkpoint; 0@9 kill"))
	if n := calls.Load(); n <= 160 || n >= 240 {
		t.Errorf("the function was called %d times; 160 times had nothing happened, and 240 had all begun anew", n)
	}
}
