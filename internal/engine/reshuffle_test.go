package engine

import (
	"context"
	"slices"
	"testing"

	"github.com/millrace/millrace/internal/plan"
	"github.com/millrace/millrace/model"
)

// A shuffling is the near side of a Reshuffle to three tasks.
type shuffling struct {
	task *Task
	emit Emit[int]
}

func newShuffling(w model.Windowing) *shuffling {
	n := &model.Node{Class: model.Exchange, Inputs: []*model.Collection{{Windowing: &w}}}
	from, to := &plan.Stage{}, &plan.Stage{ID: 1}
	from.Tails = []plan.Tail{{Node: n, To: to}}
	to.Feeds = []plan.Feed{{From: from}}
	t := &Task{cfg: Config{
		Context: context.Background(), Stage: from, Of: 3, KeyGroups: 3, BatchSize: 1024, Store: nil,
		Pool: func(*model.Node, int) Pool { return noPool{} },
	}}
	op := &Op{task: t, Node: n}
	return &shuffling{t, (&ReshuffleSpec[int]{}).Sender(op, 0).(Emit[int])}
}

type noPool struct{}

func (noPool) Get() any { return nil }
func (noPool) Put(any)  {}

// sent are the tasks that got what was emitted since they were last asked for, once
// for each element.
func (s *shuffling) sent() (tasks []int) {
	s.task.Flush()
	for _, e := range s.task.Outbox() {
		for range e.Message.Batch.(*Records[shuffled[int]]).Rows {
			tasks = append(tasks, e.Task)
		}
	}
	return tasks
}

// A stream so slow that each element is sent on its own gets to every task.
func TestReshuffleSpreadsASlowStream(t *testing.T) {
	s := newShuffling(model.Windowing{})
	var got []int
	for v := range 6 {
		s.emit(&model.Meta{}, &v)
		got = append(got, s.sent()...)
	}
	if want := []int{1, 2, 0, 1, 2, 0}; !slices.Equal(got, want) {
		t.Errorf("the elements went to tasks %v, want %v", got, want)
	}
}

func TestReshuffleSpreadsAFastStream(t *testing.T) {
	s := newShuffling(model.Windowing{})
	for v := range 3 * 1000 {
		s.emit(&model.Meta{}, &v)
	}
	by := map[int]int{}
	for _, task := range s.sent() {
		by[task]++
	}
	for task := range 3 {
		if n := by[task]; n < 1000-reshuffleTurn || n > 1000+reshuffleTurn {
			t.Errorf("task %d got %d of 3000 elements, want a third, give or take a turn", task, n)
		}
	}
}

// What takes an element back goes the way that the element went, whatever came
// between; windows are spread.
func TestReshuffleKeepsRetractionsBehindWhatTheyTakeBack(t *testing.T) {
	s := newShuffling(model.Windowing{Retractions: true})
	used := map[int]bool{}
	for i := range model.Timestamp(20) {
		m := model.Meta{Window: model.Window{Start: i * 60, End: i*60 + 60}}
		v := 7
		s.emit(&m, &v)
		first := s.sent()
		m.Pane.Retraction = true
		s.emit(&m, &v)
		if second := s.sent(); !slices.Equal(first, second) {
			t.Errorf("window %v: the element went to task %v and its retraction to %v", m.Window, first, second)
		}
		used[first[0]] = true
	}
	if len(used) != 3 {
		t.Errorf("20 windows went to %d of 3 tasks", len(used))
	}
}
