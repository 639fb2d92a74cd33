package engine_test

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/millrace/millrace/internal/engine"
	"github.com/millrace/millrace/internal/engine/cells"
	"github.com/millrace/millrace/internal/plan"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/sink"
	"github.com/millrace/millrace/transforms"
)

// TestARestoredRunEndsAsIfUndisturbed checkpoints random pipelines at random moments,
// lets them go on for a while, and throws them away; others with as many tasks or
// more or fewer go on from the checkpoint. What the sinks committed by the end must
// be what the reference says of a run that nothing happened to.
func TestARestoredRunEndsAsIfUndisturbed(t *testing.T) {
	liveThrough(t, func(*life) {})
}

func liveThrough(t *testing.T, prepare func(l *life)) {
	n := *cases / 2
	if testing.Short() {
		n /= 6
	}
	runs, crashes := 0, 0
	for i := range n {
		c := drawCase(*firstSeed + uint64(i))
		if !c.exact {
			continue
		}
		l := newLife(c)
		prepare(l)
		if err := l.live(); err != nil {
			t.Fatalf("%v\n%v", c, err)
		}
		for _, p := range l.pages {
			l.count(p)
		}
		runs++
		crashes += l.crashes
	}
	if crashes < runs/4 {
		t.Errorf("only %d crashes in %d runs", crashes, runs)
	}
}

// A life is a pipeline run through crashes.
type life struct {
	testCase
	rng     *rand.Rand
	saved   map[string][]byte      // as the process sees it
	durable map[string][]byte      // as the last checkpoint has it
	splits  map[int][]engine.Split // left to read, by stage
	stages  map[int]stageSnapshot
	out     []output // committed
	written []writtenShard
	crashes int
	stores  map[*engine.Task]*cells.Durable
	sides   *sideCase // in place of the testCase's pipeline; nil mostly
	room    int64     // of a task's cells; 0 is without limit
	pages   []*cells.Paging
	count   func(*cells.Paging)
}

type stageSnapshot struct{ watermark, out, now model.Timestamp }

// A writtenShard is what a writer prepared; its Committable is the index.
type writtenShard []output

func newLife(c testCase) *life {
	return &life{testCase: c, rng: rand.New(rand.NewPCG(c.seed, 3)), saved: map[string][]byte{}, durable: map[string][]byte{}}
}

func (l *life) live() error {
	for {
		h, err := l.begin()
		if err != nil {
			return err
		}
		ended, err := l.run(h)
		if err != nil || ended {
			if err == nil {
				err = l.verify()
			}
			return err
		}
		l.crashes++
	}
}

// begin starts the pipeline anew, or from the last checkpoint.
func (l *life) begin() (*harness, error) {
	var p model.Pipeline
	l.buildWith(&p)
	layout := l.layout
	if l.drained {
		layout.parallelism = 1 + l.rng.IntN(4)
	}
	l.saved = maps.Clone(l.durable)
	ids := map[string]uint32{}
	var stores []*cells.Durable
	layout.store = func(s *plan.Stage, task, of int) *cells.Durable {
		d := cells.NewDurable(func(cell string) uint32 {
			name := s.Head.Name + "/" + cell
			if _, ok := ids[name]; !ok {
				ids[name] = uint32(len(ids) + 1)
			}
			return ids[name]
		}, layout.groups, task, of)
		l.page(d)
		stores = append(stores, d)
		return d
	}
	h, err := newHarness(&p, layout, l.rng)
	if err != nil {
		return nil, err
	}
	l.stores = map[*engine.Task]*cells.Durable{}
	for stage, tasks := range h.tasks {
		for _, t := range tasks {
			d := stores[len(l.stores)]
			l.stores[t] = d
			if l.stages == nil {
				continue
			}
			if err := d.Load(l.scan); err != nil {
				return nil, err
			}
			s := l.stages[stage]
			t.Restore(s.watermark, s.out, s.now)
			h.post(t)
		}
	}
	if l.stages != nil {
		l.resume(h)
	}
	return h, h.endEmpty()
}

func (l *life) resume(h *harness) {
	for _, f := range h.feeds {
		stage := slices.IndexFunc(h.tasks, func(tasks []*engine.Task) bool { return tasks[0] == f.tasks[0] })
		f.waiting = nil
		for i := range f.dealt {
			f.dealt[i] = nil
		}
		for i, s := range l.splits[stage] {
			f.dealt[i%len(f.dealt)] = append(f.dealt[i%len(f.dealt)], s)
		}
	}
}

