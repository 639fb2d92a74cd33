package state

import (
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/millrace/millrace/model"
)

// A Layout is the cells of one DoFn, bound to their places. It is immutable once
// the pipeline is built.
type Layout struct {
	// Specs are the cells that keep something, Timers the others, in the order in
	// which Cells lists them.
	Specs  []*Spec
	Timers []TimerSpec

	cells []*decl
	owner reflect.Type // of the DoFn; nil of a Local's
	site  model.Site
}

// A Spec is what hosts know of a cell that keeps something. Slots that it is given
// must be of the same cell.
type Spec struct {
	Name  string
	Kind  Kind
	Fetch Fetch
	// TTL is how long what is written lasts by Clock; 0 is for ever.
	TTL   time.Duration
	Clock Clock
	// Types are those that it holds. With the kind, and whether it expires, they say
	// how a slot is encoded.
	Types []TypeSpec

	slots slotType
}

// A TimerSpec is what hosts know of a timer.
type TimerSpec struct {
	Name   string
	Clock  Clock
	Family bool
}

// A slotType is what a kind of cells does with its slots.
type slotType interface {
	newSlot() Slot
	// recycle empties a slot for another key and reports whether it may be used
	// again: not if an iterator may still look into it.
	recycle(Slot) bool
	appendSlot(dst []byte, s Slot) ([]byte, error)
	// migrated is the cell for slots that were saved with other types.
	migrated(h *history) slotType
	// decodeSlot reads into a new slot.
	decodeSlot(src []byte, s Slot) (rest []byte, err error)
	mergeSlots(into, from Slot)
	// expireSlot removes what has expired by now and returns when more will.
	expireSlot(s Slot, now model.Timestamp) (next model.Timestamp)
}

// New is an empty slot.
func (s *Spec) New() Slot { return s.slots.newSlot() }

// Recycle empties a slot that was dropped and reports whether it may be used again
// in place of a new one.
func (s *Spec) Recycle(slot Slot) bool { return s.slots.recycle(slot) }

// Append appends the encoding of a slot.
func (s *Spec) Append(dst []byte, slot Slot) ([]byte, error) { return s.slots.appendSlot(dst, slot) }

// Decode reads a slot, and returns what follows it.
func (s *Spec) Decode(src []byte) (slot Slot, rest []byte, err error) {
	slot = s.New()
	rest, err = s.slots.decodeSlot(src, slot)
	if err != nil {
		return nil, src, fmt.Errorf("the %v %q: %w", s.Kind, s.Name, err)
	}
	return slot, rest, nil
}

// Merges reports whether two slots can become one.
func (s *Spec) Merges() bool { return s.Kind.merges() }

// Merge moves what from holds into into. It panics where the cell does not merge.
func (s *Spec) Merge(into, from Slot) { s.slots.mergeSlots(into, from) }

// Expire removes from a slot what has expired at now, by the spec's clock, and
// returns when more will; a time past [model.MaxTimestamp] is never.
func (s *Spec) Expire(slot Slot, now model.Timestamp) (next model.Timestamp) {
	return s.slots.expireSlot(slot, now)
}

// Unmergeable lists the cells that cannot be merged with another window's.
func (l *Layout) Unmergeable() (cells []string) {
	for _, c := range l.cells {
		if !c.kind.merges() {
			cells = append(cells, c.String())
		}
	}
	return cells
}

// String lists the cells, for those who look at a plan.
func (l *Layout) String() string {
	var s string
	for i, c := range l.cells {
		if i > 0 {
			s += ", "
		}
		s += fmt.Sprintf("%v %s", c.kind, c.name)
		if c.ttl > 0 {
			s += fmt.Sprintf(" for %v of %v", c.ttl, c.clock)
		}
	}
	return s
}

// binding guards the places of cells: pipelines may be built side by side.
var binding sync.Mutex

