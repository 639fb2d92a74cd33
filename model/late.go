package model

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
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
// The dropped elements are in the global window, at the time of the watermark that they were behind, so that they
// are not late a second time.
//
// T is the type of the elements that the grouping was given: Count of a
// PCollection[string] takes a LateData[string].
//
// Elements that are in no window are not among them: they are only counted, in the report.
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

// takeLate are the verbs that drop elements.
const takeLate = "GroupByKey, CombinePerKey, CombineGlobally, Reduce, Count, Distinct, CoGroup, Join, LeftJoin, DoKeyed, and those with side inputs"

// addLate gives d an output for each LateData.
func (d *Definition) addLate(n *Node) error {
	for _, l := range d.late {
		switch {
		case !d.TakesLate:
			return errors.New("it takes no LateData; hand that to what drops elements: " + takeLate)
		case l.taken:
			return errLateTaken
		case !slices.ContainsFunc(n.Inputs[:len(d.Inputs)], func(c *Collection) bool { return c.Type == l.typ }):
			return wrongLate(l.typ, n.Inputs[0].Type)
		}
		d.Outputs = append(d.Outputs, l.element)
	}
	return nil
}

var errLateTaken = errors.New("the LateData is another grouping's already; declare one for each")

func wrongLate(of, grouped reflect.Type) error {
	return fmt.Errorf("the LateData is for elements %v, but those that are grouped are %v", of, grouped)
}

// PartLate parts options into those of [LateData.To] and the others, for a verb that is
// made of others and groups its elements in another form: it hands the late ones to
// [GiveLate].
func PartLate(opts []Option) (late, others []Option) {
	for _, o := range opts {
		var d Definition
		if o != nil {
			o(&d)
		}
		if len(d.late) > 0 {
			late = append(late, o)
		} else {
			others = append(others, o)
		}
	}
	return late, others
}

// GiveLate has each LateData of late, of [PartLate], be what dropped returns: what the
// verb that is in scope drops. One that is for other elements than T, or another
// grouping's, is a mistake: it returns false, and dropped was not called.
func GiveLate[T any](p *Pipeline, late []Option, dropped func() PCollection[LateElement[T]]) bool {
	to, err := lateOutputs(late, reflect.TypeFor[T]())
	if err != nil {
		p.Fail(UserSite(), strings.TrimSuffix(p.prefix(), "/"), err)
	}
	var n *Node
	var port int
	if len(to) > 0 && err == nil {
		if c := dropped().Collection(); c != nil {
			n, port = c.Producer, c.Port
		}
	}
	for _, l := range to {
		l.attach(p, n, port)
	}
	return err == nil
}

// lateOutputs are the LateData of late, and what is wrong with one that is for elements
// of type t.
func lateOutputs(late []Option, t reflect.Type) (to []lateOutput, err error) {
	var d Definition
	for _, o := range late {
		o(&d)
	}
	for _, l := range d.late {
		switch {
		case l.taken:
			err = errors.Join(err, errLateTaken)
			continue // it stays the other's
		case l.typ != t:
			err = errors.Join(err, wrongLate(l.typ, t))
		}
		to = append(to, l)
	}
	return to, err
}
