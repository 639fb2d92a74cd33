package fnapi

import (
	"math"
	"slices"
	"sync"

	fnpb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/fnexecution_v1"
)

// A Splitter gives away part of the element that is being processed. It is asked by another
// goroutine than the one that processes the element, which does not get to the next one
// meanwhile; it must not call the bundle.
type Splitter interface {
	// Progress is how much of the element has been done, from 0 to 1.
	Progress() float64
	// Split keeps that fraction of what has not been done, and returns what the element
	// is from now on, and what was cut off. It may decline.
	Split(fraction float64) (primary, residual []*Application, ok bool)
}

// reading is how far a bundle has got in its elements, and where its input ends.
type reading struct {
	splittable bool // has one port, so that elements have numbers

	mu       sync.Mutex
	index    int64 // of the element that is being processed; the number of those read, less one
	begun    bool
	cut      bool
	limit    int64 // the first element that was split off, if cut
	stopped  bool  // no element is being processed
	splitter Splitter
}

// Splittable says that the element that Next returned last can be split, until the next
// call of Next.
func (b *Bundle) Splittable(s Splitter) {
	b.reading.mu.Lock()
	defer b.reading.mu.Unlock()
	b.reading.splitter = s
}

// advance goes to the next element; false says that it was split off.
func (r *reading) advance() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.splitter, r.stopped = nil, false
	if next := r.next(); r.cut && next >= r.limit {
		r.stopped = true
		return false
	}
	if r.begun {
		r.index++
	}
	r.begun = true
	return true
}

func (r *reading) next() int64 {
	if !r.begun {
		return 0
	}
	return r.index + 1
}

func (r *reading) stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.splitter, r.stopped = nil, true
}

// position is the number of elements that were taken.
func (r *reading) position() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.next()
}

// split divides what is left of the input as the engine wishes, or declines, which is an
// empty answer.
func (b *Bundle) split(want *fnpb.ProcessBundleSplitRequest) *fnpb.ProcessBundleSplitResponse {
	none := &fnpb.ProcessBundleSplitResponse{}
	if !b.reading.splittable || len(want.GetDesiredSplits()) != 1 {
		return none
	}
	for port, d := range want.GetDesiredSplits() {
		if b.desc.In[port] == nil {
			break
		}
		b.reading.mu.Lock()
		defer b.reading.mu.Unlock()
		if got := b.reading.split(d); got != nil {
			got.ChannelSplits[0].TransformId = port
			return got
		}
	}
	return none
}

// split keeps the wanted fraction of what is left. Where that ends within the element being
// processed, the element is split if it can be, or kept whole.
func (r *reading) split(d *fnpb.ProcessBundleSplitRequest_DesiredSplit) *fnpb.ProcessBundleSplitResponse {
	fraction := d.GetFractionOfRemainder()
	if math.IsNaN(fraction) {
		return nil
	}
	fraction = min(max(fraction, 0), 1)
	next := r.next()
	size := max(d.GetEstimatedInputElements(), next)
	if r.cut {
		size = min(size, r.limit)
	}
	allowed := func(at int64) bool {
		p := d.GetAllowedSplitPoints()
		return len(p) == 0 || slices.Contains(p, at)
	}
	var left float64 // of the element being processed
	if r.begun && !r.stopped {
		left = 1
		if r.splitter != nil {
			left = 1 - min(max(r.splitter.Progress(), 0), 1)
		}
	}
	keep := fraction * (left + float64(size-next))
	if keep < left && r.splitter != nil && allowed(r.index) && allowed(r.index+1) {
		if primary, residual, ok := r.splitter.Split(keep / left); ok {
			return r.splitElement(primary, residual)
		}
	}
	at := next + int64(math.Round(max(keep-left, 0)))
	if at = nearest(d.GetAllowedSplitPoints(), max(at, next)); at < next || at >= size {
		return nil
	}
	r.cut, r.limit = true, at
	return &fnpb.ProcessBundleSplitResponse{ChannelSplits: []*fnpb.ProcessBundleSplitResponse_ChannelSplit{{
		LastPrimaryElement: at - 1, FirstResidualElement: at,
	}}}
}

func (r *reading) splitElement(primary, residual []*Application) *fnpb.ProcessBundleSplitResponse {
	r.cut, r.limit = true, r.index+1
	out := &fnpb.ProcessBundleSplitResponse{ChannelSplits: []*fnpb.ProcessBundleSplitResponse_ChannelSplit{{
		LastPrimaryElement: r.index - 1, FirstResidualElement: r.index + 1,
	}}}
	for _, a := range primary {
		out.PrimaryRoots = append(out.PrimaryRoots, a.proto())
	}
	for _, a := range residual {
		out.ResidualRoots = append(out.ResidualRoots, a.delayed())
	}
	return out
}

// nearest is the first allowed point at or behind at, or -1; all are allowed if none is
// listed.
func nearest(allowed []int64, at int64) int64 {
	if len(allowed) == 0 {
		return at
	}
	best := int64(-1)
	for _, p := range allowed {
		if p >= at && (best < 0 || p < best) {
			best = p
		}
	}
	return best
}
