package model

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
)

// A LateElement is an element that a grouping dropped, and why.
type LateElement[T any] struct {
	Value     T
	Timestamp Timestamp
	// Window is the one that would not take it; where windows merge, the merged one.
	// An element of several windows is dropped from each on its own.
	Window Window
	// Watermark is what the grouping's input watermark was at that moment.
	Watermark Timestamp
	Reason    DropReason
	// Retraction says that the element was to take back one like it.
	Retraction bool
}

// A DropReason says why an element was dropped.
type DropReason uint8

const (
	// WindowExpired says that the watermark had reached the end of the window plus
	// the allowed lateness.
	WindowExpired DropReason = iota + 1
	// TriggerFinished says that the window's trigger had finished.
	TriggerFinished
)

func (r DropReason) String() string {
	switch r {
	case WindowExpired:
		return "window expired"
	case TriggerFinished:
		return "trigger finished"
	}
	return fmt.Sprintf("DropReason(%d)", uint8(r))
}

// LateData receives what groupings drop. The zero LateData is ready to be handed
// to one grouping, as the option To, and has its collection afterwards:
//
//	var late model.LateData[model.KV[string, int]]
//	sums := transforms.CombinePerKey(amounts, transforms.Sum, late.To())
//	dropped := late.Collection()
//
// T is the type of the elements that are grouped. The dropped elements are in the
// global window, at the time of the watermark that they were behind, so that they
// are not late a second time.
//
// A combine with a LateData does not fold its elements before the exchange.
type LateData[T any] struct {
	pipeline *Pipeline
	node     *Node
	port     int
}

// To is the option that has a grouping's drops go to l.
func (l *LateData[T]) To() Option {
	return func(d *Definition) {
		d.late = append(d.late, lateOutput{
			typ:     reflect.TypeFor[T](),
			element: reflect.TypeFor[LateElement[T]](),
			taken:   l.pipeline != nil,
			attach:  func(p *Pipeline, n *Node, port int) { l.pipeline, l.node, l.port = p, n, port },
		})
	}
}

// Collection is what was dropped. It must be called after the grouping was built.
func (l *LateData[T]) Collection() PCollection[LateElement[T]] {
	if l.pipeline == nil {
		return PCollection[LateElement[T]]{} // which no pipeline made, as using it will say
	}
	return OutputOf[LateElement[T]](l.pipeline, l.node, l.port)
}

// A lateOutput is a LateData whose T is not known.
type lateOutput struct {
	typ, element reflect.Type
	taken        bool // by another grouping
	attach       func(p *Pipeline, n *Node, port int)
}

// addLate gives d an output for each LateData.
func (d *Definition) addLate(n *Node) error {
	for _, l := range d.late {
		switch {
		case !d.TakesLate:
			return errors.New("it takes no LateData; hand that to what drops elements: GroupByKey, CombinePerKey, Reduce, CoGroup, Join, LeftJoin")
		case l.taken:
			return errors.New("the LateData is another grouping's already; declare one for each")
		case !slices.ContainsFunc(n.Inputs[:len(d.Inputs)], func(c *Collection) bool { return c.Type == l.typ }):
			return fmt.Errorf("the LateData is for elements %v, but those that are grouped are %v", l.typ, n.Inputs[0].Type)
		}
		d.Outputs = append(d.Outputs, l.element)
	}
	return nil
}
