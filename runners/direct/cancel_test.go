package direct_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/source"
	"github.com/millrace/millrace/runners/direct"
	"github.com/millrace/millrace/transforms"
)

// aWhile is longer than any test is ready to wait; only the fake time of a
// synctest bubble gets that far.
const aWhile = time.Hour

// In a synctest bubble a goroutine that outlives the test fails it.

func TestCancellationEndsARunThatIsBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		src := &numbers{n: 1 << 40, onRead: func(_ context.Context, next int) (*source.Status, error) {
			if next > 100_000 {
				cancel()
			}
			return nil, nil
		}}
		var p model.Pipeline
		out := &ledger{}
		transforms.Write(src.read(&p), out)
		_, err := direct.Runner{Parallelism: 2}.Run(ctx, &p)
		if err != context.Canceled {
			t.Errorf("the run returned %v, want context.Canceled", err)
		}
		if err := out.left(); err != nil {
			t.Error("after a cancelled run", err)
		}
		if src.opened.Load() != src.closed.Load() {
			t.Errorf("%d readers were opened and %d closed", src.opened.Load(), src.closed.Load())
		}
	})
}

func TestCancellationEndsARunThatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		why := errors.New("the operator pulled the plug")
		ctx, cancel := context.WithCancelCause(context.Background())
		src := &numbers{n: 10, unbounded: true}
		var p model.Pipeline
		out := &ledger{}
		transforms.Write(src.read(&p), out)
		go func() {
			synctest.Wait() // until the source is idle and nothing is left to do
			cancel(why)
		}()
		begun := time.Now()
		_, err := direct.Runner{Parallelism: 2}.Run(ctx, &p)
		if !errors.Is(err, why) {
			t.Errorf("the run returned %v, want the cause", err)
		}
		if waited := time.Since(begun); waited != 0 {
			t.Errorf("the run ended %v after it was called off", waited)
		}
		if err := out.left(); err != nil {
			t.Error("after a cancelled run", err)
		}
	})
}

// A source that is called off in the middle of a Read has an error of its own to
// tell. What counts is why it was called off.
func TestCancellationIsToldByItsCause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		why := errors.New("the operator pulled the plug")
		ctx, cancel := context.WithCancelCause(context.Background())
		src := &numbers{n: 10, onRead: func(ctx context.Context, _ int) (*source.Status, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}}
		var p model.Pipeline
		transforms.Write(src.read(&p), &ledger{})
		go func() {
			synctest.Wait()
			cancel(why)
		}()
		if err := direct.Run(ctx, &p); !errors.Is(err, why) {
			t.Errorf("the run returned %v, want the cause", err)
		}
	})
}

func TestARunThatIsCancelledBeforehandDoesNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	src := &numbers{n: 10, onRead: func(context.Context, int) (*source.Status, error) {
		t.Error("the source is read")
		return nil, nil
	}}
	var p model.Pipeline
	out := &ledger{}
	transforms.Write(src.read(&p), out)
	if err := direct.Run(ctx, &p); err != context.Canceled {
		t.Errorf("the run returned %v, want context.Canceled", err)
	}
	if len(out.open) > 0 {
		t.Error("the sink was opened")
	}
}

// cancelling calls a run off while its splits are listed.
type cancelling struct {
	*numbers
	cancel func()
}

func (c cancelling) Splits(ctx context.Context, hint int) ([]source.Split, error) {
	c.cancel()
	return c.numbers.Splits(ctx, hint)
}

func TestARunThatIsCancelledWhileItIsBuiltIsNotStarted(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	src := cancelling{&numbers{n: 10, onRead: func(context.Context, int) (*source.Status, error) {
		t.Error("the source is read")
		return nil, nil
	}}, cancel}
	var p model.Pipeline
	out := &ledger{}
	transforms.Write(transforms.Read(&p, src), out)
	if err := direct.Run(ctx, &p); err != context.Canceled {
		t.Errorf("the run returned %v, want context.Canceled", err)
	}
	if err := out.left(); err != nil {
		t.Error("after a cancelled run", err)
	}
}
