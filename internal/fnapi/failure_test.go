package fnapi_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	fnpb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/fnexecution_v1"
	pipepb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/pipeline_v1"

	"github.com/millrace/millrace/internal/fnapi"
	"github.com/millrace/millrace/testing/fnengine"
)

func TestABundleThatFailsSaysWhyAndTheWorkerGoesOn(t *testing.T) {
	var told []error
	failing := func(how func()) process {
		return func(b *fnapi.Bundle) error {
			b.OnEnd(func(err error) { told = append(told, err) })
			how()
			return errors.New("the user's error")
		}
	}
	f := start(t, handler{
		"copy":   copies,
		"error":  failing(func() {}),
		"panic":  failing(func() { panic("the user's panic") }),
		"goexit": failing(runtime.Goexit),
	}, nil)
	for _, tc := range []struct{ stage, why string }{
		{"error", "the user's error"},
		{"panic", "panic: the user's panic"},
		{"goexit", "runtime.Goexit"},
		{"unknown to the worker", "there is no stage unknown to the worker"},
	} {
		f.engine.Describe(fnengine.Stage{ID: tc.stage, Transform: "t"}.Descriptor())
		f.fails(f.worker.Begin(tc.stage, nil), tc.why)
	}
	if len(told) != 3 {
		t.Errorf("OnEnd was called for %d bundles, not 3", len(told))
	}
	for i, err := range told {
		if err == nil {
			t.Errorf("OnEnd was told that bundle %d succeeded", i)
		}
	}
	f.engine.Describe(fnengine.Stage{ID: "copy", Transform: "t"}.Descriptor())
	a := f.worker.Begin("copy", nil)
	f.do(a.Send(fnengine.In, fnengine.Encode(kvs(2)...)))
	f.do(a.End())
	_, err := a.Result()
	f.do(err)
}

func TestAWriteThatTheEngineRefusesFailsTheBundle(t *testing.T) {
	bag := fnapi.Bag{Transform: "t", Cell: "log", Key: []byte("\x01k")}
	told := make(chan error, 1)
	f := start(t, handler{
		"write": func(b *fnapi.Bundle) error {
			b.OnEnd(func(err error) { told <- err })
			b.Append(bag, []byte("x"))
			return copies(b)
		},
		"read": func(b *fnapi.Bundle) error {
			_, err := b.Get(bag).Bytes()
			return err
		},
	}, nil)
	f.engine.State.Fail = func(*fnpb.StateRequest) error { return errors.New("disk full") }
	f.engine.Describe(fnengine.Stage{ID: "write", Transform: "t"}.Descriptor())
	f.engine.Describe(fnengine.Stage{ID: "read", Transform: "t"}.Descriptor())
	a := f.worker.Begin("write", nil)
	f.do(a.End())
	f.fails(a, `appending to the state "log" of key 016b of transform t: disk full`)
	if err := <-told; err == nil {
		t.Error("OnEnd was told that the bundle succeeded")
	}
	f.fails(f.worker.Begin("read", nil), "reading the state")
}

