package fnapi

import (
	"fmt"
	"slices"
	"sync"
)

// A block is elements or timers of one bundle, as they came.
type block struct {
	transform string
	family    string // of timers; "" where they are elements
	data      []byte
	last      bool // of the transform, or the family
}

// blockOverhead is what a block costs besides its data.
const blockOverhead = 128

func (b *block) cost() int { return len(b.data) + blockOverhead }

// An intake keeps what came over the data channels of a worker until its bundle takes it: data
// and instructions come by different streams, in either order. All fields of it and of its
// inboxes are guarded by mu.
//
// It holds up to limit bytes; then the streams are not read, so that the engine waits. A
// bundle that waits for input takes precedence over the limit: what it waits for may be
// behind what others have not taken.
type intake struct {
	mu       sync.Mutex
	limit    int
	held     int
	unasked  int // of held, for bundles that have not begun
	waiting  int // bundles that wait for input
	room     *sync.Cond
	boxes    map[string]*inbox
	over     map[string]bool // bundles that ended lately, whose data is dropped
	overRing []string
	overAt   int
	err      error // why the worker ended
}

// An inbox is what has come for one bundle and has not been taken.
type inbox struct {
	in     *intake
	id     string
	came   *sync.Cond
	blocks []block
	urls   []string // of the streams that bring it
	begun  bool
	err    error
}

// remembered is how many bundles that ended are known, so that what still comes for them
// is dropped.
const remembered = 1024

func newIntake(limit int) *intake {
	in := &intake{limit: limit, boxes: map[string]*inbox{}, over: map[string]bool{}, overRing: make([]string, remembered)}
	in.room = sync.NewCond(&in.mu)
	return in
}

func (in *intake) box(id string) *inbox {
	box := in.boxes[id]
	if box == nil {
		box = &inbox{in: in, id: id, came: sync.NewCond(&in.mu)}
		in.boxes[id] = box
	}
	return box
}

// begin claims the inbox of a bundle, which urls bring input for.
func (in *intake) begin(id string, urls []string) (*inbox, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.err != nil {
		return nil, in.err
	}
	box := in.box(id)
	if box.begun {
		return nil, fmt.Errorf("fnapi: the engine sent the bundle %s twice at once", id)
	}
	if in.over[id] {
		delete(in.over, id) // an engine that uses ids again: its data is not dropped any more
	}
	box.begun, box.urls = true, append(box.urls, urls...)
	for i := range box.blocks {
		in.unasked -= box.blocks[i].cost()
	}
	return box, nil
}

// put adds a block that came by url. It waits while the intake is full.
func (in *intake) put(url, id string, b block) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	for in.err == nil && in.held >= in.limit && in.waiting == 0 && !in.over[id] {
		in.room.Wait()
	}
	if in.err != nil || in.over[id] {
		return in.err
	}
	box := in.box(id)
	if !box.begun {
		if in.unasked += b.cost(); in.unasked > 2*in.limit {
			return fmt.Errorf("fnapi: the engine sent %d bytes for bundles that it never began, the last of them %s", in.unasked, id)
		}
	}
	if !slices.Contains(box.urls, url) {
		box.urls = append(box.urls, url)
	}
	in.held += b.cost()
	box.blocks = append(box.blocks, b)
	box.came.Signal()
	return nil
}

// take returns the next block, which it waits for.
func (box *inbox) take() (block, error) {
	in := box.in
	in.mu.Lock()
	defer in.mu.Unlock()
	for len(box.blocks) == 0 && box.err == nil && in.err == nil {
		in.waiting++
		in.room.Broadcast()
		box.came.Wait()
		in.waiting--
	}
	switch {
	case in.err != nil:
		return block{}, in.err
	case len(box.blocks) == 0:
		return block{}, box.err
	}
	b := box.blocks[0]
	box.blocks[0] = block{}
	box.blocks = box.blocks[1:]
	in.held -= b.cost()
	in.room.Broadcast()
	return b, nil
}

// count reports how many blocks for which last holds are there to be taken.
func (box *inbox) count(last func(*block) bool) (n int) {
	box.in.mu.Lock()
	defer box.in.mu.Unlock()
	for i := range box.blocks {
		if last(&box.blocks[i]) {
			n++
		}
	}
	return n
}

// end lets go of the bundle's input.
func (box *inbox) end() {
	in := box.in
	in.mu.Lock()
	defer in.mu.Unlock()
	in.forget(box)
	delete(in.over, in.overRing[in.overAt])
	in.over[box.id], in.overRing[in.overAt] = true, box.id
	in.overAt = (in.overAt + 1) % remembered
}

func (in *intake) forget(box *inbox) {
	for i := range box.blocks {
		in.held -= box.blocks[i].cost()
		if !box.begun {
			in.unasked -= box.blocks[i].cost()
		}
	}
	box.blocks = nil
	delete(in.boxes, box.id)
	in.room.Broadcast()
}

// lose says that the stream of url brings nothing any more.
func (in *intake) lose(url string, err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, box := range in.boxes {
		if !slices.Contains(box.urls, url) {
			continue
		}
		if box.err = err; !box.begun {
			in.forget(box)
		}
		box.came.Broadcast()
	}
}

// fail ends all waiting.
func (in *intake) fail(err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.err == nil {
		in.err = err
	}
	in.room.Broadcast()
	for _, box := range in.boxes {
		box.came.Broadcast()
	}
}
