package transforms_test

import (
	"context"
	"slices"
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/sink"
	"github.com/millrace/millrace/model/source"
	"github.com/millrace/millrace/transforms"
	"github.com/millrace/millrace/triggers"
	"github.com/millrace/millrace/windowing"
)

// Parts of a pipeline that go wrong on demand: an error is returned, a function
// is called, where they are set.

func call(f func()) {
	if f != nil {
		f()
	}
}

// fromTwoSources is c and another source's order like it.
func fromTwoSources(c orders) orders { return transforms.Flatten(c, annsOrder(c.Pipeline())) }

// later is c that much later.
func later(c orders, d time.Duration) orders {
	return transforms.WithTimestamps(c, func(o order) time.Time { return halfPast(o).Add(d) })
}

// aMinuteApart is c twice.
func aMinuteApart(c orders) orders { return transforms.Flatten(c, later(c, time.Minute)) }

func inWindows(c orders, fn model.WindowFn) orders {
	return transforms.Window(c, model.WindowingStrategy{Windows: fn})
}

type faultyCombiner struct{ new, add, merge, result func() }

func by(c faultyCombiner) func() transforms.Combiner[int, int, int] {
	return func() transforms.Combiner[int, int, int] { return c }
}

func (c faultyCombiner) New() int         { call(c.new); return 0 }
func (c faultyCombiner) Add(a, v int) int { call(c.add); return a + v }
func (c faultyCombiner) Result(a int) int { call(c.result); return a }

func (c faultyCombiner) Merge(a, b int) int {
	if a != 0 && b != 0 {
		call(c.merge)
	}
	return a + b
}

// faultyWindows are sessions of a minute.
type faultyWindows struct{ assign, merge func() }

func (w faultyWindows) AssignWindows(dst []model.Window, t model.Timestamp) []model.Window {
	call(w.assign)
	return append(dst, model.Window{Start: t, End: t.Add(time.Minute)})
}

func (w faultyWindows) MergeWindows(windows, into []model.Window) {
	call(w.merge)
	windowing.MergeOverlapping(windows, into)
}

func (faultyWindows) Validate() error { return nil }
func (faultyWindows) String() string  { return "faulty windows" }

type faultyElementWindows struct{ faultyWindows }

func (w faultyElementWindows) AssignElementWindows([]model.Window, order, model.Timestamp) []model.Window {
	broken()
	return nil
}

type faultyTrigger struct{ triggers.Default }

func (faultyTrigger) OnElement(*model.TriggerContext) { broken() }

// A faultyDo emits every order's number.
type faultyDo struct {
	open, flush, close       error
	onOpen, onFlush, onClose func()
}

func (d *faultyDo) Instance() transforms.DoFn[order, int] { return d }

func (d *faultyDo) Open(context.Context) error {
	call(d.onOpen)
	return d.open
}

func (d *faultyDo) Process(_ context.Context, e element, out ints) error {
	out.Emit(e.Value.Value)
	return nil
}

func (d *faultyDo) Flush(context.Context) error {
	call(d.onFlush)
	return d.flush
}

func (d *faultyDo) Close() error {
	call(d.onClose)
	return d.close
}

// A faultySource has one number.
type faultySource struct {
	open, read           error
	onSplits, afterwards func()
}

func (faultySource) Bounded() bool { return true }

func (s faultySource) Splits(context.Context, int) ([]source.Split, error) {
	call(s.onSplits)
	return []source.Split{{ID: "the only split"}}, nil
}

func (s faultySource) Open(context.Context, source.Split) (source.Reader[int], error) {
	return faultyReader{s}, s.open
}

type faultyReader struct{ faultySource }

func (r faultyReader) Read(_ context.Context, _ int, emit func(*int, model.Timestamp)) (source.Status, error) {
	one := 1
	emit(&one, 0)
	call(r.afterwards)
	return source.Status{Done: true}, r.read
}

func (faultyReader) Position() source.Split     { return source.Split{ID: "the only split"} }
func (faultyReader) Watermark() model.Timestamp { return model.MinTimestamp }
func (faultyReader) Progress() source.Progress  { return source.Progress{} }
func (faultyReader) Close() error               { return nil }

// A faultySink forgets what it is given.
type faultySink struct {
	open, write, prepare, commit error
	onOpen, onWrite, onPrepare   func()
}

func (s faultySink) Open(context.Context, sink.Shard) (sink.Writer[order], error) {
	call(s.onOpen)
	return faultyWriter{s}, s.open
}

func (s faultySink) Commit(context.Context, []sink.Committable) error { return s.commit }
func (faultySink) Abort(context.Context, []sink.Committable) error    { return nil }

type faultyWriter struct{ faultySink }

func (w faultyWriter) Write(context.Context, *order, *model.Meta) error {
	call(w.onWrite)
	return w.write
}

func (w faultyWriter) Prepare(context.Context) ([]byte, error) {
	call(w.onPrepare)
	return slices.Clone([]byte{}), w.prepare
}

func (faultyWriter) Close() error { return nil }
