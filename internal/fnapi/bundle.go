package fnapi

import (
	"context"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	fnpb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/fnexecution_v1"
)

// A Bundle is one attempt at a bundle: input that the engine chose, worked off as a whole or not
// at all. It belongs to the goroutine that runs [Processor.Process]; only what is said to be asked
// by others is.
type Bundle struct {
	ctx    context.Context
	worker *worker
	id     string
	desc   *Descriptor
	token  []byte

	box      *inbox
	unclosed map[stream]bool // what input may still come from
	port     *Port           // that rest is of, if it is elements
	family   *TimerFamily    // that rest is of, if it is timers
	rest     []byte          // of the block that is being read
	at       int             // where rest begins in it
	input    Input
	reading  reading

	outs        map[string]*Output
	timers      map[stream]*timerOutput
	residuals   []*fnpb.DelayedBundleApplication
	writes      sync.WaitGroup // of state, that have no answer yet
	writeFailed atomic.Pointer[stateError]
	onEnd       []func(error)
	finalize    func() error
	finalizeBy  time.Time
	meters      meters
}

// A stream is what ends with an is_last of its own: the elements of a port, or a family of
// timers.
type stream struct{ transform, family string }

// An Input is an element, or a timer that fired. Its slices hold as long as the bundle.
type Input struct {
	// Transform is the port, or the transform whose timer it is.
	Transform string
	// Family is that of a timer; "" where it is an element.
	Family string
	// Time and Value are those of an element.
	Time  int64
	Value []byte
	// Timer is one that fired.
	Timer Timer
}

func newBundle(ctx context.Context, w *worker, id string, d *Descriptor, r *fnpb.ProcessBundleRequest) *Bundle {
	b := &Bundle{ctx: ctx, worker: w, id: id, desc: d,
		unclosed: map[stream]bool{}, outs: map[string]*Output{}, timers: map[stream]*timerOutput{}}
	for _, t := range r.GetCacheTokens() {
		if t.GetUserState() != nil {
			b.token = t.GetToken()
		}
	}
	for id := range d.In {
		b.unclosed[stream{transform: id}] = true
	}
	for _, f := range d.Timers {
		b.unclosed[stream{f.Transform, f.Family}] = true
		b.timers[stream{f.Transform, f.Family}] = &timerOutput{b: b, family: f}
	}
	for id, p := range d.Out {
		b.outs[id] = &Output{b: b, port: p}
	}
	b.reading.splittable = len(d.In) == 1
	b.meters.init(b)
	return b
}

// open claims the bundle's input and opens the channels that it needs.
func (b *Bundle) open(embedded *fnpb.Elements) error {
	urls := b.desc.dataURLs()
	box, err := b.worker.intake.begin(b.id, urls)
	if err != nil {
		return err
	}
	b.box = box
	if err := b.worker.intake.deliver("", embedded); err != nil {
		return err
	}
	for _, url := range urls {
		if _, err := b.worker.data(url); err != nil {
			return err
		}
	}
	return nil
}

// Context ends with the worker.
func (b *Bundle) Context() context.Context { return b.ctx }

// ID is the engine's name of this attempt.
func (b *Bundle) ID() string { return b.id }

// Descriptor is that of the stage.
func (b *Bundle) Descriptor() *Descriptor { return b.desc }

// CacheToken is the same for two bundles of a stage if, and only if, nobody but this worker
// has written its user state between them. Without one, nothing may be kept from one
// bundle to the next.
func (b *Bundle) CacheToken() (token []byte, ok bool) { return b.token, len(b.token) > 0 }

// Next returns the next element or timer, which it waits for. It holds until the next call.
// The error is io.EOF after the last.
func (b *Bundle) Next() (*Input, error) {
	b.reading.stop()
	for {
		for len(b.rest) > 0 {
			ok, err := b.read()
			if err != nil || ok {
				return &b.input, err
			}
		}
		if len(b.unclosed) == 0 {
			return nil, io.EOF
		}
		if err := b.nextBlock(); err != nil {
			return nil, err
		}
	}
}

