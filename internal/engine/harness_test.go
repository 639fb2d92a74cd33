package engine_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/millrace/millrace/internal/engine"
	"github.com/millrace/millrace/internal/engine/cells"
	"github.com/millrace/millrace/internal/plan"
	"github.com/millrace/millrace/model"
)

// A harness steps the tasks of a pipeline in one goroutine, in an order drawn
// from a seed. All it promises is what a runner must: messages from one task
// to another stay in order.
type harness struct {
	rng    *rand.Rand
	tasks  [][]*engine.Task // by stage
	lanes  []*lane
	stages []*plan.Stage
	feeds  []*feeder
	pools  map[poolKey]*stack
	// tamper, if set, is given each message as it is sent, and queues what becomes
	// of it: the bugs that are planted.
	tamper func(to *lane, m engine.Message)
	// delivered, if set, is told of each message after it was taken.
	delivered func(on *lane, m engine.Message)
}

// A lane is the channel between two tasks.
type lane struct {
	stage, task, channel int
	queue                []engine.Message
	watermark            model.Timestamp // the last that went over
	ended                bool
}

// A feeder deals the splits of a source to its tasks.
type feeder struct {
	tasks   []*engine.Task
	dealt   [][]engine.Split // by task
	waiting []engine.Split   // to be pulled
	stopped bool             // the source does not end, and is stopped
	limit   int              // elements in a step
}

type poolKey struct {
	node *model.Node
	port int
}

// A stack is a Pool that hands out again what came back last, so that a batch
// which is still in use somewhere is overwritten soon.
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

// A layout is how a pipeline is cut up to be run.
type layout struct {
	parallelism, batch, groups int
	// limit is how many elements a source reads in a step.
	limit int
	// pulled says that tasks take splits one by one, not all at once.
	pulled bool
	// stopped says that sources do not end and are stopped.
	stopped bool
	// store makes the store of a task, if it is not to be Memory.
	store func(s *plan.Stage, task, of int) *cells.Durable
}

func (l layout) storeOf(s *plan.Stage, task int) *cells.Durable {
	if l.store == nil {
		return nil
	}
	return l.store(s, task, l.parallelism)
}

func newHarness(p *model.Pipeline, l layout, rng *rand.Rand) (*harness, error) {
	h := &harness{rng: rng, pools: map[poolKey]*stack{}}
	pl, err := plan.New(p)
	if err != nil {
		return nil, err
	}
	h.stages = pl.Stages
	for _, s := range pl.Stages {
		var tasks []*engine.Task
		for i := range l.parallelism {
			t, err := engine.NewTask(engine.Config{
				Context: context.Background(), Stage: s, Index: i, Of: l.parallelism, KeyGroups: l.groups,
				BatchSize: l.batch, Store: l.storeOf(s, i), Pool: h.pool,
			})
			if err != nil {
				return nil, err
			}
			if err := t.Begin(); err != nil {
				return nil, err
			}
			tasks = append(tasks, t)
		}
		h.tasks = append(h.tasks, tasks)
		for _, t := range tasks {
			for channel := range len(s.Feeds) * l.parallelism {
				h.lanes = append(h.lanes, &lane{stage: s.ID, task: slices.Index(tasks, t), channel: channel, watermark: model.MinTimestamp})
			}
		}
		if spec, ok := s.Head.Spec.(engine.SourceSpec); ok {
			if err := h.feed(spec, tasks, l); err != nil {
				return nil, err
			}
		}
	}
	return h, nil
}

func (h *harness) pool(n *model.Node, port int) engine.Pool {
	k := poolKey{n, port}
	if h.pools[k] == nil {
		h.pools[k] = &stack{}
	}
	return h.pools[k]
}

func (h *harness) feed(spec engine.SourceSpec, tasks []*engine.Task, l layout) error {
	splits, err := spec.Splits(context.Background(), l.parallelism)
	if err != nil {
		return err
	}
	f := &feeder{tasks: tasks, dealt: make([][]engine.Split, len(tasks)), stopped: l.stopped, limit: l.limit}
	if l.pulled {
		f.waiting = splits
	} else {
		for i, s := range splits {
			f.dealt[i%len(tasks)] = append(f.dealt[i%len(tasks)], s)
		}
	}
	h.feeds = append(h.feeds, f)
	return nil
}

// read is one step of source task i: what a runner does.
func (f *feeder) read(i, limit int) error {
	t := f.tasks[i]
	floor := model.MaxTimestamp
	if t.Readers() == 0 {
		list := f.dealt[i]
		f.dealt[i] = nil
		if len(f.waiting) > 0 {
			list, f.waiting = f.waiting[:1], f.waiting[1:]
		}
		if len(list) == 0 {
			return t.EndSource(false)
		}
		for _, s := range list {
			if err := t.AddSplit(s); err != nil {
				return err
			}
		}
	}
	if len(f.waiting) > 0 {
		floor = model.MinTimestamp
	}
	t.SetFloor(floor)
	status, err := t.Poll(limit)
	if err == nil && status.ResumeAfter > 0 && f.stopped && len(f.waiting) == 0 {
		return t.EndSource(true)
	}
	return err
}

