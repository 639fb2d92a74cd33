package engine

import (
	"github.com/millrace/millrace/internal/engine/cells"
	"github.com/millrace/millrace/model"
)

// A ReshuffleSpec is the ExchangeSpec that spreads elements evenly over the
// tasks of the next stage, as they are: with timestamp, window and pane.
//
// Where elements may be taken back, those of a window that come from one task stay
// together, so that none is overtaken by its retraction.
type ReshuffleSpec[T any] struct {
	// Tasks is how many tasks get elements; 0 is all of them.
	Tasks int
}

type shuffled[T any] struct {
	_    incomparable
	meta model.Meta
	v    T
}

// Sender implements [ExchangeSpec].
func (s *ReshuffleSpec[T]) Sender(op *Op, port int) any {
	out := newOutlet[shuffled[T]](op, port)
	first, of := op.Instance()
	if s.Tasks > 0 {
		of = min(of, s.Tasks)
	}
	if op.Node.Inputs[port].Windowing.Retractions {
		return Emit[T](func(m *model.Meta, v *T) {
			r := out.rowFor((first + windowTask(m.Window, of)) % of)
			r.meta, r.v = *m, *v
		})
	}
	next, turn := first%of, 0
	return Emit[T](func(m *model.Meta, v *T) {
		// Turns of a few rows: a batch is then filled in one go. One that was sent ends
		// the turn, or a slow stream would never get to the next task.
		if turn++; turn > reshuffleTurn || out.batches[next] == nil {
			turn = 1
			if next++; next == of {
				next = 0
			}
		}
		r := out.rowFor(next)
		r.meta, r.v = *m, *v
	})
}

// reshuffleTurn is how many rows go to a task before it is another's turn.
const reshuffleTurn = 16

// windowTask spreads windows over tasks.
func windowTask(w model.Window, of int) int {
	const odd = 0x9e3779b97f4a7c15 // spreads what is near over all bits
	return cells.KeyGroup((uint64(w.Start)*odd+uint64(w.End))*odd, of)
}

// Receiver implements [ExchangeSpec].
func (s *ReshuffleSpec[T]) Receiver(op *Op, outs [][]any) Receiver {
	return &passOn[T]{op: op, next: Tee[T](outs[0])}
}

// passOn is the Receiver without state.
type passOn[T any] struct {
	op   *Op
	next Emit[T]
}

func (p *passOn[T]) Receive(_ int, batch any) {
	rows := batch.(*Records[shuffled[T]]).Rows
	for i := range rows {
		if p.op.Failed() {
			return
		}
		p.next(&rows[i].meta, &rows[i].v)
	}
}

func (p *passOn[T]) Advance(model.Timestamp)               {}
func (p *passOn[T]) AdvanceProcessingTime(model.Timestamp) {}
func (p *passOn[T]) NextProcessingTime() model.Timestamp   { return model.MaxTimestamp }
func (p *passOn[T]) Hold() model.Timestamp                 { return model.MaxTimestamp }
