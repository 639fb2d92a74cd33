package fnengine

import (
	"errors"
	"fmt"
	"strconv"
	"sync"

	fnpb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/fnexecution_v1"
)

// A Worker is one that has connected.
type Worker struct {
	e  *Engine
	id string

	control fnpb.BeamFnControl_ControlServer
	sending sync.Mutex // of control
	gone    chan struct{}
	kill    chan struct{} // closed by Kill

	// Guarded by the engine's mu.
	data    fnpb.BeamFnData_DataServer
	dataMu  sync.Mutex // of sending
	answers map[string]chan *fnpb.InstructionResponse
}

var errGone = errors.New("the worker has gone")

// Worker waits for the worker of that id to connect.
func (e *Engine) Worker(id string) *Worker {
	e.mu.Lock()
	defer e.mu.Unlock()
	for e.workers[id] == nil && !e.closed {
		e.changed.Wait()
	}
	return e.workers[id]
}

// Control is the service's.
func (e *Engine) Control(s fnpb.BeamFnControl_ControlServer) error {
	w := &Worker{e: e, id: workerID(s.Context()), control: s, gone: make(chan struct{}), kill: make(chan struct{}),
		answers: map[string]chan *fnpb.InstructionResponse{}}
	e.mu.Lock()
	e.workers[w.id], e.known[w.id] = w, true
	e.changed.Broadcast()
	e.mu.Unlock()
	received := make(chan struct{})
	go func() {
		defer close(received)
		for {
			m, err := s.Recv()
			if err != nil {
				return
			}
			w.answered(m)
		}
	}()
	select {
	case <-received:
	case <-w.kill:
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.workers[w.id] == w {
		delete(e.workers, w.id)
	}
	close(w.gone)
	e.changed.Broadcast()
	return nil
}

func (w *Worker) answered(m *fnpb.InstructionResponse) {
	w.e.mu.Lock()
	defer w.e.mu.Unlock()
	c := w.answers[m.GetInstructionId()]
	if c == nil {
		w.e.violation("worker %s answered %q, which was not asked or has been answered", w.id, m.GetInstructionId())
		return
	}
	delete(w.answers, m.GetInstructionId())
	if a := w.e.attempts[m.GetInstructionId()]; a != nil {
		a.answered = true
	}
	c <- m
}

// Kill closes the control channel, as an engine does that has given up a worker.
func (w *Worker) Kill() {
	close(w.kill)
	<-w.gone
}

// ask sends an instruction; wait returns the answer.
func (w *Worker) ask(id string, r *fnpb.InstructionRequest) (wait func() (*fnpb.InstructionResponse, error)) {
	c := make(chan *fnpb.InstructionResponse, 1)
	w.e.mu.Lock()
	w.answers[id] = c
	w.e.mu.Unlock()
	r.InstructionId = id
	w.sending.Lock()
	err := w.control.Send(r)
	w.sending.Unlock()
	return func() (*fnpb.InstructionResponse, error) {
		if err != nil {
			return nil, err
		}
		select {
		case m := <-c:
			if m.GetError() != "" {
				return nil, errors.New(m.GetError())
			}
			return m, nil
		case <-w.gone:
			return nil, errGone
		}
	}
}

// Ask sends an instruction and waits for the answer.
func (w *Worker) Ask(r *fnpb.InstructionRequest) (*fnpb.InstructionResponse, error) {
	return w.ask(w.e.newID("ask"), r)()
}

func (e *Engine) newID(kind string) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.next++
	return kind + "-" + strconv.Itoa(e.next)
}

// Data is the service's.
func (e *Engine) Data(s fnpb.BeamFnData_DataServer) error {
	id := workerID(s.Context())
	e.mu.Lock()
	switch w := e.workers[id]; {
	case w != nil:
		w.data = s
	case !e.known[id]:
		e.violation("a data channel of the worker %q, which has no control channel", id)
	}
	e.changed.Broadcast()
	e.mu.Unlock()
	for {
		m, err := s.Recv()
		if err != nil {
			return nil
		}
		e.output(id, m)
	}
}

// Send sends elements and timers over the data channel, whatever they are; the worker opens
// the channel with its first bundle.
func (w *Worker) Send(m *fnpb.Elements) error {
	w.e.mu.Lock()
	for w.data == nil && !w.e.closed && w.e.workers[w.id] == w {
		w.e.changed.Wait()
	}
	s := w.data
	w.e.mu.Unlock()
	if s == nil {
		return errGone
	}
	w.dataMu.Lock()
	defer w.dataMu.Unlock()
	return s.Send(m)
}

// output takes what an attempt emits.
func (e *Engine) output(worker string, m *fnpb.Elements) {
	e.mu.Lock()
	defer e.mu.Unlock()
	take := func(id, transform, family string, data []byte, last bool) {
		a := e.attempts[id]
		switch to := (end{transform, family}); {
		case a == nil:
			e.violation("worker %s sent output of %q, which is no bundle", worker, id)
		case a.closed[to] || !a.ends[to]:
			e.violation("worker %s sent output of %s to %v, which is no end of its stage or has ended", worker, id, to)
		default:
			a.out[to] = append(a.out[to], data...)
			a.closed[to] = last
		}
	}
	for _, d := range m.GetData() {
		take(d.GetInstructionId(), d.GetTransformId(), "", d.GetData(), d.GetIsLast())
	}
	for _, t := range m.GetTimers() {
		take(t.GetInstructionId(), t.GetTransformId(), t.GetTimerFamilyId(), t.GetTimers(), t.GetIsLast())
	}
	e.changed.Broadcast()
}

func (w *Worker) String() string { return fmt.Sprintf("worker %s", w.id) }
