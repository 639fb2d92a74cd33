package model

import "time"

// A Trigger decides when the panes of a window fire. It is plain data: printed
// by String, compared by reflect.DeepEqual, and sent to a worker. Its methods are
// pure: all that a trigger remembers about a key and window is its
// [TriggerCell]s, which the engine keeps, checkpoints and, for merging windows,
// hands to OnMerge. Package triggers has the usual ones.
//
// The engine calls OnElement for each element, then asks ShouldFire. When that
// says yes, it emits the pane, calls OnFire, and asks ShouldFire once more, only
// to learn when to ask again: wakeups count when they are asked for in
// ShouldFire, and each call replaces those of the last. Once the root trigger's
// cell is Finished it is asked no more, and its window takes no more elements.
type Trigger interface {
	String() string
	// Validate reports what is wrong with the trigger's own fields.
	Validate() error
	// Subtriggers are the parts of a composite trigger, in order; they are
	// reached through TriggerContext.Sub.
	Subtriggers() []Trigger
	// Finishes reports whether the trigger may finish while a window with the given
	// allowed lateness still takes elements; those that came after would be dropped.
	Finishes(lateness time.Duration) bool
	OnElement(*TriggerContext)
	// OnMerge is called on a merged window's trigger, whose cells are zero at first,
	// once for each window with elements that went into it, with the cells that this
	// trigger and those below it had there. A composite passes them on by
	// [TriggerContext.SubCells].
	OnMerge(c *TriggerContext, from []TriggerCell)
	ShouldFire(*TriggerContext) bool
	OnFire(*TriggerContext)
}

// A TriggerCell is what one trigger of a tree remembers for a key and window.
type TriggerCell struct {
	Finished bool
	Count    int64
	At       Timestamp
}

// A TriggerContext is what a trigger may see of its key and window. It is valid
// during the call only.
type TriggerContext struct {
	Window Window
	// Watermark is the operator's input watermark, Now its processing time.
	Watermark, Now Timestamp

	tree  *TriggerTree
	node  int
	all   []TriggerContext // of the tree, by node
	cells []TriggerCell
	wake  *Wakeups
}

// Wakeups are the instants at which a trigger asked to be asked again; zero
// fields are unset.
type Wakeups struct {
	EventTime, ProcessingTime Timestamp
	HasEvent, HasProcessing   bool
}

// Cell is what this trigger remembers; changes to it are kept.
func (c *TriggerContext) Cell() *TriggerCell { return &c.cells[c.node] }

// Sub is the context of the i'th subtrigger.
func (c *TriggerContext) Sub(i int) *TriggerContext { return &c.all[c.tree.children[c.node][i]] }

// SubCells are the cells of the i'th subtrigger, and of those below it, within
// cells of this trigger's.
func (c *TriggerContext) SubCells(cells []TriggerCell, i int) []TriggerCell {
	child := c.tree.children[c.node][i]
	return cells[child-c.node : c.tree.end[child]-c.node]
}

// Reset forgets what this trigger and those below it remember.
func (c *TriggerContext) Reset() {
	for i := c.node; i < c.tree.end[c.node]; i++ {
		c.cells[i] = TriggerCell{}
	}
}

// WakeAtEventTime asks to be asked once the watermark reaches t.
func (c *TriggerContext) WakeAtEventTime(t Timestamp) {
	if !c.wake.HasEvent || t < c.wake.EventTime {
		c.wake.EventTime, c.wake.HasEvent = t, true
	}
}

// WakeAtProcessingTime asks to be asked once processing time reaches t.
func (c *TriggerContext) WakeAtProcessingTime(t Timestamp) {
	if !c.wake.HasProcessing || t < c.wake.ProcessingTime {
		c.wake.ProcessingTime, c.wake.HasProcessing = t, true
	}
}

// FiresBeforeEnd reports whether this trigger, which fires now, would fire as well if the
// watermark had yet to reach the end of the window. It is for the OnFire of a composite that
// finishes: one that fired for the end of the window alone is to be active again in a
// merged window whose end is yet to come.
func (c *TriggerContext) FiresBeforeEnd() bool {
	watermark, wake := c.Watermark, *c.wake
	if watermark < c.Window.End {
		return true
	}
	c.setWatermark(c.Window.End - 1)
	fires := c.Trigger().ShouldFire(c)
	c.setWatermark(watermark)
	*c.wake = wake
	return fires
}

// setWatermark sets what this trigger and those below it see of the watermark.
func (c *TriggerContext) setWatermark(t Timestamp) {
	for i := c.node; i < c.tree.end[c.node]; i++ {
		c.all[i].Watermark = t
	}
}

// A TriggerTree is a trigger laid out in preorder, so that what it remembers for
// a key and window is one slice of cells. It is immutable.
type TriggerTree struct {
	nodes    []Trigger
	children [][]int
	end      []int // end[i] is past the last node below i
}

// NewTriggerTree lays out t.
func NewTriggerTree(t Trigger) *TriggerTree {
	tree := &TriggerTree{}
	tree.add(t)
	return tree
}

func (tree *TriggerTree) add(t Trigger) int {
	i := len(tree.nodes)
	tree.nodes = append(tree.nodes, t)
	tree.children = append(tree.children, nil)
	tree.end = append(tree.end, 0)
	for _, s := range t.Subtriggers() {
		c := tree.add(s)
		tree.children[i] = append(tree.children[i], c)
	}
	tree.end[i] = len(tree.nodes)
	return i
}

// Size is the number of cells that a key and window needs.
func (tree *TriggerTree) Size() int { return len(tree.nodes) }

// Root is the context of the whole tree for one window, over cells, of which
// there are Size. What a trigger asks for is noted in wake.
func (tree *TriggerTree) Root(w Window, watermark, now Timestamp, cells []TriggerCell, wake *Wakeups) *TriggerContext {
	all := make([]TriggerContext, tree.Size())
	for i := range all {
		all[i] = TriggerContext{tree: tree, node: i, all: all}
	}
	all[0].Set(w, watermark, now, cells, wake)
	return &all[0]
}

// Set makes c, the context of a whole tree, that of another window or time.
func (c *TriggerContext) Set(w Window, watermark, now Timestamp, cells []TriggerCell, wake *Wakeups) {
	for i := range c.all {
		s := &c.all[i]
		s.Window, s.Watermark, s.Now, s.cells, s.wake = w, watermark, now, cells, wake
	}
}

// Trigger is the trigger whose context c is.
func (c *TriggerContext) Trigger() Trigger { return c.tree.nodes[c.node] }
