package streamtest

import (
	"reflect"
	"sync"
	"testing"

	"github.com/millrace/millrace/internal/engine"
	"github.com/millrace/millrace/model"
)

// A CapturedWatermark is where the watermark of a collection was in a run, step by step.
type CapturedWatermark struct {
	collection model.Input

	mu    sync.Mutex
	tasks [][]movedTo // by task
	run   *outcome
}

// A movedTo is where a watermark went in a step.
type movedTo struct {
	step int
	at   model.Timestamp
}

// CaptureWatermark keeps where the watermark behind c goes when the pipeline is [Run]:
// what a grouping of c would see.
func CaptureWatermark[T any](c model.PCollection[T]) *CapturedWatermark {
	k := &CapturedWatermark{collection: c}
	c.Pipeline().Add(model.Definition{
		Kind:    "CaptureWatermark",
		Class:   model.Exchange,
		Spec:    &watermarkSpec[T]{captured: k},
		Inputs:  []model.Input{c},
		Outputs: []reflect.Type{reflect.TypeFor[T]()},
	})
	return k
}

// WantWatermark fails the test unless the watermark behind the collection is at want when
// step n of the script, counted from 1, is over.
func (k *CapturedWatermark) WantWatermark(t testing.TB, n int, want model.Timestamp) {
	t.Helper()
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.run == nil {
		t.Error("the pipeline was not run by streamtest.Run")
		return
	}
	if got := k.after(n); got != want {
		t.Errorf("behind %s, the watermark is at %v when step %d is over, want %v", k.collection.Collection().Producer.Name, got, n, want)
	}
}

// after is the lowest of the tasks' watermarks when step n is over.
func (k *CapturedWatermark) after(n int) model.Timestamp {
	lowest := model.MaxTimestamp
	for _, moves := range k.tasks {
		at := model.MinTimestamp
		for _, m := range moves {
			if m.step <= n {
				at = max(at, m.at)
			}
		}
		lowest = min(lowest, at)
	}
	return lowest
}

// A watermarkSpec is the spec of a CaptureWatermark's node, by which [Run] finds it.
type watermarkSpec[T any] struct {
	engine.ReshuffleSpec[T]
	captured *CapturedWatermark
}

func (s *watermarkSpec[T]) begin(o *outcome) {
	k := s.captured
	k.mu.Lock()
	defer k.mu.Unlock()
	k.tasks, k.run = nil, o
}

// Receiver implements engine.ExchangeSpec.
func (s *watermarkSpec[T]) Receiver(op *engine.Op, outs [][]any) engine.Receiver {
	index, of := op.Instance()
	k := s.captured
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.tasks == nil {
		k.tasks = make([][]movedTo, of)
	}
	return &watermarkReceiver{s.ReshuffleSpec.Receiver(op, outs), k, index}
}

type watermarkReceiver struct {
	engine.Receiver
	captured *CapturedWatermark
	task     int
}

func (r *watermarkReceiver) Advance(watermark model.Timestamp) {
	k := r.captured
	k.mu.Lock()
	step := 0
	if k.run != nil && k.run.play != nil {
		step = k.run.play.current()
	}
	k.tasks[r.task] = append(k.tasks[r.task], movedTo{step, watermark})
	k.mu.Unlock()
	r.Receiver.Advance(watermark)
}
