package cells_test

import (
	"reflect"

	"github.com/millrace/millrace/internal/engine/cells"
	"github.com/millrace/millrace/model/coder"
)

// ints are cells of an int for each int, as an operator has them.
type ints struct {
	*cells.Table
	keys *cells.Index[int]
	slab *cells.Slab[int]
}

func newInts() *ints { return &ints{keys: new(cells.Index[int]), slab: cells.NewSlab[int](nil)} }

func openInts(d *cells.Durable, name string) *ints {
	c := newInts()
	c.Table = cells.OpenTable(d, intCells(name), c.keys, c.slab)
	return c
}

func intCells(name string) cells.Declaration {
	return cells.Declaration{Name: name, Form: cells.Plain(reflect.TypeFor[int]())}
}

// in are the cells of a table of windows.
func in(t *cells.Table) *ints {
	if t == nil {
		return nil
	}
	return &ints{t, t.Keys.(*cells.Index[int]), t.Values.(*cells.Slab[int])}
}

// Upsert is the value of a key, which is about to change.
func (c *ints) Upsert(k int) (v *int, fresh bool) {
	i, fresh := c.keys.Place(hashOf(k), &k)
	known := c.Came(i, fresh)
	return c.slab.At(i), !known
}

// Get is the value of a key, which is about to change; nil if there is none.
func (c *ints) Get(k int) *int {
	i, fresh := c.keys.Place(hashOf(k), &k)
	if !c.Came(i, fresh) {
		c.Remove(i)
		return nil
	}
	return c.slab.At(i)
}

func (c *ints) Delete(k int) bool {
	i, fresh := c.keys.Place(hashOf(k), &k)
	known := c.Came(i, fresh)
	c.Remove(i)
	return known
}

// has reports whether a key is in memory.
func (c *ints) has(k int) bool {
	_, found := c.keys.Find(hashOf(k), &k)
	return found
}

func hashOf(k int) uint64 {
	c, err := coder.ForKey[int]()
	if err != nil {
		panic(err)
	}
	return c.Hash(&k)
}