func (l *life) scan(start, end []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(k, v []byte) bool) {
		for _, k := range slices.Sorted(maps.Keys(l.saved)) {
			if k >= string(start) && k < string(end) && !yield([]byte(k), l.saved[k]) {
				return
			}
		}
	}
}

// run goes on until the end or, after a checkpoint, a crash.
func (l *life) run(h *harness) (ended bool, err error) {
	if err := l.steps(h, l.rng.IntN(60)); err != nil || l.over(h) {
		return true, l.end(h, err)
	}
	c := &checkpoint{life: l, h: h, id: uint64(l.crashes + 1), snapshots: map[*engine.Task]*engine.Snapshot{}, complete: map[*engine.Task]bool{}, unread: map[*feeder][]engine.Split{}}
	if err := c.take(); err != nil {
		return false, err
	}
	if l.crashes >= 3 {
		err := l.steps(h, 1<<30)
		return true, l.end(h, err)
	}
	return false, l.steps(h, l.rng.IntN(40))
}

func (l *life) over(h *harness) bool { return len(h.reading()) == 0 && len(h.waiting()) == 0 }

// end commits what is left.
func (l *life) end(h *harness, err error) error {
	if err == nil {
		err = h.ended()
	}
	if err != nil {
		return err
	}
	for _, tasks := range h.tasks {
		for _, t := range tasks {
			prepared, err := t.Prepare()
			if err != nil {
				return err
			}
			l.commit(prepared)
		}
	}
	if l.layout.stopped {
		return nil
	}
	for _, tasks := range h.tasks {
		for _, t := range tasks {
			l.stores[t].Freeze()
			if _, err := l.stores[t].Save(1 << 30); err != nil {
				return err
			}
			l.apply(l.stores[t].Changes())
		}
	}
	if len(l.saved) > 0 {
		return fmt.Errorf("%d cells are left though every window is over", len(l.saved))
	}
	return nil
}

func (l *life) commit(prepared []engine.Prepared) {
	for _, p := range prepared {
		i, err := strconv.Atoi(string(p.Data))
		if err != nil {
			panic(err)
		}
		l.out = append(l.out, l.written[i]...)
	}
}

// steps does up to n random steps.
func (l *life) steps(h *harness, n int) error {
	for range n {
		feeds, waiting := h.reading(), h.waiting()
		if len(feeds)+len(waiting) == 0 {
			return nil
		}
		i := l.rng.IntN(len(feeds) + len(waiting))
		if i >= len(feeds) {
			if err := h.deliver(waiting[i-len(feeds)]); err != nil {
				return err
			}
			continue
		}
		if err := h.read(feeds[i]); err != nil {
			return err
		}
		if l.drained {
			if err := h.drain(); err != nil {
				return err
			}
		}
	}
	return nil
}

// A checkpoint is one under way.
type checkpoint struct {
	*life
	h         *harness
	id        uint64
	snapshots map[*engine.Task]*engine.Snapshot
	complete  map[*engine.Task]bool
	unread    map[*feeder][]engine.Split // that no task had opened at the barrier
}

// take takes the checkpoint while the pipeline goes on.
func (c *checkpoint) take() error {
	for _, f := range c.h.feeds {
		for _, i := range c.rng.Perm(len(f.tasks)) {
			t := f.tasks[i]
			c.unread[f] = append(c.unread[f], f.dealt[i]...)
			if t.Done() {
				continue
			}
			if err := t.Barrier(c.id); err != nil {
				return err
			}
			c.h.post(t)
			if err := c.steps(c.h, c.rng.IntN(4)); err != nil {
				return err
			}
		}
	}
	for tasks := 0; ; {
		tasks = 0
		for _, stage := range c.h.tasks {
			for _, t := range stage {
				if err := c.visit(t); err != nil {
					return err
				}
				tasks++
			}
		}
		if len(c.complete) == tasks {
			break
		}
		if c.over(c.h) {
			c.h.flushAll()
		}
		if err := c.steps(c.h, 1+c.rng.IntN(3)); err != nil {
			return err
		}
	}
	c.store()
	return nil
}