// Bind gives cells their places in a DoFn of type owner, and says what is wrong
// with them. Cells that were bound as the same list, for the same type, keep their
// places, so that a DoFn may be used in several pipelines.
func Bind(owner reflect.Type, cells []Cell) (*Layout, error) {
	decls := make([]*decl, len(cells))
	for i, c := range cells {
		if c != nil {
			decls[i] = c.declaration()
		}
		if decls[i] == nil {
			return nil, fmt.Errorf("cell %d of Cells was made by no constructor, such as state.NewValue", i)
		}
	}
	binding.Lock()
	defer binding.Unlock()
	if l := bound(owner, decls); l != nil {
		return l, nil
	}
	l := &Layout{cells: decls, owner: owner, site: model.UserSite()}
	if err := l.check(); err != nil {
		return nil, err
	}
	for _, d := range decls {
		l.add(d)
	}
	return l, nil
}

// bound is the layout that has exactly these cells already, or nil.
func bound(owner reflect.Type, decls []*decl) *Layout {
	if len(decls) == 0 {
		return nil
	}
	l := decls[0].layout
	if l == nil || !slices.Equal(l.cells, decls) {
		return nil
	}
	if l.owner == nil {
		l.owner = owner
	}
	if owner != nil && l.owner != owner {
		return nil
	}
	return l
}

// Is reports whether cells are those of l, in their order.
func (l *Layout) Is(cells []Cell) bool {
	return slices.EqualFunc(l.cells, cells, func(d *decl, c Cell) bool { return c != nil && c.declaration() == d })
}

// check says what is wrong with the cells.
func (l *Layout) check() error {
	var errs []error
	for i, d := range l.cells {
		for _, err := range d.errs {
			errs = append(errs, fmt.Errorf("the %s: %w", d.told(), err))
		}
		if d.layout != nil {
			errs = append(errs, fmt.Errorf("the %s belongs to %s already; a cell is for one DoFn and one list, so declare another", d.told(), d.layout.holder()))
		}
		for _, o := range l.cells[:i] {
			switch {
			case o == d:
				errs = append(errs, fmt.Errorf("the method Cells lists the %s twice", d.told()))
			case o.name == d.name:
				errs = append(errs, fmt.Errorf("the %s and the %s have one name; names key what is stored, so give one of them another", o.told(), d.told()))
			}
		}
	}
	return errors.Join(errs...)
}

// holder tells whose the cells are.
func (l *Layout) holder() string {
	if l.owner == nil {
		return fmt.Sprintf("the state.Local made at %v", l.site)
	}
	return fmt.Sprintf("the %v at %v", l.owner, l.site)
}

// add gives d its place.
func (l *Layout) add(d *decl) {
	d.layout = l
	if d.kind.timer() {
		d.index = len(l.Timers)
		l.Timers = append(l.Timers, TimerSpec{
			Name:   d.name,
			Clock:  d.clock,
			Family: d.kind == KindEventTimerFamily || d.kind == KindProcessingTimerFamily,
		})
		return
	}
	d.index = len(l.Specs)
	l.Specs = append(l.Specs, &Spec{
		Name: d.name, Kind: d.kind, Fetch: d.fetch, TTL: d.ttl, Clock: d.clock, Types: d.types, slots: d.slots,
	})
}

// appendExpiry appends when something expires, where anything of d does.
func (d *decl) appendExpiry(dst []byte, t model.Timestamp) []byte {
	if d.ttl == 0 {
		return dst
	}
	return binary.AppendVarint(dst, int64(t))
}

// decodeExpiry reads what appendExpiry wrote.
func (d *decl) decodeExpiry(src []byte) (t model.Timestamp, rest []byte, err error) {
	if d.ttl == 0 {
		return never, src, nil
	}
	n, size := binary.Varint(src)
	if size <= 0 {
		return 0, src, errShort
	}
	return model.Timestamp(n), src[size:], nil
}

// decodeLen reads a number of parts.
func decodeLen(src []byte) (n uint64, rest []byte, err error) {
	n, size := binary.Uvarint(src)
	if size <= 0 {
		return 0, src, errShort
	}
	return n, src[size:], nil
}

var errShort = errors.New("its encoding ends too early")
