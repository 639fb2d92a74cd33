package engine

import (
	"slices"

	"github.com/millrace/millrace/internal/engine/cells"
	"github.com/millrace/millrace/model"
)

// Where paned keeps the open windows of its keys. There may be one for each of many
// millions of keys, so each takes little: they lie in chunks, what few of them need is
// kept apart, and a key that has one open window has no list of them.

// An openWindow is a key's window from its first element to its expiry. It stays where
// it is as long as it is open.
type openWindow struct {
	window model.Window
	fresh  int64 // elements since the last pane
	// wake is where the queue has the window; never is not at all.
	wake model.Timestamp
	// next is when it wants to be looked at. It may be later than wake, since a
	// window that grows is not queued anew each time.
	next model.Timestamp
	// windowExtra may be the one that all windows share that have nothing there: ownExtra
	// gives the window its own before any of it is changed.
	*windowExtra
	acc     cells.Entry // its number, also among the accumulators
	live    bool        // acc holds something
	onTime  bool        // of fresh, some came before the watermark reached the end
	closed  bool        // a pane was the last
	changed bool        // by merging
}

// A windowExtra is what an open window has beside, unless its trigger is the default one
// and it has had no pane yet.
type windowExtra struct {
	net   int64 // elements, less those taken back
	panes int64
	// settled counts the panes that were not early.
	settled int64
	// passed counts the looks at it, since its last element, at which its trigger asked
	// to be asked again at an instant that had passed.
	passed int
	// at is the timestamp of the next pane's elements, where that goes by those
	// that it is made of; never if all of them were behind the watermark as they came.
	at model.Timestamp
	// wakeNow is where the queue of processing time has the window, and held is what it
	// holds the watermark at; MaxTimestamp is not at all.
	wakeNow, held model.Timestamp
	// queuedHold is where holds has it. It may be earlier than held, since what rises
	// with each element is not queued anew each time.
	queuedHold model.Timestamp
	said       []said // what must be taken back before the next pane
}

// noExtra is what a window has that has had nothing yet.
var noExtra = windowExtra{at: never, wakeNow: never, held: model.MaxTimestamp, queuedHold: never}

// said is a pane that was emitted and may have to be taken back.
type said struct {
	meta model.Meta
	what any
}

// keyWindows are the open windows of one key, by number. The number 0 is no window's.
type keyWindows struct {
	one  [1]cells.Entry // the only one
	list uint32         // which of the lists has them, if there are several; else 0
}

// A windowList is several open windows of one key, by start and end. Their bounds are
// kept beside them, so that a search stays within a few cache lines.
type windowList struct {
	open   []cells.Entry
	bounds []model.Window // of open
}

// A windowChunk is windows whose numbers follow each other.
type windowChunk struct {
	windows *windowArray        // nil if none of them is open
	cells   []model.TriggerCell // of the windows, one after the other
	open    int                 // how many of them are
}

type windowArray [windowsPerChunk]openWindow

// windowsPerChunk makes an array just fit into the 8 KiB that Go then takes for it.
const windowsPerChunk = 146

// paneWindows has the open windows of all keys.
type paneWindows struct {
	byKey  []keyWindows  // by entry of the keys
	chunks []windowChunk // by number
	spare  windowChunk   // with no open windows, to be used again
	free   []cells.Entry // numbers, the next one last
	last   cells.Entry   // number that was given out

	lists     []windowList // the first stays empty
	freeLists []uint32

	cells   int                 // of each window
	shared  []model.TriggerCell // are all windows' where cells is 0
	nothing *windowExtra        // is shared by those that have no other
	extra   bool                // all need one of their own
	extras  []*windowExtra      // to be used again
}

// at is the window of a number.
func (p *paneWindows) at(n cells.Entry) *openWindow {
	return &p.chunks[n/windowsPerChunk].windows[n%windowsPerChunk]
}

// remembered are the cells of o's trigger.
func (p *paneWindows) remembered(o *openWindow) []model.TriggerCell {
	if p.cells == 0 {
		return p.shared
	}
	from := int(o.acc%windowsPerChunk) * p.cells
	return p.chunks[o.acc/windowsPerChunk].cells[from : from+p.cells]
}

// ownExtra sees to it that o's extra is its own, and may be changed.
func (p *paneWindows) ownExtra(o *openWindow) {
	if o.windowExtra != p.nothing {
		return
	}
	if n := len(p.extras); n > 0 {
		o.windowExtra, p.extras = p.extras[n-1], p.extras[:n-1]
		return
	}
	o.windowExtra = new(windowExtra)
	*o.windowExtra = noExtra
}

// newWindow is an open window of accs that nothing has fallen into yet.
func (p *paneWindows) newWindow(w model.Window, accs cells.Folds) *openWindow {
	var n cells.Entry
	if last := len(p.free) - 1; last >= 0 {
		n, p.free = p.free[last], p.free[:last]
	} else {
		p.last++
		n = p.last
		accs.New(n)
	}
	i := int(n / windowsPerChunk)
	if i == len(p.chunks) {
		p.chunks = append(p.chunks, windowChunk{})
	}
	c := &p.chunks[i]
	if c.windows == nil {
		*c = p.newChunk()
	}
	c.open++
	o := &c.windows[n%windowsPerChunk]
	*o = openWindow{acc: n, window: w, wake: never, windowExtra: p.nothing}
	if p.extra {
		p.ownExtra(o)
	}
	return o
}

