package model

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// A Pipeline is a graph of transforms under construction. The zero Pipeline is
// empty and ready to use. Mistakes made while building it are collected, each
// with the user's line, and returned together by Err; a pipeline with mistakes
// does not start. A Pipeline is not safe for concurrent use while it is built,
// and is read-only afterwards.
type Pipeline struct {
	nodes       []*Node
	collections []*Collection
	errs        []error
	names       map[string]Site
	scope       []string
}

// Err reports every construction mistake, or nil if the graph is sound.
// Runners call it before they start.
func (p *Pipeline) Err() error {
	if p == nil {
		return errors.New("the *model.Pipeline is nil; declare one with var p model.Pipeline, and build it with &p")
	}
	return errors.Join(p.errs...)
}

// Nodes returns the transforms in construction order, which is topological.
func (p *Pipeline) Nodes() []*Node { return p.nodes }

// Collections returns the collections in construction order.
func (p *Pipeline) Collections() []*Collection { return p.collections }

// A Class says how a plan may place a node.
type Class uint8

const (
	// Source nodes have no input.
	Source Class = iota + 1
	// Fused nodes work element by element, in the task that made the element.
	Fused
	// Exchange nodes re-partition their inputs between tasks: a stage ends in
	// them and another begins.
	Exchange
)

// A Node is one transform. Nodes are immutable once added.
type Node struct {
	ID    int
	Kind  string // "Map", "GroupByKey", ...
	Name  string // unique in the pipeline; keys persisted state
	Class Class
	// Detail is what Explain prints beside the name.
	Detail  string
	Inputs  []*Collection
	Outputs []*Collection
	// Spec is the transform's typed part; package engine gives it meaning.
	Spec any
	Site Site
}

// A Collection is the untyped side of a PCollection.
type Collection struct {
	ID        int
	Producer  *Node
	Port      int // index in Producer.Outputs
	Type      reflect.Type
	Windowing *Windowing
	// Unbounded collections never end by themselves.
	Unbounded bool
	// Late collections are what a grouping dropped, of a [LateData].
	Late      bool
	Consumers []Consumer
}

// A Consumer is an input of a node.
type Consumer struct {
	Node *Node
	Port int // index in Node.Inputs
}

// A Windowing is the windowing of a collection.
type Windowing struct {
	Strategy WindowingStrategy
	// Site is the line that set it.
	Site Site
	// Assigned says that elements carry the one window they belong to. Otherwise
	// the windows of an element follow from its timestamp, and are computed where
	// something asks for them.
	Assigned bool
	// Grouped says that the windows came out of a grouping: merging ones have been
	// merged and are merged no more.
	Grouped bool
	// Retractions says that some elements may take others back.
	Retractions bool
}

// Carried is w with its windows assigned.
func (w *Windowing) Carried() *Windowing {
	c := *w
	c.Assigned = true
	return &c
}

// AfterGrouping is w as it is behind a grouping.
func (w *Windowing) AfterGrouping() *Windowing {
	c := *w
	c.Assigned, c.Grouped = true, true
	c.Retractions = c.Retractions || c.Strategy.Panes == Retracting
	return &c
}

// A PCollection is a possibly unbounded set of timestamped, windowed values.
// It is a handle: copying it does not copy data.
type PCollection[T any] struct {
	pipeline   *Pipeline
	collection *Collection // nil after a construction mistake
}

// An Input is any PCollection, whatever its element type.
type Input interface {
	Pipeline() *Pipeline
	Collection() *Collection
}

// Pipeline is the pipeline that made c. It panics if none did.
func (c PCollection[T]) Pipeline() *Pipeline {
	if c.pipeline == nil {
		panic("millrace: use of a PCollection that no pipeline made: it is the zero value, or a Flatten of nothing; take it from a transform such as transforms.Create")
	}
	return c.pipeline
}

// Collection is nil when building c was a mistake.
func (c PCollection[T]) Collection() *Collection { return c.collection }

// A Definition describes a node to add.
type Definition struct {
	Kind   string
	Class  Class
	Detail string
	Spec   any
	Inputs []Input
	// Sides are inputs that elements of the others are looked up in. They follow
	// Inputs among the node's, and say nothing about its outputs.
	Sides   []Input
	Outputs []reflect.Type
	// Windowing of the outputs; nil inherits that of the first input.
	Windowing *Windowing
	Unbounded bool // of a source
	// Err is what is wrong with the transform's arguments.
	Err     error
	Options []Option
	// Name is set by the option [Name].
	Name string
	// TakesLate says that the transform drops elements that are too late.
	TakesLate bool
	late      []lateOutput // set by the option LateData.To
}

// An Option adjusts one transform.
type Option func(*Definition)

// Name sets the transform's name. Names key persisted state, so a transform
// that must survive an upgrade needs one; without it the name follows from the
// transform's place among those of its kind.
func Name(name string) Option { return func(d *Definition) { d.Name = name } }

// apply applies d's options.
func (d *Definition) apply() {
	for i, o := range d.Options {
		if o == nil {
			d.Err = errors.Join(d.Err, fmt.Errorf("option %d of %d is nil; leave it out", i+1, len(d.Options)))
			continue
		}
		o(d)
	}
}

