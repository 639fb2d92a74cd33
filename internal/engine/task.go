package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/millrace/millrace/internal/engine/cells"
	"github.com/millrace/millrace/internal/plan"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/source"
)

// A FusedSpec is the Spec of a [model.Fused] node: what the node does with an
// element, given where its outputs go.
type FusedSpec interface {
	// Fuse returns the Emit that takes the node's input. outs[port] are the Emits
	// that take output port.
	Fuse(op *Op, outs [][]any) any
}

// An ExchangeSpec is the Spec of a [model.Exchange] node.
type ExchangeSpec interface {
	// Sender returns the Emit that takes input port in the upstream stage, and
	// registers with op what must be flushed before a watermark passes.
	Sender(op *Op, port int) any
	// Receiver returns the other side.
	Receiver(op *Op, outs [][]any) Receiver
}

// A SourceSpec is the Spec of a [model.Source] node.
type SourceSpec interface {
	Bounded() bool
	// Concurrent reports whether all splits are to be read at once.
	Concurrent() bool
	Lockstep() bool
	// IdleAfter is how long a split has nothing until it is idle; 0 is for ever.
	IdleAfter() time.Duration
	Splits(ctx context.Context, hint int) ([]Split, error)
	// Head returns what opens splits in one task.
	Head(op *Op, outs [][]any) SourceHead
}

// A Receiver is the operator at the head of a stage that an exchange feeds.
type Receiver interface {
	// Receive processes a batch that a sender of the same spec made for port. The
	// batch may be reused afterwards.
	Receive(port int, batch any)
	// Advance raises the input watermark.
	Advance(watermark model.Timestamp)
	// AdvanceProcessingTime says that processing time is now.
	AdvanceProcessingTime(now model.Timestamp)
	// NextProcessingTime is when the receiver next wants to be told the processing
	// time; MaxTimestamp is never.
	NextProcessingTime() model.Timestamp
	// Hold is a lower bound on the timestamps of what the receiver will still emit
	// because of what it has seen; MaxTimestamp if nothing.
	Hold() model.Timestamp
}

// A Message travels from a task of one stage to a task of another. The batch, if
// any, comes before the watermark; the end, if any, after both.
type Message struct {
	// Channel is the sending task as the receiving one numbers its senders.
	Channel int
	Port    int
	Batch   any
	// Watermark is MinTimestamp where there is no news.
	Watermark model.Timestamp
	// Idle says that the channel, from here to its next message, is idle: nothing
	// is to be expected of it for now, and its watermark holds nothing back.
	Idle bool
	// Barrier, if not 0, ends what belongs to the checkpoint of that number. It comes
	// after the batch and the watermark.
	Barrier uint64
	End     bool
}

// An Envelope is a message with its address.
type Envelope struct {
	Stage, Task int
	Message     Message
}

// A Pool keeps batches of one edge for reuse.
type Pool interface {
	Get() any // nil if there is none
	Put(batch any)
}

// A Config is what a task is given by the runner that hosts it.
type Config struct {
	// Context is handed to user code.
	Context context.Context
	Stage   *plan.Stage
	// Index numbers the task among the Of tasks of its stage; every stage has as many.
	Index, Of int
	KeyGroups int
	// BatchSize is how many records a batch holds at most.
	BatchSize int
	// Store keeps the task's state; nil keeps it in memory only.
	Store *cells.Durable
	// Resumed says of a sink that the run goes on from a checkpoint that knows it; nil
	// is never.
	Resumed func(*model.Node) bool
	// FirstPrepare and Owner are for the sinks that are resumed, and for all of them.
	FirstPrepare uint64
	Owner        string
	// Pool returns the pool of the batches that arrive at an exchange's port.
	Pool func(n *model.Node, port int) Pool
}

// A Task is one instance of a stage: the head, the fused transforms behind it,
// and the senders at its end, built anew for each task. It is stepped by its
// runner, by one goroutine at a time. After each step the runner takes the
// outbox. A task that returned an error is not stepped again.
type Task struct {
	cfg      Config
	ops      []*Op
	receiver Receiver
	source   SourceHead
	head     *Op // of a source
	readers  []*reading
	idleFor  time.Duration   // that makes a split idle; 0 is never
	read     source.Progress // of splits that are done
	pools    []Pool          // of the head's ports

	in      *watermarks
	inPorts *portWatermarks // of a PortReceiver
	floor   model.Timestamp // of splits not given to any task
	out     model.Timestamp // the watermark that was sent on
	idle    bool            // as was sent on
	senders []sender
	outbox  []Envelope
	now     model.Timestamp
	err     error
	cursor  cursor
	rowMeta model.Meta // of the row that a grouping takes, for the cursor
	done    bool
	align   alignment

	snapshot *Snapshot
}

