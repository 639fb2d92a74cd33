package state

import (
	"fmt"

	"github.com/millrace/millrace/model/coder"
)

// A TypeSpec is one of the types that a cell holds: its role in the cell, such as
// "key", and its schema.
type TypeSpec struct {
	Role   string
	Schema *coder.Schema
}

// Expires reports whether an expiry is saved with what a cell holds.
func (s *Spec) Expires() bool { return s.TTL > 0 }

// From is s for slots that were saved with other types, those in between, oldest first,
// following: its Decode reads them ([coder.Coder.From]). The kinds of the cells and
// whether they expire must be the same. Changes is what differs.
func (s *Spec) From(stored []TypeSpec, later ...[]TypeSpec) (old *Spec, changes []string, err error) {
	h := &history{stored: stored, later: later}
	slots := s.slots.migrated(h)
	if h.err != nil {
		return nil, nil, h.err
	}
	old = new(Spec)
	*old = *s
	old.slots = slots
	return old, h.changes, nil
}

// A history is the types that a cell held.
type history struct {
	stored  []TypeSpec
	later   [][]TypeSpec
	changes []string
	err     error
}

// migrated is c for what was saved with the types of h.
func migrated[T any](h *history, c codec[T], role string) codec[T] {
	stored := schemaOf(h.stored, role)
	var later []*coder.Schema
	for _, types := range h.later {
		later = append(later, schemaOf(types, role))
	}
	m, err := c.coder.From(stored, later...)
	switch {
	case err != nil && h.err == nil:
		h.err = fmt.Errorf("%s: %w", role, err)
	case err == nil:
		for _, d := range m.Changes() {
			h.changes = append(h.changes, fmt.Sprintf("%s: %v", role, d))
		}
	}
	c.from = m
	return c
}

func schemaOf(types []TypeSpec, role string) *coder.Schema {
	for _, t := range types {
		if t.Role == role {
			return t.Schema
		}
	}
	return nil
}

func (c *valueCell[T]) migrated(h *history) slotType {
	old := *c
	old.codec = migrated(h, c.codec, "value")
	return &old
}

func (c *bagCell[T]) migrated(h *history) slotType {
	old := *c
	old.codec = migrated(h, c.codec, "value")
	return &old
}

func (c *setCell[T]) migrated(h *history) slotType {
	old := *c
	old.codec = migrated(h, c.codec, "value")
	return &old
}

func (c *listCell[T]) migrated(h *history) slotType {
	old := *c
	old.codec = migrated(h, c.codec, "value")
	return &old
}

func (c *combiningCell[V, A, O]) migrated(h *history) slotType {
	old := *c
	old.codec = migrated(h, c.codec, "accumulator")
	return &old
}

func (c *mapCell[M, V]) migrated(h *history) slotType {
	old := *c
	old.keys, old.values = migrated(h, c.keys, "key"), migrated(h, c.values, "value")
	return &old
}

func (c *multimapCell[M, V]) migrated(h *history) slotType {
	old := *c
	old.keys, old.values = migrated(h, c.keys, "key"), migrated(h, c.values, "value")
	return &old
}