func TestGarbageFailsItsBundleOnly(t *testing.T) {
	f := start(t, handler{"copy": copies}, nil)
	stage := fnengine.Stage{ID: "copy", Transform: "t", Timers: []string{"end"}}
	f.engine.Describe(stage.Descriptor())
	whole := fnengine.Encode(kvs(1)...)
	timer := fnengine.EncodeTimers(fnengine.Timer{Key: "k", Fire: 1})
	element := func(change func(b []byte) []byte) func(a *fnengine.Attempt) error {
		return func(a *fnengine.Attempt) error {
			return a.Send(fnengine.In, change(append([]byte(nil), whole...)))
		}
	}
	for _, tc := range []struct {
		what string
		send func(a *fnengine.Attempt) error
		why  string
	}{
		{"half an element", element(func(b []byte) []byte { return b[:len(b)-1] }), "it ends too early"},
		{"in two windows", element(func(b []byte) []byte { b[11] = 2; return b }), "it is in 2 windows"},
		{"an unknown pane", element(func(b []byte) []byte { b[12] = 0x30; return b }), "unknown encoding 3"},
		{"an endless length", element(func(b []byte) []byte {
			return append(b[:13], "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"...)
		}), "more than 64 bits"},
		{"another port", func(a *fnengine.Attempt) error { return a.Send("elsewhere", whole) }, "which has none"},
		{"another timer", func(a *fnengine.Attempt) error { return a.Fire("t", "elsewhere", timer) }, "which has none"},
		{"half a timer", func(a *fnengine.Attempt) error { return a.Fire("t", "end", timer[:8]) }, "it ends too early"},
		{"after the end", func(a *fnengine.Attempt) error { return errors.Join(a.End(), a.End()) }, ""},
	} {
		t.Run(tc.what, func(t *testing.T) {
			a := f.worker.Begin("copy", nil)
			if err := tc.send(a); err != nil {
				t.Fatal(err)
			}
			if _, err := a.Result(); tc.why != "" && (err == nil || !strings.Contains(err.Error(), tc.why)) {
				t.Errorf("the bundle ended with %v, want %q", err, tc.why)
			}
		})
	}
	f.do(f.worker.Send(&fnpb.Elements{Data: []*fnpb.Elements_Data{{InstructionId: "never", TransformId: "x", Data: whole}}}))
	if _, err := f.worker.Ask(&fnpb.InstructionRequest{}); err == nil {
		t.Error("an instruction to do nothing succeeded")
	}
	a := f.worker.Begin("copy", nil)
	f.do(a.Send(fnengine.In, whole))
	f.do(a.End())
	_, err := a.Result()
	f.do(err)
	f.same("output after all that", fnengine.Decode(a.Output(fnengine.Out)), kvs(1))
}

func TestStagesThatCannotBeReadAreRefusedByName(t *testing.T) {
	f := start(t, handler{"s": copies}, nil)
	for _, tc := range []struct {
		change func(d *fnpb.ProcessBundleDescriptor)
		why    string
	}{
		{func(d *fnpb.ProcessBundleDescriptor) { d.Coders["kv"].Spec.Urn = "beam:coder:row:v1" }, "beam:coder:row:v1"},
		{func(d *fnpb.ProcessBundleDescriptor) { d.Coders["global"].Spec.Urn = "beam:coder:interval_window:v1" }, "beam:coder:interval_window:v1"},
		{func(d *fnpb.ProcessBundleDescriptor) { d.Coders["kv"].ComponentCoderIds[1] = "kv" }, "more than 32 deep"},
		{func(d *fnpb.ProcessBundleDescriptor) { delete(d.Coders, "bytes") }, `a coder "bytes" that its descriptor has not`},
		{func(d *fnpb.ProcessBundleDescriptor) { d.TimerApiServiceDescriptor = nil }, `no place for the timers "end"`},
		{func(d *fnpb.ProcessBundleDescriptor) { d.Transforms["in"].Spec.Payload = []byte("\xff") }, "a port that cannot be read"},
		{func(d *fnpb.ProcessBundleDescriptor) { d.Transforms["t"].Spec.Payload = []byte("\xff") }, "a transform that cannot be read"},
		{func(d *fnpb.ProcessBundleDescriptor) { d.Transforms["in"].Outputs["p"] = "q" }, "a port of 2 collections"},
	} {
		d := fnengine.Stage{ID: "s: " + tc.why, Transform: "t", Timers: []string{"end"}}.Descriptor()
		tc.change(d)
		f.engine.Describe(d)
		f.fails(f.worker.Begin(d.GetId(), nil), tc.why)
	}
}

func TestAWorkerThatTheEngineDropsEnds(t *testing.T) {
	waiting := make(chan struct{})
	f := start(t, handler{"wait": func(b *fnapi.Bundle) error {
		close(waiting)
		_, err := b.Next()
		return err
	}}, nil)
	f.engine.Describe(fnengine.Stage{ID: "wait", Transform: "t"}.Descriptor())
	a := f.worker.Begin("wait", nil)
	<-waiting
	f.worker.Kill()
	if err := <-f.ended; err != nil {
		t.Errorf("the worker ended with %v", err)
	}
	f.ended <- nil
	if _, err := a.Result(); err == nil {
		t.Error("the bundle succeeded")
	}
}

