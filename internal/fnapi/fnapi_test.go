package fnapi_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/millrace/millrace/internal/fnapi"
	"github.com/millrace/millrace/testing/fnengine"
)

// A process is what a test's stages do with a bundle.
type process func(b *fnapi.Bundle) error

func (p process) Process(b *fnapi.Bundle) error { return p(b) }
func (process) Close() error                    { return nil }

// A handler finds stages by the ids of their descriptors.
type handler map[string]process

func (h handler) Compile(d *fnapi.Descriptor) (fnapi.Processor, error) {
	p := h[d.Proto.GetId()]
	if p == nil {
		return nil, fmt.Errorf("there is no stage %s", d.Proto.GetId())
	}
	return p, nil
}

// copies sends on what it gets.
func copies(b *fnapi.Bundle) error {
	for {
		in, err := b.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := b.Output(fnengine.Out).Write(in.Time, in.Value); err != nil {
			return err
		}
	}
}

// A fixture is an engine with one worker.
type fixture struct {
	*testing.T
	engine *fnengine.Engine
	worker *fnengine.Worker
	ended  chan error
	stop   context.CancelFunc
}

func start(t *testing.T, h fnapi.Handler, change func(*fnapi.Options)) *fixture {
	f := &fixture{T: t, engine: fnengine.New(), ended: make(chan error, 1)}
	o := fnapi.Options{ID: "w1", Control: fnengine.Address, Handler: h, Dial: f.engine.Dial}
	if change != nil {
		change(&o)
	}
	ctx, stop := context.WithCancel(t.Context())
	f.stop = stop
	go func() { f.ended <- fnapi.Run(ctx, o) }()
	f.worker = f.engine.Worker(o.ID)
	t.Cleanup(func() {
		stop()
		if err := <-f.ended; err != nil {
			t.Errorf("the worker ended: %v", err)
		}
		f.engine.Close()
		for _, v := range f.engine.Violations() {
			t.Errorf("violation of the protocol: %s", v)
		}
	})
	return f
}

