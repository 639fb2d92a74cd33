package reference_test

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/millrace/millrace/internal/engine"
	"github.com/millrace/millrace/internal/plan"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/source"
	"github.com/millrace/millrace/testing/reference"
)

// A number is an element: a value, unique in its case, under a key.
type number = model.KV[int, int]

// A script is a source of one split, of which each Read plays a step.
type script struct{ steps []reference.Step }

func (*script) Bounded() bool { return true }

func (*script) Splits(context.Context, int) ([]source.Split, error) {
	return []source.Split{{ID: "script"}}, nil
}

func (s *script) Open(_ context.Context, split source.Split) (source.Reader[number], error) {
	r := &player{left: s.steps, watermark: model.MinTimestamp}
	if split.Position != nil {
		left := 0
		if _, err := fmt.Sscan(string(split.Position), &left, (*int64)(&r.watermark)); err != nil {
			return nil, err
		}
		r.left = r.left[len(r.left)-left:]
	}
	return r, nil
}

type player struct {
	left      []reference.Step
	watermark model.Timestamp
}

func (r *player) Read(_ context.Context, _ int, emit func(*number, model.Timestamp)) (source.Status, error) {
	if len(r.left) > 0 {
		for _, e := range r.left[0].Elements {
			emit(&number{Key: e.Key, Value: e.Value}, e.At)
		}
		r.watermark = max(r.watermark, r.left[0].Watermark)
		r.left = r.left[1:]
	}
	return source.Status{Done: len(r.left) == 0}, nil
}

func (r *player) Watermark() model.Timestamp { return r.watermark }
func (r *player) Position() source.Split {
	return source.Split{ID: "script", Position: fmt.Append(nil, len(r.left), " ", int64(r.watermark))}
}
func (*player) Progress() source.Progress { return source.Progress{} }
func (*player) Close() error              { return nil }

// A layout is how a pipeline is cut up to be run.
type layout struct {
	parallelism, batch, groups int
	// drained says that all that a step causes is done before the next; otherwise
	// elements wait in their batches, and messages on their way.
	drained bool
	// restart, if positive, is the step after which all tasks are saved, and others
	// go on from there.
	restart  int
	rescales bool // they may be more or fewer
	// room is how many bytes of cells by key tasks keep in memory, of those that restart;
	// 0 is all.
	room int64
}

// A rig steps the tasks of a pipeline with one script in one goroutine. Messages of
// different tasks are delivered in an order drawn from a seed; those from one task
// to another stay in order.
type rig struct {
	layout
	rng   *rand.Rand
	tasks [][]*engine.Task // by stage
	lanes [][][]lane       // by stage, task and channel
	pools map[any]*stack
	step  int // that is played
	now   model.Timestamp

	pipeline *model.Pipeline
	before   map[string]engine.Counts // by node, of tasks that were restarted
	saved    map[string][]byte
}

// A lane is what is under way between two tasks.
type lane []engine.Message

// A stack is a Pool that hands out what came back last, so that a batch that is
// still in use is overwritten soon.
type stack []any

func (s *stack) Put(b any) { *s = append(*s, b) }

func (s *stack) Get() any {
	n := len(*s)
	if n == 0 {
		return nil
	}
	b := (*s)[n-1]
	*s = (*s)[:n-1]
	return b
}

func newRig(p *model.Pipeline, l layout, seed uint64) (*rig, error) {
	r := &rig{
		layout: l, rng: rand.New(rand.NewPCG(seed, 0)), pools: map[any]*stack{}, now: model.MinTimestamp,
		pipeline: p, before: map[string]engine.Counts{}, saved: map[string][]byte{},
	}
	if err := r.build(nil); err != nil {
		return nil, err
	}
	return r, r.open(source.Split{ID: "script"})
}

// build makes the tasks, from the saved state if at says how far each stage was.
func (r *rig) build(at []engine.Snapshot) error {
	pl, err := plan.New(r.pipeline)
	if err != nil {
		return err
	}
	l := r.layout
	r.tasks, r.lanes = nil, nil
	ids := map[string]uint32{}
	for _, s := range pl.Stages {
		var tasks []*engine.Task
		for i := range l.parallelism {
			t, err := engine.NewTask(engine.Config{
				Context: context.Background(), Stage: s, Index: i, Of: l.parallelism, KeyGroups: l.groups,
				BatchSize: l.batch, Store: r.store(s, i, ids), Pool: r.pool,
			})
			if err != nil {
				return err
			}
			if at != nil {
				if err := t.Store().Load(r.scan); err != nil {
					return err
				}
				t.Restore(at[s.ID].Watermark, at[s.ID].Out, at[s.ID].Now)
			}
			if err := t.Begin(); err != nil {
				return err
			}
			tasks = append(tasks, t)
		}
		r.tasks = append(r.tasks, tasks)
		lanes := make([][]lane, l.parallelism)
		for i := range lanes {
			lanes[i] = make([]lane, len(s.Feeds)*l.parallelism)
		}
		r.lanes = append(r.lanes, lanes)
	}
	return nil
}