// A sender is the near side of an exchange.
type sender interface {
	// flush sends all that must not be overtaken by watermark, and then the
	// watermark to every task of the far side.
	flush(watermark model.Timestamp)
	// flushIdle sends what waits only for a batch to fill.
	flushIdle()
	// announce sends whether the task is idle. If it is, all else is sent before,
	// since watermarks may pass it by.
	announce()
	// barrier sends whatever is left, and then the barrier.
	barrier(id uint64)
	// end sends whatever is left and says that nothing will follow.
	end()
}

// NewTask builds a task. An error, or a panic in user code that makes instances of
// itself, leaves nothing to close.
func NewTask(cfg Config) (*Task, error) {
	t := &Task{cfg: cfg, out: model.MinTimestamp, floor: model.MinTimestamp, now: model.MinTimestamp}
	if err := t.guard(nil, t.build); err != nil {
		return nil, err
	}
	return t, nil
}

func (t *Task) build() error {
	cfg, emits := &t.cfg, map[*model.Node]any{}
	s := cfg.Stage
	for i := len(s.Body) - 1; i >= 0; i-- {
		n := s.Body[i]
		spec, ok := n.Spec.(FusedSpec)
		if !ok {
			return fmt.Errorf("engine: %s: %T is no FusedSpec", n.Name, n.Spec)
		}
		op, outs := t.op(n), t.outs(n, emits)
		t.cursor.op = op
		emits[n] = spec.Fuse(op, outs)
	}
	t.cursor.op = nil // which is the head
	switch spec := s.Head.Spec.(type) {
	case SourceSpec:
		t.head = t.op(s.Head)
		t.source = spec.Head(t.head, t.outs(s.Head, emits))
		t.idleFor = spec.IdleAfter()
	case ExchangeSpec:
		t.receiver = spec.Receiver(t.op(s.Head), t.outs(s.Head, emits))
		t.in = newWatermarks(len(s.Feeds) * cfg.Of)
		if r, ok := t.receiver.(PortReceiver); ok {
			t.inPorts = newPortWatermarks(r, s, cfg.Of)
		}
		for port := range s.Head.Inputs {
			t.pools = append(t.pools, cfg.Pool(s.Head, port))
		}
	default:
		return fmt.Errorf("engine: %s: %T is neither a SourceSpec nor an ExchangeSpec", s.Head.Name, spec)
	}
	return nil
}

func (t *Task) op(n *model.Node) *Op {
	op := &Op{task: t, Node: n}
	t.ops = append(t.ops, op)
	return op
}

// outs lists what takes each output of n, making a sender where that is the
// input of an exchange.
func (t *Task) outs(n *model.Node, emits map[*model.Node]any) [][]any {
	outs := make([][]any, len(n.Outputs))
	for port, c := range n.Outputs {
		for _, use := range c.Consumers {
			if use.Node.Class == model.Exchange {
				op := t.op(use.Node)
				op.sends = true
				outs[port] = append(outs[port], use.Node.Spec.(ExchangeSpec).Sender(op, use.Port))
				continue
			}
			outs[port] = append(outs[port], emits[use.Node])
		}
	}
	return outs
}

// Receive takes a message.
func (t *Task) Receive(m Message) error {
	if t.err != nil {
		return t.err
	}
	t.receive(m)
	return t.err
}

func (t *Task) receive(m Message) {
	defer t.recover()
	if t.align.holds(m) {
		return
	}
	t.take(m)
	t.aligned()
}

// take does what m says.
func (t *Task) take(m Message) {
	if !m.Idle && !m.End {
		t.setIdle(m.Channel, false)
	}
	if m.Batch != nil {
		t.receiver.Receive(m.Port, m.Batch)
		m.Batch.(interface{ Reset() }).Reset()
		t.pools[m.Port].Put(m.Batch)
		t.cursor.op = nil // it may be at a row that is another task's now
	}
	switch {
	case m.Watermark == model.MinTimestamp || t.err != nil:
	case t.inPorts != nil:
		t.inPorts.advance(m.Channel, m.Watermark)
	case t.in.advance(m.Channel, m.Watermark):
		t.receiver.Advance(t.in.min)
	}
	if m.Idle && t.err == nil {
		t.setIdle(m.Channel, true)
	}
	t.forward()
	if m.Barrier != 0 && t.err == nil {
		t.align.arrive(m, t.in)
	}
	if m.End {
		t.in.end(m.Channel)
		if t.in.open == 0 && t.err == nil {
			t.finish()
		}
	}
}

