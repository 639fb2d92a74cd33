package transforms_test

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/testing/streamtest"
	"github.com/millrace/millrace/transforms"
	"github.com/millrace/millrace/windowing"
)

// Where elements stand in time, before and behind each kind of transform. Times
// are told in seconds.

func between(from, to model.Timestamp) model.Window {
	return model.Window{Start: from * second, End: to * second}
}

// windowed is c in windows, whose late elements make late panes for a minute.
func windowed[T any](c model.PCollection[T], fn model.WindowFn) model.PCollection[T] {
	return transforms.Window(c, model.WindowingStrategy{Windows: fn, Lateness: time.Minute, Panes: model.Discarding})
}

var (
	minutes  = windowing.Fixed{Size: time.Minute}
	sliding  = windowing.Sliding{Size: time.Minute, Every: 30 * time.Second}
	sessions = windowing.Sessions{Gap: time.Minute}
)

// placed tells where each element of c stands.
func placed[T any](c model.PCollection[T]) model.PCollection[string] {
	return transforms.Do(c, transforms.DoFunc[T, string](func(_ context.Context, e transforms.Element[T], out transforms.Output[string]) error {
		out.Emit(fmt.Sprintf("%v at %d in %s, %v", e.Value, e.Timestamp/second, seconds(e.Window), e.Pane))
		return nil
	}))
}

func seconds(w model.Window) string {
	if w == model.GlobalWindow {
		return "global"
	}
	return fmt.Sprintf("%d-%d", w.Start/second, w.End/second)
}

// passOn is a Do's function that emits what it is given.
func passOn[T any](_ context.Context, e transforms.Element[T], out transforms.Output[T]) error {
	out.Emit(e.Value)
	return nil
}

// gathered is c's values by key, in order.
func gathered(c model.PCollection[model.KV[string, int]]) model.PCollection[string] {
	return transforms.Map(transforms.GroupByKey(c), inOrder)
}

func inOrder(g model.KV[string, iter.Seq[int]]) string {
	return fmt.Sprint(g.Key, slices.Sorted(g.Value))
}

func of(key string, values ...int) []model.KV[string, int] {
	var out []model.KV[string, int]
	for _, v := range values {
		out = append(out, model.KVOf(key, v))
	}
	return out
}

func TestElementOfASourceIsInTheGlobalWindowAndOfNoPane(t *testing.T) {
	var p model.Pipeline
	numbers := streamtest.NewStream[int](&p).Add(10*second, 1).End()
	streamtest.Want(t, placed(numbers), "1 at 10 in global, unknown #0 last")
}

func TestDoSeesTheWindowThatFollowsFromTheTimestamp(t *testing.T) {
	var p model.Pipeline
	numbers := streamtest.NewStream[int](&p).Add(10*second, 1).Add(70*second, 2).End()
	streamtest.Want(t, placed(windowed(numbers, minutes)),
		"1 at 10 in 0-60, unknown #0 last",
		"2 at 70 in 60-120, unknown #0 last")
}

func TestDoProcessesAnElementOnceInEachOfItsWindows(t *testing.T) {
	var p model.Pipeline
	numbers := streamtest.NewStream[int](&p).Add(40*second, 1).End()
	streamtest.Want(t, placed(windowed(numbers, sliding)),
		"1 at 40 in 0-60, unknown #0 last",
		"1 at 40 in 30-90, unknown #0 last")
}

func TestMapProcessesAnElementOnceWhateverItsWindows(t *testing.T) {
	var p model.Pipeline
	calls := 0
	numbers := streamtest.NewStream[int](&p).Add(40*second, 1).End()
	transforms.Map(windowed(numbers, sliding), func(n int) int { calls++; return n })
	if err := run(&p, 1); err != nil {
		t.Fatal(err)
	}
	if calls != 1 {
		t.Errorf("called %d times, want once", calls)
	}
}

func TestDoBehindAGroupingSeesItsWindowsAndPanes(t *testing.T) {
	var p model.Pipeline
	numbers := streamtest.NewStream[model.KV[string, int]](&p).
		Add(10*second, of("a", 1, 2)...).
		Watermark(60*second).
		Add(20*second, of("a", 3)...).
		Watermark(180*second).
		Add(30*second, of("a", 4)...). // dropped
		End()
	streamtest.Want(t, placed(gathered(windowed(numbers, minutes))),
		"a[1 2] at 59 in 0-60, on-time #0",
		"a[3] at 59 in 0-60, late #1")
}

