package streamtest

import (
	"fmt"
	"reflect"
	"slices"
	"sync"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/millrace/millrace/internal/engine"
	"github.com/millrace/millrace/model"
)

// A Captured is what a collection emits in a run, for assertions. Each of them
// may be made of it, in any number; one that fails lets the test go on.
type Captured[T any] struct {
	collection model.PCollection[T]
	node       *model.Node // that captures; nil after a mistake
	compare    cmp.Options
	text       func(T) string // of a value, in failures

	mu    sync.Mutex
	fired []Fired[T]
	run   *outcome // nil until the pipeline is run
}

// Capture keeps what c emits when the pipeline is [Run]. Values are compared by
// go-cmp: unexported fields, too; empty slices and maps are equal to nil ones, and
// NaN is equal to itself. Opts change that, cmpopts.EquateApprox for example.
func Capture[T any](c model.PCollection[T], opts ...cmp.Option) *Captured[T] {
	k := &Captured[T]{collection: c, text: func(v T) string { return text(v) }}
	k.compare = append(cmp.Options{
		cmp.Exporter(func(reflect.Type) bool { return true }),
		cmpopts.EquateEmpty(),
		cmpopts.EquateNaNs(),
	}, opts...)
	k.node = c.Pipeline().Add(model.Definition{
		Kind:   "Capture",
		Class:  model.Fused,
		Inputs: []model.Input{c},
		Spec:   &captureSpec[T]{k},
		Err:    uncomparable(reflect.TypeFor[T]()),
	})
	return k
}

// uncomparable is why values of t cannot be captured, or nil.
func uncomparable(t reflect.Type) error {
	if holdsFunc(t, map[reflect.Type]bool{}) {
		return fmt.Errorf("%v holds a function, which cannot be compared, or, if it is a sequence, read after the run; make data of it first: transforms.Map(groups, ...slices.Sorted(g.Value)...)", t)
	}
	return nil
}

func holdsFunc(t reflect.Type, seen map[reflect.Type]bool) bool {
	if seen[t] {
		return false
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Func:
		return true
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		return holdsFunc(t.Elem(), seen)
	case reflect.Struct:
		for i := range t.NumField() {
			if f := t.Field(i); f.IsExported() && holdsFunc(f.Type, seen) {
				return true
			}
		}
	}
	return false
}

// A captureSpec is the spec of a Capture's node, by which [Run] finds it.
type captureSpec[T any] struct{ captured *Captured[T] }

// Fuse implements engine.FusedSpec.
func (s *captureSpec[T]) Fuse(op *engine.Op, _ [][]any) any {
	return engine.Explode(op, op.Node.Inputs[0].Windowing, engine.Emit[T](func(m *model.Meta, v *T) {
		s.captured.take(model.Element[T]{Meta: *m, Value: *v})
	}))
}

func (s *captureSpec[T]) begin(o *outcome) { s.captured.begin(o) }

// begin forgets what an earlier run left.
func (k *Captured[T]) begin(o *outcome) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.fired, k.run = nil, o
}

func (k *Captured[T]) take(e model.Element[T]) {
	k.mu.Lock()
	defer k.mu.Unlock()
	step := 0
	if k.run != nil && k.run.play != nil {
		step = k.run.play.current()
	}
	k.fired = append(k.fired, Fired[T]{e, step})
}

// Elements is all that the collection emitted, ordered as panes are: for what the
// assertions cannot say.
func (k *Captured[T]) Elements() []Fired[T] {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Concat(firings(k.fired, true)...)
}

// Panes is all that the collection emitted, as panes to want of another
// collection or run: firings of different indices are different panes, and each
// tells all there is to want of it.
func (k *Captured[T]) Panes() (panes []Pane[T]) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, f := range firings(k.fired, true) {
		e := f[0]
		p := Pane[T]{Window: e.Window, Timing: e.Pane.Timing, Values: f.values()}.Index(e.Pane.Index).AtStep(e.Step)
		p.first = f.all(func(p model.Pane) bool { return p.First })
		p.retracted = e.Pane.Retraction
		p.last = f.all(func(p model.Pane) bool { return p.Last })
		panes = append(panes, p)
	}
	return panes
}
