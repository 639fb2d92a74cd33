package streamtest_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/runners/direct"
	"github.com/millrace/millrace/testing/streamtest"
	"github.com/millrace/millrace/transforms"
)

// wantMistakes wants p to have exactly the mistakes told, each as "line: text".
func wantMistakes(t *testing.T, p *model.Pipeline, want ...string) {
	t.Helper()
	for i := range want {
		want[i] = "mistakes_test.go:" + want[i]
	}
	got := "none"
	if err := p.Err(); err != nil {
		got = err.Error()
	}
	if want := strings.Join(want, "\n"); got != want {
		t.Errorf("\n got:\n%s\nwant:\n%s", got, want)
	}
}

// here is the line of its caller, plus n, and a text.
func here(n int, format string, args ...any) string {
	_, _, line, _ := runtime.Caller(1)
	return fmt.Sprintf("%d: ", line+n) + fmt.Sprintf(format, args...)
}

func TestMistakesInAScript(t *testing.T) {
	var p model.Pipeline
	words := streamtest.NewStream[string](&p).
		Watermark(60*second).
		Watermark(30*second).
		Watermark(model.MaxTimestamp+1).
		Add(10*second).
		Add(model.MinTimestamp-1, "a").
		Add(model.EndOfGlobalWindow, "a").
		Elapse(0).
		Elapse(-time.Second).
		Elapse(1500 * time.Nanosecond).
		End()
	transforms.Count(words) // is not told to be in the global window: the script comes first
	wantMistakes(t, &p,
		here(-11, "Stream: Watermark(00:00:30) goes back: it is at 00:01:00 already, and a watermark never falls; an element behind it is a late one, and needs no watermark of its own"),
		here(-11, "Stream: Watermark(9223372036854775001) is beyond the end of time, 9223372036854775000"),
		here(-11, "Stream: Add(00:00:10) adds nothing; give it at least one value"),
		here(-11, "Stream: Add(-9223372036854775001) is outside of time: elements lie in [-9223372036854775000, 9223371950454775000)"),
		here(-11, "Stream: Add(9223371950454775000) is outside of time: elements lie in [-9223372036854775000, 9223371950454775000)"),
		here(-11, "Stream: Elapse(0s) must be at least 1µs and whole microseconds, the resolution of a timestamp"),
		here(-11, "Stream: Elapse(-1s) must be at least 1µs and whole microseconds, the resolution of a timestamp"),
		here(-11, "Stream: Elapse(1.5µs) must be at least 1µs and whole microseconds, the resolution of a timestamp"),
	)
}

func TestStepsAfterTheEnd(t *testing.T) {
	var p model.Pipeline
	s := streamtest.NewStream[string](&p, model.Name("Words"))
	words := s.Add(0, "a").End()
	s.Add(0, "b")
	s.Watermark(0)
	s.Elapse(1)
	s.Bounded()
	again := s.End()
	wantMistakes(t, &p,
		here(-6, "Words: Add after End: the script has ended; put the step before End"),
		here(-6, "Words: Watermark after End: the script has ended; put the step before End"),
		here(-6, "Words: Elapse after End: the script has ended; put the step before End"),
		here(-6, "Words: Bounded after End: the script has ended; put the step before End"),
		here(-6, "Words: End after End: the script has ended; put the step before End"),
	)
	if again != words {
		t.Error("the second End made another stream")
	}
}

func TestNamesOfStreams(t *testing.T) {
	var p model.Pipeline
	streamtest.NewStream[string](&p, model.Name("Words")).End()
	streamtest.NewStream[string](&p).End()
	streamtest.NewStream[string](&p).End()
	var names []string
	for _, n := range p.Nodes() {
		names = append(names, n.Name)
	}
	if got := strings.Join(names, " "); got != "Words Stream Stream#2" {
		t.Errorf("streams are named %s", got)
	}
	streamtest.NewStream[string](&p, model.Name("Words")).End()
	if err := p.Err(); err == nil || !strings.Contains(err.Error(), `the name "Words" is taken`) {
		t.Errorf("two streams of one name: %v", err)
	}
}

func TestSequencesCannotBeCaptured(t *testing.T) {
	var p model.Pipeline
	payments := streamtest.NewStream[amount](&p).Bounded().Add(0, pay("ann", 1)).End()
	streamtest.Capture(transforms.GroupByKey(payments))
	wantMistakes(t, &p, here(-1, "Capture: model.KV[string,iter.Seq[int]] holds a function, which cannot be compared, or, if it is a sequence, read after the run; make data of it first: transforms.Map(groups, ...slices.Sorted(g.Value)...)"))
}

func TestFunctionsDeepInsideCannotBeCaptured(t *testing.T) {
	type tree struct {
		Left, Right *tree
		Visit       []map[string]func()
	}
	var p model.Pipeline
	streamtest.Capture(streamtest.NewStream[tree](&p).Add(0, tree{}).End())
	wantMistakes(t, &p, here(-1, "Capture: streamtest_test.tree holds a function, which cannot be compared, or, if it is a sequence, read after the run; make data of it first: transforms.Map(groups, ...slices.Sorted(g.Value)...)"))
}

