package engine

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"runtime/debug"
	"strings"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/sink"
)

// An Op is one node in one task: what a spec's code is given to reach its
// surroundings.
type Op struct {
	task *Task
	Node *model.Node
	// Counts are kept by whoever the op belongs to.
	Counts Counts

	sends   bool // the near side of an exchange
	begin   func() error
	flush   func()
	close   func() error
	prepare func() ([]byte, error)
	shard   sink.Shard // of what is prepared
}

// Counts are what an operator did with the elements it was given. An element in
// several windows is on time if one of them is still to fire, and late or
// dropped once for each that is not.
type Counts struct {
	// Read is what a source read, Written what a sink wrote.
	Read, Written int64
	// OnTime, Late and Dropped are what a grouping made of its input: taken before
	// the watermark reached the end of the window, taken after, or refused because
	// the watermark had reached the end plus the allowed lateness.
	OnTime, Late, Dropped int64
	// Windowless is how many elements the WindowFn gave no window, where it was asked.
	Windowless int64
	// Panes is how many panes it fired.
	Panes int64
	// Waiting is how many elements wait for side inputs at the moment.
	Waiting int64
}

// Add adds o to c.
func (c *Counts) Add(o Counts) {
	c.Read += o.Read
	c.Written += o.Written
	c.OnTime += o.OnTime
	c.Late += o.Late
	c.Dropped += o.Dropped
	c.Windowless += o.Windowless
	c.Panes += o.Panes
	c.Waiting += o.Waiting
}

// Context is what user code is called with.
func (o *Op) Context() context.Context { return o.task.cfg.Context }

// Instance is the index of the task and how many its stage has.
func (o *Op) Instance() (index, of int) { return o.task.cfg.Index, o.task.cfg.Of }

// Watermark is the watermark that the op's task last sent on. Elements that the
// task emits now arrive downstream before any later one.
func (o *Op) Watermark() model.Timestamp { return o.task.out }

// OnBegin has f called before the task's first element.
func (o *Op) OnBegin(f func() error) { o.begin = f }

// OnFlush has f called before each barrier is sent on, and when the task's input has
// ended; it may still emit.
func (o *Op) OnFlush(f func()) { o.flush = f }

// OnClose has f called when the task is let go, however it ended.
func (o *Op) OnClose(f func() error) { o.close = f }

// OnPrepare has f called to make durable what was written to a shard.
func (o *Op) OnPrepare(shard sink.Shard, f func() ([]byte, error)) { o.shard, o.prepare = shard, f }

// Fail ends the task with an error of user code about v; only the first counts.
func (o *Op) Fail(m *model.Meta, v any, err error) {
	if o.task.err == nil {
		o.task.err = o.userError(m, v, err)
	}
}

// failHere is Fail about the element that Enter noted.
func (o *Op) failHere(err error) {
	c := &o.task.cursor
	o.Fail(c.meta, pointee(c.v), err)
}

// Failed reports whether the task has failed, so that a loop over user code can stop.
func (o *Op) Failed() bool { return o.task.err != nil }

// Enter notes that user code is about to be given *v, so that a panic in it can
// be told with the element. It must be called again before user code that runs
// after an Emit, which will have noted others. It costs three stores.
func (o *Op) Enter(m *model.Meta, v any) {
	c := &o.task.cursor
	c.op, c.meta, c.v = o, m, v
}

// A cursor is where a task is: the op whose user code runs, or ran last, and a
// pointer to what it was given.
type cursor struct {
	op   *Op
	meta *model.Meta
	v    any
}

// recover turns a panic into the task's error.
func (t *Task) recover() {
	r := recover()
	if r == nil {
		return
	}
	if e := t.panicked(r); t.err == nil {
		t.err = e
	}
}

// guard calls user code of op that is given no element, and returns a panic in
// it as an error.
func (t *Task) guard(op *Op, f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = t.panicked(r)
		}
	}()
	t.cursor = cursor{op: op, meta: &model.Meta{}}
	return f()
}

// Exited is the error of a step that ended in runtime.Goexit: no defer can tell that
// from a return, so the runner must. The task is not stepped again.
func (t *Task) Exited() error {
	t.err = t.blame(errors.New("it called runtime.Goexit, as FailNow, Fatal and Skip of package testing do; those belong in the goroutine of the test: return an error here"))
	return t.err
}