func TestInputBeyondTheLimitWaits(t *testing.T) {
	// Two bundles that do not read until told have all the room. A third gets its input all the
	// same, which is behind theirs.
	const limit = 64 << 10
	read := make(chan struct{})
	f := start(t, handler{
		"copy": copies,
		"late": func(b *fnapi.Bundle) error { <-read; return copies(b) },
	}, func(o *fnapi.Options) { o.InputLimit = limit })
	f.engine.Describe(fnengine.Stage{ID: "copy", Transform: "t"}.Descriptor())
	f.engine.Describe(fnengine.Stage{ID: "late", Transform: "t"}.Descriptor())
	big := fnengine.KV{Key: "k", Value: strings.Repeat("x", limit)}
	var late []*fnengine.Attempt
	for range 2 {
		a := f.worker.Begin("late", nil)
		for range 3 {
			f.do(a.Send(fnengine.In, fnengine.Encode(big)))
		}
		f.do(a.End())
		late = append(late, a)
	}
	a := f.worker.Begin("copy", nil)
	f.do(a.Send(fnengine.In, fnengine.Encode(kvs(2)...)))
	f.do(a.End())
	_, err := a.Result()
	f.do(err)
	close(read)
	for _, a := range late {
		_, err := a.Result()
		f.do(err)
		if n := len(fnengine.Decode(a.Output(fnengine.Out))); n != 3 {
			t.Errorf("%d elements of 3 came", n)
		}
	}
}

func TestDataForNoBundleEndsTheWorker(t *testing.T) {
	engine := fnengine.New()
	defer engine.Close()
	ended := make(chan error, 1)
	go func() {
		ended <- fnapi.Run(context.Background(), fnapi.Options{ID: "w1", Control: fnengine.Address, Dial: engine.Dial,
			Handler: handler{"copy": copies}, InputLimit: 10 << 10})
	}()
	w := engine.Worker("w1")
	engine.Describe(fnengine.Stage{ID: "copy", Transform: "t"}.Descriptor())
	w.Begin("copy", nil) // and waits for its input, so that all is read
	data := fnengine.Encode(fnengine.KV{Value: strings.Repeat("x", 1<<10)})
	for i := 0; ; i++ {
		if err := w.Send(&fnpb.Elements{Data: []*fnpb.Elements_Data{{InstructionId: fmt.Sprint("never ", i), Data: data}}}); err != nil {
			break
		}
	}
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "for bundles that it never began") {
		t.Errorf("the worker ended with %v", err)
	}
}

// standsIn copies, and stops in the element with that number, or before the first, until it is let go.
func standsIn(number int, there chan<- struct{}, on <-chan struct{}) process {
	return func(b *fnapi.Bundle) error {
		for n := -1; ; n++ {
			if n == number {
				close(there)
				<-on
			}
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
			if key, _, _ := fnapi.CutBytes(in.Value); string(key) == "divisible" {
				b.Splittable(half{})
			}
		}
	}
}