// visit saves some more of t's state.
func (c *checkpoint) visit(t *engine.Task) error {
	if c.snapshots[t] == nil {
		if s := t.Snapshot(); s != nil {
			c.snapshots[t] = s
		} else if t.Done() {
			if err := t.Capture(c.id); err != nil {
				return err
			}
			c.snapshots[t] = t.Snapshot()
		}
	}
	if c.snapshots[t] == nil || c.complete[t] || c.rng.IntN(2) == 0 {
		return nil
	}
	done, err := c.stores[t].Save(1 + c.rng.IntN(3))
	if done {
		c.complete[t] = true
	}
	return err
}

// store makes the checkpoint the one to go on from, and commits.
func (c *checkpoint) store() {
	l := c.life
	l.stages, l.splits = map[int]stageSnapshot{}, map[int][]engine.Split{}
	for stage, tasks := range c.h.tasks {
		for i, t := range tasks {
			s := c.snapshots[t]
			if i == 0 {
				l.stages[stage] = stageSnapshot{s.Watermark, model.MinTimestamp, s.Now}
			} else if at := l.stages[stage]; at.watermark != s.Watermark && !s.Done {
				panic(fmt.Sprintf("task %d of stage %d was at %v, task 0 at %v", i, stage, s.Watermark, at.watermark))
			}
			l.splits[stage] = append(l.splits[stage], s.Splits...)
			l.apply(l.stores[t].Changes())
			l.commit(s.Prepared)
		}
	}
	for _, f := range c.h.feeds {
		stage := slices.IndexFunc(c.h.tasks, func(tasks []*engine.Task) bool { return tasks[0] == f.tasks[0] })
		l.splits[stage] = append(l.splits[stage], c.unread[f]...)
	}
	// A task's output is not late for whoever it feeds before it was when the
	// checkpoint was taken.
	for stage, tasks := range c.h.tasks {
		s := l.stages[stage]
		for _, e := range c.h.fed(tasks[0]) {
			s.out = max(s.out, l.stages[e].watermark)
		}
		l.stages[stage] = s
	}
	l.durable = maps.Clone(l.saved)
	for _, d := range l.stores {
		d.Settle()
	}
}

func (l *life) apply(ch cells.Changes) {
	for start, end := range ch.Drops() {
		for k := range l.saved {
			if k >= string(start) && k < string(end) {
				delete(l.saved, k)
			}
		}
	}
	for k := range ch.Gone() {
		if _, ok := l.saved[string(k)]; !ok {
			panic("a key that is not there goes")
		}
		delete(l.saved, string(k))
	}
	for k, v := range ch.Puts() {
		l.saved[string(k)] = slices.Clone(v)
	}
}

// verify compares what was committed with the reference.
func (l *life) verify() error {
	if l.sides != nil {
		return l.sides.verify(l.out)
	}
	for _, o := range l.out {
		if err := l.sane(o); err != nil {
			return err
		}
	}
	panes, err := withoutRetractions(l.out)
	if err != nil {
		return err
	}
	return l.comparePanes(panes)
}

// buildWith builds the pipeline with a sink that commits to l.
func (l *life) buildWith(p *model.Pipeline) {
	if l.sides != nil {
		transforms.Write(l.sides.build(p), outputs{l})
		return
	}
	transforms.Write(l.shape.of(l.input(p)), outputs{l})
}

// outputs is a sink of what comes out.
type outputs struct{ l *life }

func (s outputs) Open(context.Context, sink.Shard) (sink.Writer[lists], error) {
	return &outputWriter{l: s.l}, nil
}
func (outputs) Commit(context.Context, []sink.Committable) error { return nil }
func (outputs) Abort(context.Context, []sink.Committable) error  { return nil }

type outputWriter struct {
	l   *life
	out writtenShard
}

func (w *outputWriter) Write(_ context.Context, v *lists, m *model.Meta) error {
	w.out = append(w.out, output{v.Key, slices.Sorted(slices.Values(v.Value)), *m})
	return nil
}

func (w *outputWriter) Prepare(context.Context) ([]byte, error) {
	if len(w.out) == 0 {
		return nil, nil
	}
	w.l.written = append(w.l.written, w.out)
	w.out = nil
	return strconv.AppendInt(nil, int64(len(w.l.written)-1), 10), nil
}

func (*outputWriter) Close() error { return nil }