func (b *Bundle) nextBlock() error {
	got, err := b.box.take()
	if err != nil {
		return err
	}
	from := stream{got.transform, got.family}
	if !b.unclosed[from] {
		return fmt.Errorf("fnapi: the engine sent input for transform %q, timers %q of bundle %s, which has none or whose end it has sent", got.transform, got.family, b.id)
	}
	if got.last {
		delete(b.unclosed, from)
	}
	b.rest, b.at, b.port, b.family = got.data, 0, nil, nil
	if got.family == "" {
		b.port = b.desc.In[got.transform]
		return nil
	}
	b.family = b.timers[from].family
	return nil
}

// read takes an input from the block; it is none if it was split off.
func (b *Bundle) read() (bool, error) {
	if b.family != nil {
		b.input = Input{Transform: b.family.Transform, Family: b.family.Family}
		n, err := readTimer(b.rest, b.family.key, &b.input.Timer)
		if err == nil && n == 0 {
			err = errShort
		}
		if err != nil {
			return false, &wireError{"a timer of " + b.family.Transform, b.at, err}
		}
		b.skip(n)
		return !b.input.Timer.Clear, nil
	}
	ms, n, err := readElementHeader(b.rest)
	if err != nil {
		return false, &wireError{"an element of " + b.port.Transform, b.at, err}
	}
	k, err := b.port.size(b.rest[n:])
	if err != nil {
		return false, &wireError{"an element of " + b.port.Transform, b.at + n, err}
	}
	b.input = Input{Transform: b.port.Transform, Time: ms, Value: b.rest[n : n+k : n+k]}
	b.skip(n + k)
	if !b.reading.advance() {
		return false, nil
	}
	b.meters.read(b.port)
	return true, nil
}

func (b *Bundle) skip(n int) { b.rest, b.at = b.rest[n:], b.at+n }

// Closed reports whether the engine has sent all elements of the bundle: what one that
// works on an element for as long as there is more to do asks now and then. It does not wait.
func (b *Bundle) Closed() bool {
	open := 0
	for s := range b.unclosed {
		if s.family == "" {
			open++
		}
	}
	return open == b.box.count(func(c *block) bool { return c.last && c.family == "" })
}

// OnEnd has f called when it is known what became of the bundle, before the engine is told;
// the error is nil where it succeeded. What was kept for the bundles after a failed one
// is no longer true.
func (b *Bundle) OnEnd(f func(error)) { b.onEnd = append(b.onEnd, f) }

// OnFinalize has f called once after the engine has made the bundle's results durable,
// where it does say so: it may never, and is not waited for after by.
func (b *Bundle) OnFinalize(by time.Time, f func() error) { b.finalizeBy, b.finalize = by, f }

// An Application is work on an element that is left for another bundle.
type Application struct {
	// Transform and Input say where the element goes.
	Transform, Input string
	Time             int64
	Value            []byte
	Bounded          bool
	// Watermarks, by output, are lower bounds on what is still to come.
	Watermarks map[string]int64
	// After is how long to wait.
	After time.Duration
}

// Resume leaves what a is to another bundle.
func (b *Bundle) Resume(a *Application) { b.residuals = append(b.residuals, a.delayed()) }

// finish waits for the state that was written, and sends what is left of the output, with
// its end.
func (b *Bundle) finish() error {
	b.writes.Wait()
	if err := b.writeFailed.Load(); err != nil {
		return err
	}
	for _, t := range b.timers {
		if err := t.send(true); err != nil {
			return err
		}
	}
	for _, o := range b.outs {
		if err := o.send(true); err != nil {
			return err
		}
	}
	return nil
}

func (b *Bundle) ended(err error) {
	b.writes.Wait() // which nobody else may be told of after this
	for _, f := range b.onEnd {
		f(err)
	}
}