func TestSplitting(t *testing.T) {
	for _, tc := range []struct {
		what      string
		elements  []string // keys
		standing  int      // in the element with this number; -1 is before the first
		fraction  float64
		estimated int64
		last      int64 // of the primary; -2 is declined
		first     int64 // of the residual
		out       int
	}{
		{"half of what is left", []string{"a", "b", "c", "d", "e", "f"}, 1, 0.5, 6, 3, 4, 4},
		{"before the first", []string{"a", "b", "c", "d"}, -1, 0.5, 4, 1, 2, 2},
		{"as soon as possible", []string{"a", "b", "c"}, 0, 0, 3, 0, 1, 1},
		{"nothing is left", []string{"a", "b"}, 1, 0.5, 2, -2, 0, 2},
		{"the engine wishes to keep all", []string{"a", "b"}, 0, 1, 2, -2, 0, 2},
		{"within an element", []string{"a", "divisible", "c"}, 1, 0, 3, 0, 2, 2},
		{"behind a divisible element", []string{"a", "divisible", "c", "d", "e"}, 1, 0.5, 5, 2, 3, 3},
	} {
		t.Run(tc.what, func(t *testing.T) {
			there, on := make(chan struct{}), make(chan struct{})
			f := start(t, handler{"s": standsIn(tc.standing, there, on)}, nil)
			f.engine.Describe(fnengine.Stage{ID: "s", Transform: "t"}.Descriptor())
			a := f.worker.Begin("s", nil)
			var all []fnengine.KV
			for i, k := range tc.elements {
				all = append(all, fnengine.KV{Time: int64(i), Key: k})
			}
			f.do(a.Send(fnengine.In, fnengine.Encode(all...)))
			f.do(a.End())
			<-there
			got, err := a.Split(fnengine.In, tc.fraction, tc.estimated)
			f.do(err)
			last, first := int64(-2), int64(0)
			for _, s := range got.GetChannelSplits() {
				last, first = s.GetLastPrimaryElement(), s.GetFirstResidualElement()
			}
			if last != tc.last || first != tc.first {
				t.Errorf("split after %d, before %d; want %d and %d", last, first, tc.last, tc.first)
			}
			if within := first-last == 2 && last >= -1; within != (len(got.GetResidualRoots()) == 1 && len(got.GetPrimaryRoots()) == 1) {
				t.Errorf("%d primary and %d residual roots", len(got.GetPrimaryRoots()), len(got.GetResidualRoots()))
			}
			close(on)
			_, err = a.Result()
			f.do(err)
			f.same("output", fnengine.Decode(a.Output(fnengine.Out)), all[:tc.out])
		})
	}
}

// half is an element of which a half is done.
type half struct{}

func (half) Progress() float64 { return 0.5 }

func (half) Split(float64) (primary, residual []*fnapi.Application, ok bool) {
	return []*fnapi.Application{{Transform: "t", Input: "i"}}, []*fnapi.Application{{Transform: "t", Input: "i", Watermarks: map[string]int64{"o": 3}}}, true
}

func TestWhatIsLeftOfAnElementIsResumed(t *testing.T) {
	f := start(t, handler{"s": func(b *fnapi.Bundle) error {
		b.Resume(&fnapi.Application{Transform: "t", Input: "i", Time: 7, Value: fnapi.AppendBytes(fnapi.AppendBytes(nil, []byte("k")), []byte("rest")),
			Watermarks: map[string]int64{"o": 1500}, After: 3e9})
		return copies(b)
	}}, nil)
	f.engine.Describe(fnengine.Stage{ID: "s", Transform: "t"}.Descriptor())
	a := f.worker.Begin("s", nil)
	f.do(a.End())
	got, err := a.Result()
	f.do(err)
	r := got.GetResidualRoots()[0]
	f.same("element", fnengine.Decode(r.GetApplication().GetElement()), []fnengine.KV{{Time: 7, Key: "k", Value: "rest"}})
	f.same("delay", r.GetRequestedTimeDelay().AsDuration().String(), "3s")
	f.same("watermark", r.GetApplication().GetOutputWatermarks()["o"].AsTime().UnixMilli(), int64(1500))
	f.same("bounded", r.GetApplication().GetIsBounded(), pipepb.IsBounded_UNBOUNDED)
}

func TestDataOfBundlesThatBeginLaterIsNotHeldAgainstTheWorker(t *testing.T) {
	// Each time, data of a bundle comes first; the bundle after it is over only when that
	// data, on the same stream, has been read. In all it is many times the limit.
	const limit = 4 << 10
	f := start(t, handler{"copy": copies}, func(o *fnapi.Options) { o.InputLimit = limit })
	f.engine.Describe(fnengine.Stage{ID: "copy", Transform: "t"}.Descriptor())
	data := fnengine.Encode(fnengine.KV{Value: strings.Repeat("x", limit/2)})
	for range 20 {
		early, other := f.worker.Attempt("copy", nil), f.worker.Begin("copy", nil)
		f.do(early.Send(fnengine.In, data))
		f.do(early.End())
		f.do(other.End())
		_, err := other.Result()
		f.do(err)
		early.Start()
		_, err = early.Result()
		f.do(err)
	}
}