func TestElementsKeepTheirPlaceOnTheWay(t *testing.T) {
	var p model.Pipeline
	numbers := windowed(streamtest.NewStream[int](&p).Add(10*second, 7).End(), minutes)
	same := func(n int) int { return n }
	first, _ := transforms.Do2(numbers, func(_ context.Context, e transforms.Element[int], a, b transforms.Output[int]) error {
		a.Emit(e.Value)
		return nil
	})
	all := transforms.Flatten(
		transforms.Map(numbers, same),
		transforms.Filter(numbers, func(int) bool { return true }),
		transforms.FlatMap(numbers, func(n int) iter.Seq[int] { return slices.Values([]int{n}) }),
		transforms.Partition(numbers, 1, func(int) int { return 0 })[0],
		transforms.Reshuffle(numbers),
		transforms.Values(transforms.KeyBy(numbers, same)),
		first)
	streamtest.Want(t, placed(all), slices.Repeat([]string{"7 at 10 in 0-60, unknown #0 last"}, 7)...)
}

func TestWithTimestampsBeforeWindowChoosesTheWindow(t *testing.T) {
	var p model.Pipeline
	numbers := transforms.WithTimestamps(transforms.Create(&p, 10, 70), secondsSinceEpoch)
	streamtest.Want(t, placed(windowed(numbers, minutes)),
		"10 at 10 in 0-60, unknown #0 last",
		"70 at 70 in 60-120, unknown #0 last")
}

func TestWithTimestampsBehindWindowKeepsTheWindow(t *testing.T) {
	var p model.Pipeline
	numbers := windowed(streamtest.NewStream[int](&p).Add(10*second, 20, 70).End(), minutes)
	streamtest.Want(t, placed(transforms.WithTimestamps(numbers, secondsSinceEpoch)),
		"20 at 20 in 0-60, unknown #0 last",
		"70 at 70 in 0-60, unknown #0 last")
}

func secondsSinceEpoch(n int) time.Time { return time.Unix(int64(n), 0) }

// emitting emits each element with the timestamp that at gives.
func emitting(c model.PCollection[string], at func(model.Timestamp) model.Timestamp) model.PCollection[string] {
	return transforms.Do(c, transforms.DoFunc[string, string](func(_ context.Context, e transforms.Element[string], out transforms.Output[string]) error {
		out.EmitAt(at(e.Timestamp), strings.ToUpper(e.Value))
		return nil
	}))
}

func TestEmitAtMovesTheTimestampAndKeepsTheWindow(t *testing.T) {
	for _, tt := range []struct {
		by   model.Timestamp
		want string
	}{
		{0, "A at 10 in 0-60, unknown #0 last"},
		{20, "A at 30 in 0-60, unknown #0 last"},
		{100, "A at 110 in 0-60, unknown #0 last"},
	} {
		var p model.Pipeline
		words := streamtest.NewStream[string](&p).Add(10*second, "a").End()
		moved := emitting(windowed(words, minutes), func(at model.Timestamp) model.Timestamp { return at + tt.by*second })
		streamtest.Want(t, placed(moved), tt.want)
	}
}

func TestEmitAtAnEarlierTimeFails(t *testing.T) {
	var p model.Pipeline
	words := streamtest.NewStream[string](&p).Add(10*second, "a").End()
	emitting(windowed(words, minutes), func(at model.Timestamp) model.Timestamp { return at - second })
	wantFailure(t, &p, `Do: EmitAt(1970-01-01T00:00:09Z) is before the element's own timestamp, 1970-01-01T00:00:10Z: what is emitted may not be earlier, since the watermark may have passed
  element: a
  timestamp: 1970-01-01T00:00:10Z
  window: [1970-01-01T00:00:00Z, 1970-01-01T00:01:00Z)`)
}

func TestPartitionOutOfRangeFails(t *testing.T) {
	for _, part := range []int{-1, 2} {
		var p model.Pipeline
		transforms.Partition(transforms.Create(&p, "a"), 2, func(string) int { return part })
		wantFailure(t, &p, fmt.Sprintf(`Partition: the function chose part %d of 2
  element: a
  timestamp: -inf
  window: global`, part))
	}
}

// wantFailure runs p and wants this error, less the line that it begins with.
func wantFailure(t *testing.T, p *model.Pipeline, want string) {
	t.Helper()
	err := run(p, 1)
	if err == nil {
		t.Fatal("the run succeeded")
	}
	if _, got, _ := strings.Cut(err.Error(), ": "); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestPartitionSendsEachElementOneWay(t *testing.T) {
	var p model.Pipeline
	parts := transforms.Partition(transforms.Create(&p, 1, 2, 3, 4, 5, 6), 3, func(n int) int { return n % 3 })
	captured := make([]*streamtest.Captured[int], len(parts))
	for i, part := range parts {
		captured[i] = streamtest.Capture(part)
	}
	streamtest.Run(t, &p)
	captured[0].Want(t, 3, 6)
	captured[1].Want(t, 1, 4)
	captured[2].Want(t, 2, 5)
}
