package transforms_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/runners/direct"
	"github.com/millrace/millrace/testing/streamtest"
	"github.com/millrace/millrace/transforms"
	"github.com/millrace/millrace/windowing"
)

func ExampleTryMapWithDeadLetters() {
	var p model.Pipeline
	lines := transforms.Create(&p, "1", "two", "3")
	numbers, bad := transforms.TryMapWithDeadLetters(lines, 1, func(_ context.Context, line string) (int, error) {
		return strconv.Atoi(line)
	})
	total := transforms.CombineGlobally(numbers, transforms.Sum)
	transforms.ForEach(bad, func(_ context.Context, e transforms.Element[transforms.DeadLetter[string]]) error {
		fmt.Printf("%q: %s\n", e.Value.Element, e.Value.Cause)
		return nil
	})
	transforms.ForEach(total, func(_ context.Context, e transforms.Element[int]) error {
		fmt.Println(e.Value)
		return nil
	})
	if err := direct.Run(context.Background(), &p); err != nil {
		fmt.Println(err)
	}
	// Unordered output:
	// "two": strconv.Atoi: parsing "two": invalid syntax
	// 4
}

// An element is tried so often, and a panic is a failure like others. The dead letters
// are in their elements' windows.
func TestElementsThatFailBecomeDeadLetters(t *testing.T) {
	minute := func(i int) model.Window {
		at := model.TimestampOf(time.Unix(int64(60*i), 0))
		return model.Window{Start: at, End: at.Add(time.Minute)}
	}
	tries := map[string]int{}
	try := func(_ context.Context, s string) (string, error) {
		tries[s]++
		switch {
		case s == "panics":
			panic("of " + s)
		case s == "fails", s == "fails twice" && tries[s] <= 2:
			return "", fmt.Errorf("attempt %d", tries[s])
		}
		return strings.ToUpper(s), nil
	}
	var p model.Pipeline
	in := streamtest.NewStream[string](&p).
		Add(minute(0).Start, "fine").
		Add(minute(0).Start, "fails").
		Add(minute(1).Start, "fails twice").
		Add(minute(1).Start, "panics").
		End()
	windowed := transforms.Window(in, model.WindowingStrategy{Windows: windowing.Fixed{Size: time.Minute}})
	good, bad := transforms.TryMapWithDeadLetters(windowed, 3, try)
	goods := streamtest.Capture(transforms.Count(good))
	bads := streamtest.Capture(transforms.Count(bad))
	streamtest.Run(t, &p)
	count := model.KVOf[string, int64]
	letter := model.KVOf[transforms.DeadLetter[string], int64]
	goods.WantPanes(t,
		streamtest.OnTime(minute(0), count("FINE", 1)),
		streamtest.OnTime(minute(1), count("FAILS TWICE", 1)))
	bads.WantPanes(t,
		streamtest.OnTime(minute(0), letter(transforms.DeadLetter[string]{Element: "fails", Cause: "attempt 3", Attempts: 3}, 1)),
		streamtest.OnTime(minute(1), letter(transforms.DeadLetter[string]{Element: "panics", Cause: "panic: of panics", Attempts: 3}, 1)))
	for s, want := range map[string]int{"fine": 1, "fails": 3, "fails twice": 3, "panics": 3} {
		if tries[s] != want {
			t.Errorf("%q was tried %d times, want %d", s, tries[s], want)
		}
	}
}

// What fails because the run is called off is no dead letter, nor is it tried again.
func TestARunThatIsCalledOffMakesNoDeadLetters(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var tries, dead atomic.Int64
	var p model.Pipeline
	_, bad := transforms.TryMapWithDeadLetters(transforms.Create(&p, 1, 2, 3), 5, func(ctx context.Context, v int) (int, error) {
		tries.Add(1)
		cancel()
		<-ctx.Done()
		return 0, ctx.Err()
	})
	transforms.ForEach(bad, func(context.Context, transforms.Element[transforms.DeadLetter[int]]) error {
		dead.Add(1)
		return nil
	})
	_, err := direct.Runner{Parallelism: 1}.Run(ctx, &p)
	if !errors.Is(err, context.Canceled) || tries.Load() != 1 || dead.Load() != 0 {
		t.Errorf("after %d attempts there were %d dead letters, and the run returned %v", tries.Load(), dead.Load(), err)
	}
}

func TestMistakesOfDeadLetters(t *testing.T) {
	var p model.Pipeline
	transforms.TryMapWithDeadLetters[int, int](transforms.Create(&p, 1), 0, nil)
	err := p.Err()
	if err == nil || !strings.Contains(err.Error(), "the function is nil") || !strings.Contains(err.Error(), "0 attempts; there must be at least 1") {
		t.Errorf("the pipeline's mistakes are %v", err)
	}
}