func (p *paneWindows) newChunk() windowChunk {
	c := p.spare
	p.spare = windowChunk{}
	if c.windows == nil {
		c.windows = new(windowArray)
		if p.cells > 0 {
			c.cells = make([]model.TriggerCell, windowsPerChunk*p.cells)
		}
	}
	return c
}

// release takes back o, which is no key's any more.
func (p *paneWindows) release(o *openWindow, accs cells.Folds) {
	accs.Free(o.acc)
	clear(p.remembered(o))
	if x := o.windowExtra; x != p.nothing && len(p.extras) < freeWindows {
		clear(x.said)
		said := x.said[:0]
		*x = noExtra
		x.said = said
		p.extras = append(p.extras, x)
	}
	o.windowExtra = p.nothing
	p.free = append(p.free, o.acc)
	c := &p.chunks[o.acc/windowsPerChunk]
	if c.open--; c.open == 0 {
		p.spare, *c = *c, windowChunk{}
	}
}

const (
	// freeWindows bounds the windows, or here the extras of windows, kept for reuse.
	freeWindows = 1024
	// keptRoom is for how many windows a list has room at most that is kept for reuse.
	keptRoom = 16
)

// open are the numbers of k's open windows, by start and end. It is valid until the next
// change of which there are.
func (p *paneWindows) open(k cells.Entry) []cells.Entry {
	ks := &p.byKey[k]
	switch {
	case ks.list != 0:
		return p.lists[ks.list].open
	case ks.one[0] != 0:
		return ks.one[:]
	}
	return nil
}

// of is k's i'th open window.
func (p *paneWindows) of(k cells.Entry, i int) *openWindow { return p.at(p.open(k)[i]) }

// search is where w is among k's open windows, or would be.
func (p *paneWindows) search(k cells.Entry, w model.Window) (int, bool) {
	ks := &p.byKey[k]
	if ks.list != 0 {
		return slices.BinarySearchFunc(p.lists[ks.list].bounds, w, byStart)
	}
	if ks.one[0] == 0 {
		return 0, false
	}
	order := byStart(p.at(ks.one[0]).window, w)
	if order < 0 {
		return 1, false
	}
	return 0, order == 0
}

func byStart(a, b model.Window) int {
	switch {
	case a == b:
		return 0
	case a.Start < b.Start || a.Start == b.Start && a.End < b.End:
		return -1
	}
	return 1
}

// insert makes o k's i'th open window.
func (p *paneWindows) insert(k cells.Entry, i int, o *openWindow) {
	ks := &p.byKey[k]
	if ks.list == 0 {
		if ks.one[0] == 0 {
			ks.one[0] = o.acc
			return
		}
		ks.list = p.newList(ks.one[0])
		ks.one[0] = 0
	}
	l := &p.lists[ks.list]
	l.open, l.bounds = slices.Insert(l.open, i, o.acc), slices.Insert(l.bounds, i, o.window)
}

// newList is a list of one window.
func (p *paneWindows) newList(only cells.Entry) uint32 {
	var list uint32
	if last := len(p.freeLists) - 1; last >= 0 {
		list, p.freeLists = p.freeLists[last], p.freeLists[:last]
	} else {
		list = uint32(len(p.lists))
		p.lists = append(p.lists, windowList{})
	}
	l := &p.lists[list]
	l.open, l.bounds = append(l.open, only), append(l.bounds, p.at(only).window)
	return list
}

// forget takes the i'th out of k's open windows.
func (p *paneWindows) forget(k cells.Entry, i int) {
	ks := &p.byKey[k]
	if ks.list == 0 {
		ks.one[0] = 0
		return
	}
	l := &p.lists[ks.list]
	l.open, l.bounds = slices.Delete(l.open, i, i+1), slices.Delete(l.bounds, i, i+1)
	p.unlist(ks)
}

// replace puts merged, which are in order, in the place of some of k's open windows, of
// which there are several.
func (p *paneWindows) replace(k cells.Entry, lo, hi int, merged []*openWindow) {
	ks := &p.byKey[k]
	l := &p.lists[ks.list]
	for i, o := range merged { // there are no more than were merged
		l.open[lo+i], l.bounds[lo+i] = o.acc, o.window
	}
	lo += len(merged)
	l.open, l.bounds = slices.Delete(l.open, lo, hi), slices.Delete(l.bounds, lo, hi)
	p.unlist(ks)
}

// unlist gives the list of a key back if it has one window left.
func (p *paneWindows) unlist(ks *keyWindows) {
	if l := &p.lists[ks.list]; len(l.open) == 1 {
		ks.one[0] = l.open[0]
		p.freeList(ks)
	}
}

func (p *paneWindows) freeList(ks *keyWindows) {
	l := &p.lists[ks.list]
	l.open, l.bounds = l.open[:0], l.bounds[:0]
	if cap(l.bounds) > keptRoom {
		*l = windowList{}
	}
	p.freeLists = append(p.freeLists, ks.list)
	ks.list = 0
}

// forgetKey lets go of all of k's open windows.
func (p *paneWindows) forgetKey(k cells.Entry, accs cells.Folds) {
	for _, n := range p.open(k) {
		p.release(p.at(n), accs)
	}
	ks := &p.byKey[k]
	if ks.list != 0 {
		p.freeList(ks)
	}
	ks.one[0] = 0
}
