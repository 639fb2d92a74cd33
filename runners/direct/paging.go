package direct

import (
	"iter"
	"sync/atomic"

	"github.com/millrace/millrace/internal/checkpoint"
	"github.com/millrace/millrace/internal/engine/cells"
)

// How the tasks of a run with checkpoints share the memory for their cells. Each has
// an equal part of it, and evicts what is more.
//
// From when a task freezes its cells to when a checkpoint with them is durable it evicts
// nothing, however many fail in between: what they have is in memory, or in what the
// store has not taken in. A task whose part does not suffice until then waits: for the
// commit, or after a failure for the next barrier, which it takes messages to get at.

// DefaultMemory is the memory for cells where none is said.
const DefaultMemory = 1 << 30

// memory is what the cells and the cache of the database may take.
func (c Checkpoints) memory() int64 {
	if c.Memory <= 0 {
		return DefaultMemory
	}
	return c.Memory
}

// cacheBytes is the part of the database's cache.
func (c Checkpoints) cacheBytes() int64 { return max(c.memory()/4, 1) }

// shareMemory gives each task whose cells page its part; the others have none.
func (r *run) shareMemory() {
	var paging []*task
	for _, s := range r.stages {
		for _, t := range s.tasks {
			if t.durable != nil && t.durable.Pages() {
				paging = append(paging, t)
			} else {
				t.paging = nil
			}
		}
	}
	for _, t := range paging {
		t.paging.Bytes = (r.cfg.Checkpoints.memory() - r.cfg.Checkpoints.cacheBytes()) / int64(len(paging))
	}
}

// page has a task's cells that are not in memory be in the store.
func (c *checkpoints) page(d *cells.Durable) *cells.Paging {
	p := &cells.Paging{Backing: backing{c.store}, Bytes: c.cfg.memory()}
	d.Page(p)
	return p
}

// backing is the store as the engine sees it.
type backing struct{ store *checkpoint.Store }

func (b backing) Get(key, dst []byte) ([]byte, bool, error) { return b.store.Get(key, dst) }

func (b backing) Scan(start, end []byte) (iter.Seq2[[]byte, []byte], func() error) {
	return b.store.Scan(start, end)
}

func (b backing) Write(c *cells.Changes) error { return b.store.Write(c) }

// A settling is what tasks and checkpoints tell each other across goroutines: the
// checkpoint that was committed last.
type settling struct{ committed atomic.Uint64 }

// settle has the task evict again once the checkpoint that it was frozen for, or a later
// one, is durable. It is called in a step.
func (t *task) settle() {
	if t.frozen != 0 && t.settling.committed.Load() >= t.frozen {
		t.frozen = 0
		t.durable.Settle()
	}
}

// notePaging keeps, after a step of t, what the report shows, and whether t is to wait.
func (s *scheduler) notePaging(t *task) {
	if t.paging == nil {
		return
	}
	p := t.paging
	was := t.paged
	t.paged = PagingReport{
		Evicted: p.Evicted, Loaded: p.Loaded, Resident: p.Resident, Most: max(was.Most, p.Resident), Over: was.Over, Budget: p.Bytes,
	}
	t.crowded = t.durable.Crowded()
	over := p.Resident > p.Bytes+p.Bytes/2
	if over && !t.over {
		t.paged.Over++
		if n := t.paged.Over; n&(n-1) == 0 { // the first, and then ever more seldom
			s.run.cfg.Logger.Warn("state takes more memory than it may; until a checkpoint is durable the task waits",
				"transform", t.stage.Head.Name, "task", t.index, "takes", p.Resident, "may take", p.Bytes, "times", n)
		}
	}
	t.over = over
}

// waits reports whether t is to be given nothing to do until a checkpoint is durable. If
// one is on its way to t, t goes on, so as to have it.
func (s *scheduler) waits(t *task) bool {
	return t.crowded && t.settling.committed.Load() < t.frozen && (s.crossing == nil || t.crossed)
}

// wakeCrowded readies the tasks that may have waited for a checkpoint.
func (s *scheduler) wakeCrowded() {
	for _, st := range s.run.stages {
		for _, t := range st.tasks {
			if t.crowded {
				s.enqueue(t)
			}
		}
	}
}

// awaited reports whether some task waits for a checkpoint to begin.
func (s *scheduler) awaited() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, st := range s.run.stages {
		for _, t := range st.tasks {
			if !t.finished && s.crossing == nil && s.waits(t) {
				return true
			}
		}
	}
	return false
}

// settled tells the tasks that checkpoint id is durable.
func (c *checkpoints) settled(id uint64) {
	c.settling.committed.Store(id)
	s := c.run.sched
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wakeCrowded()
}

// A PagingReport is what became of the cells by key that page, of all tasks together.
type PagingReport struct {
	// Evicted and Loaded count the entries that left memory and came back.
	Evicted, Loaded int64
	// Budget is how many bytes those in memory may take. Resident is about how many they
	// do, and Most the most that they took.
	Budget, Resident, Most int64
	// Over is how often those of a task outgrew its part of Budget by half. It then waits
	// until a checkpoint is durable, and can evict.
	Over int64
}

func (r *PagingReport) add(o PagingReport) {
	r.Evicted += o.Evicted
	r.Loaded += o.Loaded
	r.Budget += o.Budget
	r.Resident += o.Resident
	r.Most += o.Most
	r.Over += o.Over
}
