package engine

import (
	"fmt"

	"github.com/millrace/millrace/internal/engine/cells"
	"github.com/millrace/millrace/model"
)

// alignment holds back what follows a barrier until it has arrived on every
// channel, so that a checkpoint has all that is in front of the barrier, and
// nothing of what is behind it.
type alignment struct {
	barrier uint64 // that is awaited; 0 is none
	arrived []bool // by channel
	held    []Message
}

// holds keeps m if it is behind the barrier on its channel.
func (a *alignment) holds(m Message) bool {
	if a.barrier == 0 || !a.arrived[m.Channel] {
		return false
	}
	a.held = append(a.held, m)
	return true
}

func (a *alignment) arrive(m Message, in *watermarks) {
	if a.barrier == 0 {
		a.barrier = m.Barrier
		if a.arrived == nil {
			a.arrived = make([]bool, len(in.channel))
		}
		clear(a.arrived)
	}
	a.arrived[m.Channel] = true
}

// complete reports whether the barrier has arrived on every channel that has not
// ended.
func (a *alignment) complete(in *watermarks) bool {
	if a.barrier == 0 {
		return false
	}
	for i, arrived := range a.arrived {
		if !arrived && !in.ended[i] {
			return false
		}
	}
	return true
}

// Aligning reports whether the task awaits a barrier on some channels, and holds
// back what comes on the others.
func (t *Task) Aligning() bool { return t.align.barrier != 0 }

// Held is how many messages the task holds back.
func (t *Task) Held() int { return len(t.align.held) }

// Passed reports whether channel waits for the others.
func (t *Task) Passed(channel int) bool { return t.align.barrier != 0 && t.align.arrived[channel] }

// aligned takes the task through a barrier that has arrived everywhere, and then
// through what was held back.
func (t *Task) aligned() {
	for t.err == nil && t.align.complete(t.in) {
		id := t.align.barrier
		t.align.barrier = 0
		t.cross(id)
		held := t.align.held
		t.align.held = nil
		for i, m := range held {
			if t.err != nil {
				return
			}
			if t.align.holds(m) { // the next barrier is here already
				continue
			}
			held[i] = Message{}
			t.take(m)
		}
	}
}

// Barrier takes a source's task through a barrier: what it has read so far belongs
// to the checkpoint.
func (t *Task) Barrier(id uint64) error {
	if t.err == nil {
		t.sourceBarrier(id)
	}
	return t.err
}

func (t *Task) sourceBarrier(id uint64) {
	defer t.recover()
	t.cross(id)
}

// Capture takes a task that is done, and which no barrier reaches any more, into
// checkpoint id.
func (t *Task) Capture(id uint64) error {
	if t.err == nil {
		t.captureDone(id)
	}
	return t.err
}

func (t *Task) captureDone(id uint64) {
	defer t.recover()
	t.capture(id)
}

// cross fixes the task's part of checkpoint id and sends the barrier on, behind what
// operators kept in memory: a run that goes on from the checkpoint does not have it.
func (t *Task) cross(id uint64) {
	if t.flushOps(); t.err != nil {
		return
	}
	for _, s := range t.senders {
		s.barrier(id)
	}
	t.capture(id)
}

// A Snapshot is a task's part of a checkpoint, but for its cells, which the
// [cells.Durable] has.
type Snapshot struct {
	Barrier uint64
	// Watermark is that of the task's input, Out what it sent on, and Now its
	// processing time.
	Watermark, Out, Now model.Timestamp
	// Splits are what is left of those that the task reads.
	Splits []Split
	// Prepared is what sinks are ready to commit once the checkpoint is durable.
	Prepared []Prepared
	Done     bool
}

// capture takes the snapshot.
func (t *Task) capture(id uint64) {
	s := &Snapshot{Barrier: id, Watermark: model.MinTimestamp, Out: t.out, Now: t.now, Done: t.done}
	if t.in != nil {
		s.Watermark = t.in.min
	}
	for _, r := range t.readers {
		s.Splits = append(s.Splits, r.Position())
	}
	var err error
	if s.Prepared, err = t.Prepare(); err != nil {
		t.err = err
	}
	if d := t.Store(); d != nil {
		d.Freeze()
	}
	t.snapshot = s
}

// Snapshot hands over the task's part of the checkpoint whose barrier it has
// crossed since the last call; nil if it has not.
func (t *Task) Snapshot() *Snapshot {
	s := t.snapshot
	t.snapshot = nil
	return s
}

// HasSnapshot reports whether Snapshot has one.
func (t *Task) HasSnapshot() bool { return t.snapshot != nil }

// Store is what saves the task's cells, or nil.
func (t *Task) Store() *cells.Durable { return t.cfg.Store }

// unreadable fails the task if cells could not be read or written.
func (t *Task) unreadable() bool {
	d := t.Store()
	if d == nil || d.Failure() == nil {
		return false
	}
	if t.err == nil {
		t.err = fmt.Errorf("%v: %s: %w", t.cfg.Stage.Head.Site, t.cfg.Stage.Head.Name, d.Failure())
	}
	return true
}

// A restorer is a Receiver that queues what it finds in its cells after they were
// loaded.
type restorer interface {
	restored(watermark, now model.Timestamp)
}

// Restore has the task go on from a checkpoint: its cells have been loaded, and
// the watermark and the time were these. It must be called before the first step. It
// sends out once more, since those it feeds know only how far all of their input was,
// and the watermark that follows, which may be higher: what held it back may be another
// task's now.
func (t *Task) Restore(watermark, out, now model.Timestamp) {
	defer t.recover()
	t.out, t.now = out, now
	if t.in != nil {
		t.in.restore(watermark)
	}
	if r, ok := t.receiver.(restorer); ok {
		r.restored(watermark, now)
	}
	if out > model.MinTimestamp {
		for _, s := range t.senders {
			s.flush(out)
		}
	}
	if t.in != nil {
		t.forward()
	}
}

// Raise says that some of those that the task feeds were at watermark already. What it
// sends from before that is late there.
func (t *Task) Raise(watermark model.Timestamp) { t.out = max(t.out, watermark) }
