package engine

import (
	"github.com/millrace/millrace/internal/engine/cells"
	"github.com/millrace/millrace/internal/plan"
	"github.com/millrace/millrace/model"
)

// A Record is one keyed part on its way to the task that owns the key.
type Record[K comparable, P any] struct {
	_      incomparable
	Hash   uint64
	Key    K
	Window model.Window    // a window, or a slice of several
	N      int64           // how many elements are in Part; -1 takes one back
	At     model.Timestamp // of the element, where N is 1 or -1
	Part   P
}

// incomparable keeps Go from making functions that compare a struct, for each type.
type incomparable [0]func()

func (r *Record[K, P]) told() (key, part any) { return r.Key, r.Part }

// A keyed element is one that errors tell by its key and its other part.
type keyedElement interface{ told() (key, part any) }

// Records is a batch. It belongs to one task at a time: the sender's until it is
// sent, the receiver's until it is back in the pool.
type Records[R any] struct{ Rows []R }

// Reset empties b for reuse.
func (b *Records[R]) Reset() {
	clear(b.Rows)
	b.Rows = b.Rows[:0]
}

// An outlet is the near side of an exchange: a batch in the making for each task
// of the far side. Its link sends them.
type outlet[R any] struct {
	link    *link         // not embedded: each of its methods would be compiled for each R
	batches []*Records[R] // by task
}

// newOutlet makes the outlet of op for an input of its node and registers it.
func newOutlet[R any](op *Op, port int) *outlet[R] {
	o := &outlet[R]{link: newLink(op, port)}
	o.batches = make([]*Records[R], o.link.tasks)
	o.link.take = func(task int) any {
		b := o.batches[task]
		if b == nil || len(b.Rows) == 0 {
			return nil
		}
		o.batches[task] = nil
		return b
	}
	return o
}

// row is a new row of the batch for the task that owns hash; the caller fills
// it before it calls row again.
func (o *outlet[R]) row(hash uint64) *R {
	return o.rowFor(o.link.taskOf(hash)) // small enough to be compiled into its callers
}

// rowFor is a new row of the batch for a task.
func (o *outlet[R]) rowFor(task int) *R {
	b := o.batches[task]
	if b == nil || len(b.Rows) == cap(b.Rows) {
		b = o.room(task, b)
	}
	b.Rows = b.Rows[:len(b.Rows)+1]
	return &b.Rows[len(b.Rows)-1]
}

// room is a batch for a task that has room for a row, where b has none.
func (o *outlet[R]) room(task int, b *Records[R]) *Records[R] {
	l := o.link
	if b != nil && len(b.Rows) < l.limit {
		l.size = min(2*cap(b.Rows), l.limit)
		b.Rows = append(make([]R, 0, l.size), b.Rows...)
		return b
	}
	if b != nil {
		l.send(task, model.MinTimestamp, false)
	}
	b, ok := l.pool.Get().(*Records[R])
	if !ok {
		b = &Records[R]{Rows: make([]R, 0, l.size)}
	}
	o.batches[task] = b
	return b
}

// A link is the part of an outlet that does not depend on its rows. It implements
// sender; what sits in front of it (lift) is drained by before.
type link struct {
	task *Task
	// take hands over the batch for a task; nil if there is nothing in it.
	take    func(task int) any
	stage   int
	channel int
	port    int
	tasks   int   // of the far side
	owner   []int // task by key group
	size    int   // rows that a new batch has room for
	limit   int
	pool    Pool
	// before, if set, is called before a watermark passes.
	before func(watermark model.Timestamp)
}

// firstBatch is how many rows an outlet's first batches have room for: between
// many tasks there are many outlets, and most of them send little at a time.
const firstBatch = 16

func newLink(op *Op, port int) *link {
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
	l := &link{
		task:    t,
		stage:   to.ID,
		channel: feed*t.cfg.Of + t.cfg.Index,
		port:    port,
		tasks:   t.cfg.Of,
		owner:   make([]int, t.cfg.KeyGroups),
		size:    min(firstBatch, t.cfg.BatchSize),
		limit:   t.cfg.BatchSize,
		pool:    t.cfg.Pool(op.Node, port),
	}
	for g := range l.owner {
		l.owner[g] = cells.Owner(g, t.cfg.KeyGroups, t.cfg.Of)
	}
	t.senders = append(t.senders, l)
	return l
}

// taskOf is the task that owns hash.
func (l *link) taskOf(hash uint64) int { return l.owner[cells.KeyGroup(hash, len(l.owner))] }

func (l *link) send(task int, watermark model.Timestamp, end bool) {
	l.post(task, Message{Batch: l.take(task), Watermark: watermark, End: end})
}

func (l *link) post(task int, m Message) {
	m.Channel, m.Port, m.Idle = l.channel, l.port, l.task.idle
	l.task.outbox = append(l.task.outbox, Envelope{Stage: l.stage, Task: task, Message: m})
}

func (l *link) flush(watermark model.Timestamp) {
	if l.before != nil {
		l.before(watermark)
	}
	for task := range l.tasks {
		l.send(task, watermark, false)
	}
}

func (l *link) flushIdle() {
	l.beforeIdle()
	for task := range l.tasks {
		if b := l.take(task); b != nil {
			l.post(task, Message{Batch: b, Watermark: model.MinTimestamp})
		}
	}
}

func (l *link) announce() {
	l.beforeIdle()
	for task := range l.tasks {
		l.send(task, model.MinTimestamp, false)
	}
}

// beforeIdle drains what is in front of the outlet if the task is idle: others'
// watermarks do not wait for it.
func (l *link) beforeIdle() {
	if l.before != nil && l.task.idle {
		l.before(model.MaxTimestamp)
	}
}

func (l *link) barrier(id uint64) {
	if l.before != nil {
		l.before(model.MaxTimestamp)
	}
	for task := range l.tasks {
		l.post(task, Message{Batch: l.take(task), Watermark: model.MinTimestamp, Barrier: id})
	}
}

func (l *link) end() {
	if l.before != nil {
		l.before(model.MaxTimestamp)
	}
	for task := range l.tasks {
		l.send(task, model.MinTimestamp, true)
	}
}