func TestMistakenPipelineDoesNotRun(t *testing.T) {
	var p model.Pipeline
	words := streamtest.NewStream[string](&p).Add(0).End()
	said := failure(t, func(t testing.TB) { streamtest.WantEmpty(t, words) })
	want := "the pipeline has mistakes:\nmistakes_test.go:" + here(-2, "Stream: Add(00:00:00) adds nothing; give it at least one value") + "\n"
	if said != want {
		t.Errorf("\n got %s\nwant %s", said, want)
	}
}

func TestMistakesInAScriptOfSeveralInputs(t *testing.T) {
	var p model.Pipeline
	s := streamtest.NewScript(&p)
	s.Elapse(time.Second)
	s.Watermark(0)
	a := streamtest.Input[int](s, "a")
	b := streamtest.Input[string](s, "b")
	streamtest.Input[string](s, "a")
	streamtest.Input[string](s, "")
	a.Watermark(60 * second).
		Watermark(30 * second)
	s.Watermark(30 * second)
	s.Watermark(model.MaxTimestamp + 1)
	s.Watermark(90 * second)
	b.Watermark(80 * second)
	b.Add(0)
	s.Elapse(0)
	streamtest.Input[string](s, "c")
	b.End()
	b.Add(0, "b")
	s.End()
	wantMistakes(t, &p,
		here(-19, "Script: Elapse of a script without inputs; declare them first, with streamtest.Input"),
		here(-19, "Script: Watermark of a script without inputs; declare them first, with streamtest.Input"),
		here(-17, `a: Input("a") is declared already; give each input a name of its own`),
		here(-17, `Input: Input("") has no name; give it one, by which a failed test can call it`),
		here(-16, "a: Watermark(00:00:30) goes back: it is at 00:01:00 already, and a watermark never falls; an element behind it is a late one, and needs no watermark of its own"),
		here(-16, "Script: Watermark(00:00:30) goes back: that of a is at 00:01:00 already, and a watermark never falls; an element behind it is a late one, and needs no watermark of its own"),
		here(-16, "Script: Watermark(9223372036854775001) is beyond the end of time, 9223372036854775000"),
		here(-15, "b: Watermark(00:01:20) goes back: it is at 00:01:30 already, and a watermark never falls; an element behind it is a late one, and needs no watermark of its own"),
		here(-15, "b: Add(00:00:00) adds nothing; give it at least one value"),
		here(-15, "Script: Elapse(0s) must be at least 1µs and whole microseconds, the resolution of a timestamp"),
		here(-15, `c: Input("c") after a Watermark of all inputs, which passes it by; declare it before`),
		here(-14, "b: Add after End: the input has ended; put the step before End"),
	)
	if in := a.Collection(); in.Collection() != nil {
		t.Error("an input of a mistaken script is in the pipeline")
	}
}

func TestStepsAfterTheEndOfAScript(t *testing.T) {
	var p model.Pipeline
	s := streamtest.NewScript(&p)
	a := streamtest.Input[int](s, "a")
	b := streamtest.Input[int](s, "b")
	a.Collection()
	a.Bounded()
	a.End()
	b.End()
	s.Elapse(time.Second)
	s.Watermark(0)
	s.End()
	s.Elapse(time.Second)
	a.Elapse(time.Second)
	s.End()
	streamtest.Input[int](s, "c")
	wantMistakes(t, &p,
		here(-11, "a: Bounded after Collection: the pipeline knows the input as an unbounded one; say it before"),
		here(-9, "Script: Elapse after the End of every input; put the step before the last of them"),
		here(-9, "Script: Watermark after the End of every input; put the step before the last of them"),
		here(-8, "Script: Elapse after End: the script has ended; put the step before End"),
		here(-8, "a: Elapse after End: the script has ended; put the step before End"),
		here(-8, "Script: End after End: the script has ended; once is enough"),
		here(-8, `c: Input("c") after End: the script has ended; declare its inputs before`),
	)
}

func TestScriptWithoutInputs(t *testing.T) {
	var p model.Pipeline
	s := streamtest.NewScript(&p)
	s.End()
	wantMistakes(t, &p, here(-1, "Script: End of a script without inputs; declare them first, with streamtest.Input"))
}

func TestNameOfAnInputThatIsTaken(t *testing.T) {
	var p model.Pipeline
	transforms.Create(&p, 1).Collection()
	s := streamtest.NewScript(&p)
	streamtest.Input[int](s, "Create").Collection()
	s.End()
	wantMistakes(t, &p, here(-2, "Create: the name \"Create\" is taken by the transform at mistakes_test.go:%s; names key persisted state, so give one of them another with model.Name", strings.TrimSuffix(here(-4, ""), ": ")))
}

func TestScriptWithoutAnEnd(t *testing.T) {
	var p model.Pipeline
	s := streamtest.NewScript(&p)
	words := streamtest.Input[string](s, "words").Add(0, "a").Collection()
	want := "the script begun at mistakes_test.go:" + strings.TrimSuffix(here(-2, ""), ": ") + " was not ended; call End after its last step"
	if said := failure(t, func(t testing.TB) { streamtest.WantEmpty(t, words) }); said != want+"\n" {
		t.Errorf("\n got %s\nwant %s", said, want)
	}
	if err := direct.Run(t.Context(), &p); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("run without streamtest: %v", err)
	}
}
