// Package outbox delivers elements to places that cannot prepare: an HTTP endpoint, a
// queue, a database without two phases.
//
// It is a sink like those of files, and stands beside them. What is written between two
// checkpoints is a batch, which is part of the checkpoint itself, as letters lie in an
// outbox; it is delivered once the checkpoint is durable.
//
// The invariant: nothing is delivered that could still be taken back, and whatever is
// delivered more than once, after a failure or a crash, has the same key each time.
package outbox

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"

	"github.com/millrace/millrace/io/internal/stored"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/coder"
	"github.com/millrace/millrace/model/sink"
)

// A Deliver delivers an element. The key tells it from all others of the sink, and is the
// same each time that this element is delivered: the receiver is to take no notice of a
// key that it has seen. An error has the element, and those of its batch behind it,
// delivered again later. It is called by several goroutines at once.
type Deliver[T any] func(ctx context.Context, key string, v T) error

// Sink delivers each element, shard by shard in the order in which it was written. Keys
// begin with name, which is to be another for each sink that has the same receiver.
//
// An error of deliver is that of a commit: with a state directory, the checkpoint is
// durable nonetheless, and the rest of the batch is delivered with the next one, or when
// a run goes on from it. The guarantee is at least once, and exactly once where the
// receiver heeds keys.
//
// Cost: what is written between two checkpoints is kept in memory, encoded, and becomes
// part of the checkpoint's manifest. Without a state directory that is all there is, and
// all is delivered when the input has ended.
func Sink[T any](name string, deliver Deliver[T]) sink.Sink[T] {
	c, err := coder.For[T]()
	return &outbox[T]{name: name, deliver: deliver, coder: c, err: err, delivered: map[string]int{}}
}

type outbox[T any] struct {
	name    string
	deliver Deliver[T]
	coder   *coder.Coder[T]
	err     error

	mu sync.Mutex
	// delivered is how much of a batch was, of those whose delivery failed. It only saves
	// work: a new process begins with all of it.
	delivered map[string]int
}

// Validate implements [sink.Validator].
func (o *outbox[T]) Validate() error {
	var errs []error
	if o.name == "" {
		errs = append(errs, errors.New("the name that keys begin with is empty"))
	}
	if o.deliver == nil {
		errs = append(errs, errors.New("the function that delivers is nil"))
	}
	if o.err != nil {
		errs = append(errs, fmt.Errorf("elements cannot be kept until they are delivered: %w", o.err))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("outbox: %w", err)
	}
	return nil
}

// Repeats implements [sink.Repeating].
func (*outbox[T]) Repeats() string {
	return "after a failure, what was delivered may be delivered again, with the same keys: exactly once where the receiver heeds them"
}

func (o *outbox[T]) String() string { return o.name }

// Describe implements [sink.Described].
func (o *outbox[T]) Describe() string { return o.name }

// Open implements [sink.Sink].
func (o *outbox[T]) Open(context.Context, sink.Shard) (sink.Writer[T], error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	return &writer[T]{coder: o.coder}, nil
}

// Abort implements [sink.Sink]: there is nothing outside of the committables.
func (*outbox[T]) Abort(context.Context, []sink.Committable) error { return nil }

// A batch is what one Prepare has. Its token is the middle of its keys.
type batch struct {
	Version  int      `json:"v"`
	Token    string   `json:"token"`
	Schema   string   `json:"schema"`
	Elements [][]byte `json:"elements"`
}

const batchVersion = 1

type writer[T any] struct {
	coder    *coder.Coder[T]
	elements [][]byte
}

func (w *writer[T]) Write(_ context.Context, v *T, _ *model.Meta) error {
	encoded, err := w.coder.Append(nil, v)
	if err != nil {
		return err
	}
	w.elements = append(w.elements, encoded)
	return nil
}

// Prepare implements [sink.Writer]. The token is drawn, and not made of the number of the
// checkpoint: one that comes to nothing gives its number to the next.
func (w *writer[T]) Prepare(context.Context) ([]byte, error) {
	if len(w.elements) == 0 {
		return nil, nil
	}
	b := batch{batchVersion, rand.Text(), w.coder.Schema().String(), w.elements}
	w.elements = nil
	return stored.Encode(b), nil
}

func (w *writer[T]) Close() error { return nil }

// Commit implements [sink.Sink]. Shards are delivered side by side, the batches of one in
// turn.
func (o *outbox[T]) Commit(ctx context.Context, prepared []sink.Committable) error {
	if err := o.Validate(); err != nil {
		return err
	}
	shards := map[int][]batch{}
	for _, c := range prepared {
		b, err := o.decode(c.Data)
		if err != nil {
			return err
		}
		shards[c.Shard.Index] = append(shards[c.Shard.Index], b)
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	var errs []error
	for _, batches := range shards {
		all.Go(func() {
			err := fmt.Errorf("outbox: %s: the function that delivers ended its goroutine; return an error instead", o.name)
			defer func() {
				mu.Lock()
				defer mu.Unlock()
				errs = append(errs, err)
			}()
			err = o.deliverAll(ctx, batches)
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

func (o *outbox[T]) decode(data []byte) (b batch, err error) {
	if err := stored.Decode("batch", data, batchVersion, &b); err != nil {
		return b, fmt.Errorf("outbox: %s: %w", o.name, err)
	}
	if is := o.coder.Schema().String(); b.Schema != is {
		return b, fmt.Errorf("outbox: %s: a batch that is still to be delivered was written as\n%s\nand would be read as\n%s\nrun the program that wrote it until it is delivered", o.name, b.Schema, is)
	}
	return b, nil
}

func (o *outbox[T]) deliverAll(ctx context.Context, batches []batch) error {
	for _, b := range batches {
		done := o.progress(b.Token)
		for i, encoded := range b.Elements {
			if i < done {
				continue
			}
			key := fmt.Sprintf("%s-%s-%d", o.name, b.Token, i)
			if err := o.deliverOne(ctx, key, encoded); err != nil {
				o.note(b.Token, i)
				return fmt.Errorf("outbox: delivering %s, after %d of the %d elements of its batch: %w", key, i, len(b.Elements), err)
			}
		}
		o.forget(b.Token)
	}
	return nil
}

// deliverOne makes an error of a panic of the user's function, which no task runs.
func (o *outbox[T]) deliverOne(ctx context.Context, key string, encoded []byte) (err error) {
	var v T
	rest, err := o.coder.Decode(encoded, &v)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("%d bytes are left over", len(rest))
	}
	if err != nil {
		return stored.Damaged("batch", encoded, err)
	}
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	return o.deliver(ctx, key, v)
}

func (o *outbox[T]) progress(token string) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.delivered[token]
}

func (o *outbox[T]) note(token string, n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.delivered[token] = n
}

func (o *outbox[T]) forget(token string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.delivered, token)
}
