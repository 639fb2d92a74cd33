package engine

import (
	"fmt"

	"github.com/millrace/millrace/internal/plan"
	"github.com/millrace/millrace/model"
)

// A Record is one keyed part on its way to the task that owns the key.
type Record[K comparable, P any] struct {
	Hash   uint64
	Key    K
	Window model.Window    // a window, or a slice of several
	N      int64           // how many elements are in Part; -1 takes one back
	At     model.Timestamp // of the element, where N is 1 or -1
	Part   P
}

// AnyKey is the key.
func (r Record[K, P]) AnyKey() any { return r.Key }

func (r Record[K, P]) String() string { return fmt.Sprintf("%+v", r.Part) }

// Records is a batch. It belongs to one task at a time: the sender's until it is
// sent, the receiver's until it is back in the pool.
type Records[R any] struct{ Rows []R }

// An outlet is the near side of an exchange: a batch in the making for each task
// of the far side. It implements sender; what sits in front of it (lift) is
// drained by before.
type outlet[R any] struct {
	task    *Task
	stage   int
	channel int
	port    int
	batches []*Records[R] // by task
	owner   []int         // task by key group
	size    int           // rows that a new batch has room for
	limit   int
	pool    Pool
	// before, if set, is called before a watermark passes.
	before func(watermark model.Timestamp)
}

// newOutlet makes the outlet of op for an input of its node and registers it.
func newOutlet[R any](op *Op, port int) *outlet[R] {
	t := op.task
	var to *plan.Stage
	for _, tail := range t.cfg.Stage.Tails {
		if tail.Node == op.Node && tail.Port == port {
			to = tail.To
		}
	}
	feed := 0
	for i, f := range to.Feeds {
		if f.From == t.cfg.Stage && f.Port == port {
			feed = i
		}
	}
	o := &outlet[R]{
		task:    t,
		stage:   to.ID,
		channel: feed*t.cfg.Of + t.cfg.Index,
		port:    port,
		batches: make([]*Records[R], t.cfg.Of),
		owner:   make([]int, t.cfg.KeyGroups),
		size:    min(firstBatch, t.cfg.BatchSize),
		limit:   t.cfg.BatchSize,
		pool:    t.cfg.Pool(op.Node, port),
	}
	for g := range o.owner {
		o.owner[g] = Owner(g, t.cfg.KeyGroups, t.cfg.Of)
	}
	t.senders = append(t.senders, o)
	return o
}

// row is a new row of the batch for the task that owns hash; the caller fills
// it before it calls row again.
func (o *outlet[R]) row(hash uint64) *R { return o.rowFor(o.owner[KeyGroup(hash, len(o.owner))]) }

// rowFor is a new row of the batch for a task.
func (o *outlet[R]) rowFor(task int) *R {
	b := o.batches[task]
	switch {
	case b == nil:
		b = o.newBatch()
		o.batches[task] = b
	case len(b.Rows) < cap(b.Rows):
	case len(b.Rows) < o.limit:
		o.grow(b)
	default:
		o.send(task, model.MinTimestamp, false)
		b = o.newBatch()
		o.batches[task] = b
	}
	b.Rows = b.Rows[:len(b.Rows)+1]
	return &b.Rows[len(b.Rows)-1]
}

func (o *outlet[R]) newBatch() *Records[R] {
	if b, ok := o.pool.Get().(*Records[R]); ok {
		return b
	}
	return &Records[R]{Rows: make([]R, 0, o.size)}
}

// firstBatch is how many rows an outlet's first batches have room for: between
// many tasks there are many outlets, and most of them send little at a time.
const firstBatch = 16

// grow makes room in b, and in the batches that will be made.
func (o *outlet[R]) grow(b *Records[R]) {
	o.size = min(2*cap(b.Rows), o.limit)
	b.Rows = append(make([]R, 0, o.size), b.Rows...)
}

func (o *outlet[R]) send(task int, watermark model.Timestamp, end bool) {
	m := Message{Channel: o.channel, Port: o.port, Watermark: watermark, End: end, Idle: o.task.idle}
	if b := o.batches[task]; b != nil && len(b.Rows) > 0 {
		m.Batch = b
		o.batches[task] = nil
	}
	o.task.outbox = append(o.task.outbox, Envelope{Stage: o.stage, Task: task, Message: m})
}

func (o *outlet[R]) flush(watermark model.Timestamp) {
	if o.before != nil {
		o.before(watermark)
	}
	for task := range o.batches {
		o.send(task, watermark, false)
	}
}

func (o *outlet[R]) flushIdle() {
	o.beforeIdle()
	for task, b := range o.batches {
		if b != nil && len(b.Rows) > 0 {
			o.send(task, model.MinTimestamp, false)
		}
	}
}

func (o *outlet[R]) announce() {
	o.beforeIdle()
	for task := range o.batches {
		o.send(task, model.MinTimestamp, false)
	}
}

// beforeIdle drains what is in front of the outlet if the task is idle: others'
// watermarks do not wait for it.
func (o *outlet[R]) beforeIdle() {
	if o.before != nil && o.task.idle {
		o.before(model.MaxTimestamp)
	}
}

func (o *outlet[R]) barrier(id uint64) {
	if o.before != nil {
		o.before(model.MaxTimestamp)
	}
	for task := range o.batches {
		o.send(task, model.MinTimestamp, false)
		o.task.outbox[len(o.task.outbox)-1].Message.Barrier = id
	}
}

func (o *outlet[R]) end() {
	if o.before != nil {
		o.before(model.MaxTimestamp)
	}
	for task := range o.batches {
		o.send(task, model.MinTimestamp, true)
	}
}

// Reset empties b for reuse.
func (b *Records[R]) Reset() {
	clear(b.Rows)
	b.Rows = b.Rows[:0]
}
