package reference_test

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"

	"github.com/millrace/millrace/internal/engine"
	"github.com/millrace/millrace/internal/engine/cells"
	"github.com/millrace/millrace/internal/plan"
	"github.com/millrace/millrace/model"
)

// restartTasks takes all tasks through a checkpoint and has new ones go on from it,
// as many as there were or others.
func (r *rig) restartTasks() error {
	head := r.tasks[0][0]
	if err := head.Barrier(1); err != nil {
		return err
	}
	r.post(head)
	if err := r.settle(); err != nil {
		return err
	}
	var at []engine.Snapshot
	for stage, tasks := range r.tasks {
		for i, t := range tasks {
			s, err := r.save(t)
			if err != nil {
				return err
			}
			if i == 0 {
				at = append(at, *s)
				continue
			}
			if at[stage].Watermark != s.Watermark && stage > 0 {
				return fmt.Errorf("at the barrier, task %d of stage %d was at %v, and task 0 at %v", i, stage, s.Watermark, at[stage].Watermark)
			}
			at[stage].Out = min(at[stage].Out, s.Out)
			at[stage].Now = max(at[stage].Now, s.Now)
		}
	}
	split := at[0].Splits[0]
	if r.rescales {
		r.parallelism = 1 + r.rng.IntN(4)
	}
	if err := r.build(at); err != nil {
		return err
	}
	for _, tasks := range r.tasks {
		for _, t := range tasks {
			r.post(t)
		}
	}
	return r.open(split)
}

// save applies t's changes to what is saved, and adds up its counts.
func (r *rig) save(t *engine.Task) (*engine.Snapshot, error) {
	s := t.Snapshot()
	if s == nil {
		if !t.Done() {
			return nil, errors.New("a task did not get the barrier")
		}
		if err := t.Capture(1); err != nil {
			return nil, err
		}
		s = t.Snapshot()
	}
	for done := false; !done; {
		var err error
		if done, err = t.Store().Save(3); err != nil {
			return nil, err
		}
	}
	c := t.Store().Changes()
	r.apply(&c)
	t.Counts(func(n *model.Node, c engine.Counts) {
		sum := r.before[n.Name]
		sum.Add(c)
		r.before[n.Name] = sum
	})
	return s, nil
}

func (r *rig) apply(c *cells.Changes) {
	for start, end := range c.Drops() {
		maps.DeleteFunc(r.saved, func(k string, _ []byte) bool { return k >= string(start) && k < string(end) })
	}
	for k := range c.Gone() {
		delete(r.saved, string(k))
	}
	for k, v := range c.Puts() {
		r.saved[string(k)] = slices.Clone(v)
	}
}

func (r *rig) scan(start, end []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(k, v []byte) bool) {
		for _, k := range slices.Sorted(maps.Keys(r.saved)) {
			if k >= string(start) && k < string(end) && !yield([]byte(k), r.saved[k]) {
				return
			}
		}
	}
}

func (r *rig) store(s *plan.Stage, task int, ids map[string]uint32) *cells.Durable {
	if r.restart == 0 {
		return nil
	}
	d := cells.NewDurable(func(cell string) uint32 {
		name := s.Head.Name + "/" + cell
		if _, ok := ids[name]; !ok {
			ids[name] = uint32(len(ids) + 1)
		}
		return ids[name]
	}, r.groups, task, r.parallelism)
	if r.room > 0 {
		d.Page(&cells.Paging{Backing: backing{r}, Bytes: r.room})
	}
	return d
}

// backing is what a rig has saved, for tasks that keep little in memory.
type backing struct{ *rig }

func (b backing) Get(key, dst []byte) ([]byte, bool, error) {
	v, ok := b.saved[string(key)]
	return append(dst, v...), ok, nil
}

func (b backing) Scan(start, end []byte) (iter.Seq2[[]byte, []byte], func() error) {
	return b.scan(start, end), func() error { return nil }
}

func (b backing) Write(c *cells.Changes) error {
	b.apply(c)
	return nil
}
