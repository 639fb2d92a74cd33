package transforms_test

import (
	"context"
	"fmt"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/transforms"
)

// A Numbering puts a number before each element that a task sees. It keeps
// something between elements, and so makes an instance for each task.
type Numbering struct{ n int }

func (*Numbering) Instance() transforms.DoFn[string, string] { return &Numbering{} }

func (d *Numbering) Open(context.Context) error {
	d.n = 1
	return nil
}

func (d *Numbering) Process(_ context.Context, e transforms.Element[string], out transforms.Output[string]) error {
	out.Emit(fmt.Sprintf("%d. %s", d.n, e.Value))
	d.n++
	return nil
}

func ExampleInstancer() {
	var p model.Pipeline
	steps := transforms.Create(&p, "open the sluice", "lower the stone", "pour the grain")
	numbered := transforms.Do(steps, &Numbering{})

	printAll(numbered)
	// Unordered output:
	// 1. open the sluice
	// 2. lower the stone
	// 3. pour the grain
}