// open gives the split of the script, which is read by stage 0, to its first task,
// and ends the others.
func (r *rig) open(s source.Split) error {
	if err := r.tasks[0][0].AddSplit(s); err != nil {
		return err
	}
	r.tasks[0][0].SetFloor(model.MaxTimestamp)
	for _, t := range r.tasks[0][1:] {
		if err := t.EndSource(false); err != nil {
			return err
		}
		r.post(t)
	}
	return r.settle()
}

func (r *rig) pool(n *model.Node, port int) engine.Pool {
	k := struct {
		*model.Node
		int
	}{n, port}
	if r.pools[k] == nil {
		r.pools[k] = &stack{}
	}
	return r.pools[k]
}

// play plays the steps, and calls after, if it is set, after each.
func (r *rig) play(steps []reference.Step, after func()) error {
	head := r.tasks[0][0]
	now := model.MinTimestamp
	for i, s := range steps {
		if s.Now > now { // what was there before must not see a later time
			if err := r.drain(); err != nil {
				return err
			}
			now = s.Now
			r.step = i
			if err := r.advanceProcessingTime(now); err != nil {
				return err
			}
		}
		r.step = i
		if _, err := head.Poll(1); err != nil {
			return err
		}
		if i == len(steps)-1 {
			if err := head.EndSource(false); err != nil {
				return err
			}
		}
		r.post(head)
		next := r.deliverSome
		if r.drained || i == len(steps)-1 {
			next = r.drain
		}
		if err := next(); err != nil {
			return err
		}
		if after != nil {
			after()
		}
		if i+1 == r.restart && i < len(steps)-1 {
			if err := r.restartTasks(); err != nil {
				return err
			}
			head = r.tasks[0][0]
		}
	}
	return nil
}

// advanceProcessingTime tells the tasks that have asked for it what time it is. Others
// get to know it with their next message.
func (r *rig) advanceProcessingTime(now model.Timestamp) error {
	r.now = now
	for _, tasks := range r.tasks {
		for _, t := range tasks {
			if t.NextProcessingTime() > now {
				continue
			}
			if err := t.AdvanceProcessingTime(now); err != nil {
				return err
			}
			r.post(t)
		}
	}
	return r.drain()
}

// drain does all that there is to do: each round gets everything a stage further.
func (r *rig) drain() error {
	for range r.tasks {
		for _, tasks := range r.tasks {
			for _, t := range tasks {
				t.Flush()
				r.post(t)
			}
		}
		if err := r.settle(); err != nil {
			return err
		}
	}
	return nil
}

// post takes t's outbox to the lanes.
func (r *rig) post(t *engine.Task) {
	for _, e := range t.Outbox() {
		l := &r.lanes[e.Stage][e.Task][e.Message.Channel]
		*l = append(*l, e.Message)
	}
}

// settle delivers all that is under way, and what follows from it.
func (r *rig) settle() error {
	for {
		if more, err := r.deliver(); !more || err != nil {
			return err
		}
	}
}

// deliverSome delivers a few messages.
func (r *rig) deliverSome() error {
	for range r.rng.IntN(6) {
		if more, err := r.deliver(); !more || err != nil {
			return err
		}
	}
	return nil
}

// deliver delivers the next message of some lane.
func (r *rig) deliver() (more bool, err error) {
	type place struct{ stage, task, channel int }
	var waiting []place
	for stage, tasks := range r.lanes {
		for task, channels := range tasks {
			for channel, l := range channels {
				if len(l) > 0 {
					waiting = append(waiting, place{stage, task, channel})
				}
			}
		}
	}
	if len(waiting) == 0 {
		return false, nil
	}
	at := waiting[r.rng.IntN(len(waiting))]
	l := &r.lanes[at.stage][at.task][at.channel]
	m := (*l)[0]
	*l = (*l)[1:]
	t := r.tasks[at.stage][at.task]
	if err := t.AdvanceProcessingTime(r.now); err != nil {
		return false, err
	}
	err = t.Receive(m)
	r.post(t)
	return true, err
}

// watermark is the output watermark of a stage.
func (r *rig) watermark(stage int) model.Timestamp {
	wm := model.MaxTimestamp
	for _, t := range r.tasks[stage] {
		wm = min(wm, t.Watermark())
	}
	return wm
}

// counts adds up what the node of that name counted in all its tasks.
func (r *rig) counts(name string) (sum engine.Counts) {
	sum = r.before[name]
	for _, tasks := range r.tasks {
		for _, t := range tasks {
			t.Counts(func(n *model.Node, c engine.Counts) {
				if n.Name == name {
					sum.Add(c)
				}
			})
		}
	}
	return sum
}