// do is for errors that only a broken test has.
func (f *fixture) do(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

func (f *fixture) same(what string, got, want any) {
	f.Helper()
	if d := cmp.Diff(want, got); d != "" {
		f.Errorf("%s (-want +got):\n%s", what, d)
	}
}

// fails checks that a bundle failed, and why.
func (f *fixture) fails(a *fnengine.Attempt, why string) {
	f.Helper()
	if _, err := a.Result(); err == nil || !strings.Contains(err.Error(), why) {
		f.Errorf("the bundle ended with %v, want an error with %q", err, why)
	}
}

func kvs(n int) (out []fnengine.KV) {
	for i := range n {
		out = append(out, fnengine.KV{Time: int64(1000 * i), Key: fmt.Sprint("k", i%3), Value: fmt.Sprint("v", i)})
	}
	return out
}

func TestElementsGoThroughABundle(t *testing.T) {
	f := start(t, handler{"copy": copies}, nil)
	f.engine.Describe(fnengine.Stage{ID: "copy", Transform: "t"}.Descriptor())
	a := f.worker.Begin("copy", nil)
	all := kvs(10)
	f.do(a.Send(fnengine.In, fnengine.Encode(all[:4]...)))
	f.do(a.Send(fnengine.In, fnengine.Encode(all[4:]...)))
	f.do(a.End())
	_, err := a.Result()
	f.do(err)
	f.same("output", fnengine.Decode(a.Output(fnengine.Out)), all)
}

func TestDataMayComeBeforeItsBundle(t *testing.T) {
	f := start(t, handler{"copy": copies}, nil)
	f.engine.Describe(fnengine.Stage{ID: "copy", Transform: "t"}.Descriptor())
	first := f.worker.Begin("copy", nil) // opens the data channel
	a := f.worker.Attempt("copy", nil)
	f.do(a.Send(fnengine.In, fnengine.Encode(kvs(5)...)))
	f.do(a.End())
	f.do(first.End())
	_, err := first.Result()
	f.do(err)
	a.Start()
	_, err = a.Result()
	f.do(err)
	f.same("output", fnengine.Decode(a.Output(fnengine.Out)), kvs(5))
}

func TestBundlesRunAtOnce(t *testing.T) {
	// Each bundle waits for all others to have begun.
	const n = 8
	var begun sync.WaitGroup
	begun.Add(n)
	f := start(t, handler{"copy": func(b *fnapi.Bundle) error {
		begun.Done()
		begun.Wait()
		return copies(b)
	}}, nil)
	f.engine.Describe(fnengine.Stage{ID: "copy", Transform: "t"}.Descriptor())
	var all []*fnengine.Attempt
	for range n {
		a := f.worker.Begin("copy", nil)
		f.do(a.Send(fnengine.In, fnengine.Encode(kvs(3)...)))
		f.do(a.End())
		all = append(all, a)
	}
	for _, a := range all {
		_, err := a.Result()
		f.do(err)
		f.same("output", fnengine.Decode(a.Output(fnengine.Out)), kvs(3))
	}
}

func TestOutputIsSentInBlocks(t *testing.T) {
	big := strings.Repeat("x", 300<<10)
	f := start(t, handler{"grow": func(b *fnapi.Bundle) error {
		for i := range 20 {
			v := fnapi.AppendBytes(fnapi.AppendBytes(nil, []byte("k")), []byte(big))
			if err := b.Output(fnengine.Out).Write(int64(i), v); err != nil {
				return err
			}
		}
		return copies(b)
	}}, nil)
	f.engine.Describe(fnengine.Stage{ID: "grow", Transform: "t"}.Descriptor())
	a := f.worker.Begin("grow", nil)
	f.do(a.End())
	_, err := a.Result()
	f.do(err)
	got := fnengine.Decode(a.Output(fnengine.Out))
	if len(got) != 20 || got[19].Time != 19 || got[19].Value != big {
		t.Errorf("%d elements came, not 20 in order", len(got))
	}
}

func TestTimersFireAndAreSet(t *testing.T) {
	var fired []string
	f := start(t, handler{"timers": func(b *fnapi.Bundle) error {
		for {
			in, err := b.Next()
			if err == io.EOF {
				return nil
			}
			if err != nil {
				return err
			}
			if in.Family == "" {
				key, _, _ := fnapi.CutBytes(in.Value)
				b.Set("t", "end", &fnapi.Timer{Key: fnapi.AppendBytes(nil, key), Tag: []byte("a"), Fire: in.Time + 10, Hold: in.Time})
				b.Set("t", "end", &fnapi.Timer{Key: fnapi.AppendBytes(nil, key), Tag: []byte("b"), Clear: true})
				continue
			}
			fired = append(fired, fmt.Sprintf("%s/%s of %x at %d, hold %d", in.Family, in.Timer.Tag, in.Timer.Key, in.Timer.Fire, in.Timer.Hold))
		}
	}}, nil)
	f.engine.Describe(fnengine.Stage{ID: "timers", Transform: "t", Timers: []string{"end", "other"}}.Descriptor())
	a := f.worker.Begin("timers", nil)
	f.do(a.Send(fnengine.In, fnengine.Encode(fnengine.KV{Time: 5, Key: "k"})))
	f.do(a.Fire("t", "other", fnengine.EncodeTimers(fnengine.Timer{Key: "k", Clear: true}, fnengine.Timer{Key: "k", Tag: "x", Fire: -7, Hold: -9})))
	f.do(a.End())
	_, err := a.Result()
	f.do(err)
	f.same("fired", fired, []string{"other/x of 016b at -7, hold -9"})
	f.same("set", fnengine.DecodeTimers(a.Timers("t", "end")), []fnengine.Timer{
		{Key: "k", Tag: "a", Fire: 15, Hold: 5}, {Key: "k", Tag: "b", Clear: true},
	})
}

func TestStateIsReadInPagesAndWrittenInOrder(t *testing.T) {
	bag := fnapi.Bag{Transform: "t", Cell: "log", Key: []byte("\x01k")}
	var before, after string
	f := start(t, handler{"state": func(b *fnapi.Bundle) error {
		got, err := b.Get(bag).Bytes()
		if err != nil {
			return err
		}
		before = string(got)
		b.Clear(bag)
		for i := range 100 {
			b.Append(bag, []byte{byte('a' + i%26)})
		}
		got, err = b.Get(bag).Bytes()
		after = string(got)
		return errors.Join(err, copies(b))
	}}, nil)
	f.engine.State.Page = 7
	f.engine.Describe(fnengine.Stage{ID: "state", Transform: "t", Bags: []string{"log"}}.Descriptor())
	alphabet := strings.Repeat("abcdefghijklmnopqrstuvwxyz", 4)[:100]
	for i, want := range []string{"", alphabet} {
		a := f.worker.Begin("state", nil)
		f.do(a.End())
		_, err := a.Result()
		f.do(err)
		if before != want || after != alphabet {
			t.Errorf("bundle %d read %q, then %q", i, before, after)
		}
		a.Commit()
	}
}