// post takes t's outbox to the lanes.
func (h *harness) post(t *engine.Task) {
	for _, e := range t.Outbox() {
		to := h.lane(e)
		if h.tamper != nil {
			h.tamper(to, e.Message)
			continue
		}
		to.queue = append(to.queue, e.Message)
	}
}

func (h *harness) lane(e engine.Envelope) *lane {
	for _, l := range h.lanes {
		if l.stage == e.Stage && l.task == e.Task && l.channel == e.Message.Channel {
			return l
		}
	}
	panic(fmt.Sprintf("no lane for %+v", e))
}

// deliver takes the next message of l.
func (h *harness) deliver(l *lane) error {
	m := l.queue[0]
	l.queue = l.queue[1:]
	if l.ended {
		return fmt.Errorf("channel %d to task %d of stage %d goes on after its end", l.channel, l.task, l.stage)
	}
	if m.Watermark != model.MinTimestamp && m.Watermark < l.watermark {
		return fmt.Errorf("the watermark on channel %d to task %d of stage %d falls from %v to %v", l.channel, l.task, l.stage, l.watermark, m.Watermark)
	}
	t := h.tasks[l.stage][l.task]
	err := t.Receive(m)
	h.post(t)
	l.watermark, l.ended = max(l.watermark, m.Watermark), m.End
	if h.delivered != nil {
		h.delivered(l, m)
	}
	return err
}

// fed are the stages that the tasks of t's stage feed.
func (h *harness) fed(t *engine.Task) (stages []int) {
	for _, tail := range h.stageOf(t).Tails {
		stages = append(stages, tail.To.ID)
	}
	return stages
}

func (h *harness) stageOf(t *engine.Task) *plan.Stage {
	return h.stages[slices.IndexFunc(h.tasks, func(tasks []*engine.Task) bool { return slices.Contains(tasks, t) })]
}

// settle delivers, in some order, all that is under way, and what follows from it.
func (h *harness) settle() error {
	for {
		waiting := h.waiting()
		if len(waiting) == 0 {
			return nil
		}
		if err := h.deliver(waiting[h.rng.IntN(len(waiting))]); err != nil {
			return err
		}
	}
}

func (h *harness) waiting() (lanes []*lane) {
	for _, l := range h.lanes {
		if len(l.queue) > 0 {
			lanes = append(lanes, l)
		}
	}
	return lanes
}

// flushAll sends what waits for a batch to fill, everywhere.
func (h *harness) flushAll() {
	for _, tasks := range h.tasks {
		for _, t := range tasks {
			t.Flush()
			h.post(t)
		}
	}
}

// endEmpty ends the source tasks that have nothing to read, and delivers the
// news, so that they hold nobody back.
func (h *harness) endEmpty() error {
	for _, f := range h.feeds {
		for i, t := range f.tasks {
			if len(f.dealt[i]) == 0 && len(f.waiting) == 0 && !t.Done() {
				if err := f.read(i, 0); err != nil {
					return err
				}
				h.post(t)
			}
		}
	}
	return h.settle()
}

// run steps whatever can be stepped, in a random order, until all tasks are
// done. If drained, whatever a source's step caused is done before the next.
func (h *harness) run(drained bool) error {
	for {
		feeds := h.reading()
		waiting := h.waiting()
		switch n := len(feeds) + len(waiting); {
		case n == 0:
			return h.ended()
		case !drained && h.rng.IntN(20) == 0:
			h.flushSome()
			continue
		}
		i := h.rng.IntN(len(feeds) + len(waiting))
		if i >= len(feeds) {
			if err := h.deliver(waiting[i-len(feeds)]); err != nil {
				return err
			}
			continue
		}
		if err := h.read(feeds[i]); err != nil {
			return err
		}
		if drained {
			if err := h.drain(); err != nil {
				return err
			}
		}
	}
}

// drain does all that there is to do without reading more.
func (h *harness) drain() error {
	for range h.tasks { // each round gets everything a stage further
		h.flushAll()
		if err := h.settle(); err != nil {
			return err
		}
	}
	return nil
}

// A reading is a source task that has something to read.
type reading struct {
	*feeder
	task int
}

func (h *harness) reading() (out []reading) {
	for _, f := range h.feeds {
		for i, t := range f.tasks {
			if !t.Done() {
				out = append(out, reading{f, i})
			}
		}
	}
	return out
}

func (h *harness) read(r reading) error {
	err := r.feeder.read(r.task, 1+h.rng.IntN(r.limit))
	h.post(r.tasks[r.task])
	return err
}

func (h *harness) flushSome() {
	tasks := h.tasks[h.rng.IntN(len(h.tasks))]
	t := tasks[h.rng.IntN(len(tasks))]
	t.Flush()
	h.post(t)
}

// ended checks that every task is done.
func (h *harness) ended() error {
	for stage, tasks := range h.tasks {
		for i, t := range tasks {
			if !t.Done() {
				return fmt.Errorf("task %d of stage %d never ends", i, stage)
			}
		}
	}
	return nil
}

// counts adds up what the node of that kind counted in all its tasks.
func (h *harness) counts(kind string) (sum engine.Counts) {
	for _, tasks := range h.tasks {
		for _, t := range tasks {
			t.Counts(func(n *model.Node, c engine.Counts) {
				if n.Kind == kind {
					sum.Add(c)
				}
			})
		}
	}
	return sum
}