// panicked is the error that stands for a panic. It is called while the stack of
// the panic is still there.
func (t *Task) panicked(r any) error {
	stack := debug.Stack()
	cause, ok := r.(error)
	if !ok {
		cause = fmt.Errorf("%v", r)
	}
	e := t.blame(cause)
	e.Panic, e.Stack = true, string(stack)
	return e
}

// blame is the error of the user code that the cursor is at.
func (t *Task) blame(cause error) *UserError {
	if c := t.cursor; c.op != nil {
		return c.op.userError(c.meta, pointee(c.v), cause)
	}
	return &UserError{Transform: t.cfg.Stage.Head.Name, Site: t.cfg.Stage.Head.Site, Err: cause}
}

// A UserError is an error that user code returned, or a panic in it.
type UserError struct {
	Transform string
	Site      model.Site
	// Key is the element's key and Element the element, printed and cut to a
	// bounded length; Key is "" where the element has none, and Element where a
	// pane was at work, which is of many.
	Key, Element string
	Timestamp    model.Timestamp
	// Window is zero where the element has no window yet, or several.
	Window model.Window
	Panic  bool
	Stack  string // of a panic
	Err    error
}

func (o *Op) userError(m *model.Meta, v any, err error) *UserError {
	e := &UserError{Transform: o.Node.Name, Site: o.Node.Site, Timestamp: m.Timestamp, Window: m.Window, Err: err}
	if kv, ok := v.(interface{ AnyKey() any }); ok {
		e.Key = bounded(kv.AnyKey())
	}
	if kv, ok := v.(keyedElement); ok {
		var key any
		key, v = kv.told()
		e.Key = bounded(key)
	}
	if v != nil {
		e.Element = bounded(v)
	}
	if v != nil && (o.Node.Class == model.Fused || o.sends) && len(o.Node.Inputs) > 0 && !o.Node.Inputs[0].Windowing.Assigned {
		e.Window = onlyWindow(o.Node.Inputs[0].Windowing, m.Timestamp)
	}
	return e
}

// pointee is what the pointer p points to; it is p itself if that tells its key.
func pointee(p any) any {
	switch p.(type) {
	case interface{ AnyKey() any }, keyedElement:
		return p
	}
	if v := reflect.ValueOf(p); v.Kind() == reflect.Pointer && !v.IsNil() {
		return v.Elem().Interface()
	}
	return p
}

// onlyWindow is the window of timestamp t where it has just one.
func onlyWindow(w *model.Windowing, t model.Timestamp) (only model.Window) {
	defer func() { _ = recover() }() // of a WindowFn of the user's, which may be what failed
	if w.Strategy.Windows == nil {
		return model.GlobalWindow
	}
	if ws := w.Strategy.Windows.AssignWindows(nil, t); len(ws) == 1 {
		return ws[0]
	}
	return model.Window{}
}

func bounded(v any) (s string) {
	defer func() {
		if recover() != nil { // a String method of the user's
			s = fmt.Sprintf("%T", v)
		}
	}()
	const limit = 200
	s = fmt.Sprintf("%+v", v)
	if len(s) > limit {
		s = strings.ToValidUTF8(s[:limit], "") + "..."
	}
	return s
}

func (e *UserError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s: ", e.Site, e.Transform)
	if e.Panic {
		b.WriteString("panic: ")
	}
	fmt.Fprintf(&b, "%v", e.Err)
	if e.Element != "" {
		fmt.Fprintf(&b, "\n  element: %s", e.Element)
	}
	if e.Key != "" {
		fmt.Fprintf(&b, "\n  key: %s", e.Key)
	}
	if e.Element != "" || e.Key != "" {
		fmt.Fprintf(&b, "\n  timestamp: %v", e.Timestamp)
	}
	if !e.Window.IsZero() {
		fmt.Fprintf(&b, "\n  window: %v", e.Window)
	}
	if e.Panic {
		fmt.Fprintf(&b, "\n%s", e.Stack)
	}
	return b.String()
}

func (e *UserError) Unwrap() error { return e.Err }