// Add records a transform and returns its node. It returns nil when d is
// mistaken or builds on a mistake; only the first is recorded.
func (p *Pipeline) Add(d Definition) *Node {
	if p == nil {
		panic("millrace: " + p.Err().Error()) // there is nowhere to note it
	}
	site := UserSite()
	d.apply()
	n := &Node{ID: len(p.nodes), Kind: d.Kind, Class: d.Class, Detail: d.Detail, Spec: d.Spec, Site: site}
	outputs := len(d.Outputs)
	if !p.check(&d, n) {
		for _, l := range d.late {
			l.attach(p, nil, 0)
		}
		return nil
	}
	w := d.windowing(n)
	for port, t := range d.Outputs {
		c := &Collection{ID: len(p.collections), Producer: n, Port: port, Type: t, Windowing: w, Unbounded: d.Unbounded}
		if port >= outputs {
			c.Windowing, c.Late = &Windowing{Site: site, Assigned: true}, true
		}
		n.Outputs = append(n.Outputs, c)
		p.collections = append(p.collections, c)
	}
	for i, l := range d.late {
		l.attach(p, n, outputs+i)
	}
	for port, c := range n.Inputs {
		c.Consumers = append(c.Consumers, Consumer{n, port})
	}
	p.nodes = append(p.nodes, n)
	return n
}

// check completes n by d's inputs and name, and reports whether all is well. If
// not, it has recorded what is wrong, unless an earlier mistake is all there is.
func (p *Pipeline) check(d *Definition, n *Node) bool {
	var other *Pipeline
	for i, in := range slices.Concat(d.Inputs, d.Sides) {
		if in.Pipeline() != p {
			other = in.Pipeline()
			d.Err = errors.Join(errors.New("inputs belong to different pipelines; build both from the same model.Pipeline"), d.Err)
			break
		}
		c := in.Collection()
		if c == nil {
			return false // already reported
		}
		n.Inputs = append(n.Inputs, c)
		d.Unbounded = d.Unbounded || c.Unbounded && i < len(d.Inputs)
	}
	name, nameErr := p.nameFor(*d, n.Site)
	n.Name = name
	if d.Err == nil && nameErr == nil {
		d.Err = d.addLate(n)
	}
	if err := errors.Join(d.Err, nameErr); err != nil {
		p.Fail(n.Site, name, err)
		if other != nil { // whichever of the two is run, it must not start
			other.Fail(n.Site, name, err)
		}
		return false
	}
	return true
}

// windowing is that of n's outputs.
func (d *Definition) windowing(n *Node) *Windowing {
	var w Windowing
	switch {
	case d.Windowing != nil:
		w = *d.Windowing
	case len(n.Inputs) > 0:
		w = *n.Inputs[0].Windowing
	default:
		w.Assigned = true // sources emit into the global window
	}
	if w.Site == (Site{}) {
		w.Site = n.Site
	}
	for _, c := range n.Inputs[:len(d.Inputs)] {
		w.Retractions = w.Retractions || c.Windowing.Retractions
	}
	return &w
}

// Fail records a mistake.
func (p *Pipeline) Fail(site Site, transform string, err error) {
	p.errs = append(p.errs, &BuildError{Site: site, Transform: transform, Err: err})
}

func (p *Pipeline) nameFor(d Definition, site Site) (string, error) {
	if p.names == nil {
		p.names = map[string]Site{}
	}
	prefix := p.prefix()
	if d.Name == "" {
		name := prefix + d.Kind
		for i := 2; ; i++ {
			if _, taken := p.names[name]; !taken {
				p.names[name] = site
				return name, nil
			}
			name = fmt.Sprintf("%s%s#%d", prefix, d.Kind, i)
		}
	}
	name := prefix + d.Name
	if other, taken := p.names[name]; taken {
		return name, fmt.Errorf("the name %q is taken by the transform at %v; names key persisted state, so give one of them another with model.Name", name, other)
	}
	p.names[name] = site
	return name, nil
}

// prefix is what the scope puts before a name.
func (p *Pipeline) prefix() string {
	if len(p.scope) == 0 {
		return ""
	}
	return strings.Join(p.scope, "/") + "/"
}

// ScopeName is the name of a transform that is made of others: the one that opts
// give, or the kind, numbered where it is taken.
func (p *Pipeline) ScopeName(kind string, opts []Option) string {
	d := Definition{Kind: kind, Options: opts}
	d.apply()
	site := UserSite()
	name, err := p.nameFor(d, site)
	err = errors.Join(d.Err, err)
	if len(d.late) > 0 {
		err = errors.Join(err, (&Definition{Kind: kind, late: d.late}).addLate(nil))
		for _, l := range d.late {
			l.attach(p, nil, 0)
		}
	}
	if err != nil {
		p.Fail(site, name, err)
	}
	return strings.TrimPrefix(name, p.prefix())
}

// InScope runs build with name prefixed to the names of the transforms it adds.
func (p *Pipeline) InScope(name string, build func()) {
	p.scope = append(p.scope, name)
	defer func() { p.scope = p.scope[:len(p.scope)-1] }()
	build()
}

// OutputOf is output port of node n, which [Pipeline.Add] returned, nil included.
func OutputOf[T any](p *Pipeline, n *Node, port int) PCollection[T] {
	if n == nil {
		return PCollection[T]{pipeline: p}
	}
	return PCollection[T]{pipeline: p, collection: n.Outputs[port]}
}

// Add1 adds a node with one output.
func Add1[T any](p *Pipeline, d Definition) PCollection[T] {
	d.Outputs = []reflect.Type{reflect.TypeFor[T]()}
	return OutputOf[T](p, p.Add(d), 0)
}
