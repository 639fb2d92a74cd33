package checkpoint

import (
	"sync"

	"github.com/cockroachdb/pebble/v2"
)

// compactions lets Pebble compact one thing at a time. After one has failed it lets
// none begin until it is told to: Pebble would repeat it at once, and without end,
// as long as the disk is full.
type compactions struct {
	db pebble.DBForCompaction

	mu       sync.Mutex
	granted  sync.Cond // broadcast when granting ends, and a compaction is over
	running  bool
	granting bool
	paused   bool
	closed   bool
}

func newCompactions() *compactions {
	c := &compactions{}
	c.granted.L = &c.mu
	return c
}

// pause lets no compaction begin, and reports whether some could until now.
func (c *compactions) pause() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	was := c.paused
	c.paused = true
	return !was
}

func (c *compactions) resume() {
	c.mu.Lock()
	c.paused = false
	c.mu.Unlock()
	c.grant()
}

// wait returns when none is running, and none waits.
func (c *compactions) wait() {
	for {
		c.grant()
		c.mu.Lock()
		if !c.running && !c.granting {
			c.mu.Unlock()
			return
		}
		c.granted.Wait()
		c.mu.Unlock()
	}
}

// grant begins the compaction that waits, if there is one.
func (c *compactions) grant() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.granting || !c.free() {
		return
	}
	c.granting = true
	c.mu.Unlock() // the database's locks come before this one
	waiting, _ := c.db.GetWaitingCompaction()
	c.mu.Lock()
	if waiting && c.free() {
		c.running = true
		c.mu.Unlock()
		taken := c.db.Schedule(c)
		c.mu.Lock()
		if !taken {
			c.running = false
		}
	}
	c.granting = false
	c.granted.Broadcast()
}

func (c *compactions) free() bool { return !c.running && !c.paused && !c.closed }

// Register implements [pebble.CompactionScheduler], as do the next three.
func (c *compactions) Register(_ int, db pebble.DBForCompaction) { c.db = db }

func (c *compactions) Unregister() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for c.granting {
		c.granted.Wait()
	}
}

func (c *compactions) TrySchedule() (bool, pebble.CompactionGrantHandle) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.free() {
		return false, nil
	}
	c.running = true
	return true, c
}

func (c *compactions) UpdateGetAllowedWithoutPermission() {}

// Done implements [pebble.CompactionGrantHandle], as do the next three.
func (c *compactions) Done() {
	c.mu.Lock()
	c.running = false
	c.granted.Broadcast()
	c.mu.Unlock()
	c.grant()
}

func (c *compactions) Started()                                          {}
func (c *compactions) MeasureCPU(pebble.CompactionGoroutineKind)         {}
func (c *compactions) CumulativeStats(pebble.CompactionGrantHandleStats) {}