// setIdle notes whether a channel is idle.
func (t *Task) setIdle(channel int, idle bool) {
	switch {
	case t.inPorts != nil:
		t.inPorts.setIdle(channel, idle)
	case t.in.setIdle(channel, idle):
		t.receiver.Advance(t.in.min)
	}
}

// AdvanceProcessingTime says what time it is.
func (t *Task) AdvanceProcessingTime(now model.Timestamp) error {
	switch {
	case t.err != nil || now <= t.now:
	case t.receiver == nil:
		t.now = now
	default:
		t.advanceProcessingTime(now)
	}
	return t.err
}

func (t *Task) advanceProcessingTime(now model.Timestamp) {
	defer t.recover()
	t.now = now
	t.receiver.AdvanceProcessingTime(now)
	t.forward()
}

// NextProcessingTime is when the task wants to be told the time again;
// MaxTimestamp is never.
func (t *Task) NextProcessingTime() model.Timestamp {
	switch {
	case t.done:
		return model.MaxTimestamp
	case t.receiver == nil:
		return t.nextReading()
	}
	return t.receiver.NextProcessingTime()
}

// forward sends the watermark on when it rose, and whether the task is idle when
// that changed.
func (t *Task) forward() {
	if t.err != nil {
		return
	}
	was := t.idle
	t.idle = t.isIdle()
	w := t.watermark()
	if t.unreadable() {
		return
	}
	if w > t.out {
		for _, s := range t.senders {
			s.flush(w)
		}
		t.out = w
		if !t.idle {
			return // which the messages have said
		}
	}
	if t.idle != was {
		for _, s := range t.senders {
			s.announce()
		}
	}
}

// watermark is the lower bound on what the task will still send.
func (t *Task) watermark() model.Timestamp {
	switch {
	case t.inPorts != nil:
		return t.receiver.Hold()
	case t.receiver != nil:
		return min(t.in.min, t.receiver.Hold())
	}
	w, highest := t.floor, model.MinTimestamp
	for _, r := range t.readers {
		r.watermark = r.Watermark()
		highest = max(highest, r.watermark)
		if !r.idle {
			w = min(w, r.watermark)
		}
	}
	if t.idle { // as for channels, in watermarks
		return highest
	}
	return w
}

// isIdle reports whether nothing is to be expected of the task until an idle split
// comes back to life. What it holds back is still to come.
func (t *Task) isIdle() bool {
	in := t.in
	switch {
	case t.receiver == nil:
		return t.onlyIdle()
	case t.inPorts != nil:
		in = t.inPorts.ports[0] // the main input, which the others only serve
	}
	return in.idles > 0 && in.isIdle() && t.receiver.Hold() >= in.min
}

// flushOps has operators let go of what they keep only in memory, in topological order.
func (t *Task) flushOps() {
	for i := len(t.ops) - 1; i >= 0 && t.err == nil; i-- {
		if f := t.ops[i].flush; f != nil {
			t.ops[i].Enter(&model.Meta{}, nil)
			f()
		}
	}
}

// finish ends the task: operators first, then senders.
func (t *Task) finish() {
	t.flushOps()
	if t.err != nil {
		return
	}
	for _, s := range t.senders {
		s.end()
	}
	t.done = true
}

// Flush sends on what waits only for a batch to fill: to be called when the
// task has nothing else to do.
func (t *Task) Flush() {
	if t.err != nil {
		return
	}
	for _, s := range t.senders {
		s.flushIdle()
	}
}

// Outbox returns what the task sent since the last call. The slice is the
// task's and holds until its next step.
func (t *Task) Outbox() []Envelope {
	out := t.outbox
	t.outbox = t.outbox[:0]
	return out
}

// Done reports whether the task has sent its last message.
func (t *Task) Done() bool { return t.done }

// Watermark is what the task last sent on.
func (t *Task) Watermark() model.Timestamp { return t.out }

// Close lets go of what operators hold open. It is called once, however the
// task ended.
func (t *Task) Close() error {
	var first error
	for _, r := range t.readers {
		if err := t.guard(nil, r.Close); err != nil && first == nil {
			first = t.sourceError(r.id, fmt.Errorf("closing: %w", err))
		}
	}
	t.readers = nil
	for i := len(t.ops) - 1; i >= 0; i-- {
		if c := t.ops[i].close; c != nil {
			if err := t.guard(t.ops[i], c); err != nil && first == nil {
				first = err
			}
		}
	}
	return first
}
