package engine

import (
	"fmt"

	"github.com/millrace/millrace/model/coder"
)

// How panes are saved that may have to be taken back: what they said, by its coder,
// inside the encoding of the key's windows.

// A saidForm turns what an accumulate's keep returned into bytes and back.
type saidForm struct {
	schema func() (*coder.Schema, error)
	append func(dst []byte, said any) ([]byte, error)
	// from returns what reads what was saved with the first schema, and the differences
	// from it; without schemas, what was saved with the present one.
	from func(history []*coder.Schema) (read func(src []byte) (said any, err error), changes []coder.Difference, err error)
}

// saidAs is the form of those that are each a *T.
func saidAs[T any]() saidForm {
	return saidBy(func(t *T) any { return t }, func(said any) *T { return said.(*T) })
}

// saidBy is the form of those that are saved as a T.
func saidBy[T any](unpack func(*T) any, pack func(any) *T) saidForm {
	return saidForm{
		schema: func() (*coder.Schema, error) {
			c, err := coder.For[T]()
			if err != nil {
				return nil, err
			}
			return c.Schema(), nil
		},
		append: func(dst []byte, said any) ([]byte, error) {
			c, err := coder.For[T]()
			if err != nil {
				return dst, err
			}
			return c.Append(dst, pack(said))
		},
		from: func(history []*coder.Schema) (func([]byte) (any, error), []coder.Difference, error) {
			c, err := coder.For[T]()
			if err != nil {
				return nil, nil, err
			}
			decode, changes := c.Decode, []coder.Difference(nil)
			if len(history) > 0 {
				m, err := c.From(history[0], history[1:]...)
				if err != nil {
					return nil, nil, err
				}
				decode, changes = m.Decode, m.Changes()
			}
			return func(src []byte) (any, error) {
				said := new(T)
				rest, err := decode(src, said)
				if err == nil && len(rest) > 0 {
					err = fmt.Errorf("%d bytes are left over", len(rest))
				}
				if err != nil {
					return nil, err
				}
				return unpack(said), nil
			}, changes, nil
		},
	}
}

// panedEncoding is that of a key's windows, of a grouping that may take panes back.
type panedEncoding[K comparable, A any] struct {
	savedAs[keyWindows[A], []savedWindow[A]]
	g    *paned[K, A]
	said *coder.Schema
}

func (e panedEncoding[K, A]) describe(s *cellSchema) {
	e.savedAs.describe(s)
	s.Said = e.said
}

func (e panedEncoding[K, A]) from(history []*cellSchema, u *Upgrade) (decoder[keyWindows[A]], error) {
	var said []*coder.Schema
	for _, h := range history {
		if h.Said != nil {
			said = append(said, h.Said)
		}
	}
	read, changes, err := e.g.acc.said.from(said)
	if err != nil {
		return nil, fmt.Errorf("what a pane said: %w", err)
	}
	for _, d := range changes {
		u.note(&u.Changes, "what a pane said: "+d.String())
	}
	return e.fromBy(history, u, func(saved []savedWindow[A], ks *keyWindows[A]) error {
		return e.g.unpack(saved, ks, read)
	})
}
