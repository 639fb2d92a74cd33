package reference_test

import (
	"context"
	"slices"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/testing/reference"
	"github.com/millrace/millrace/transforms"
)

// An output is what a pipeline emitted.
type output struct {
	step   int
	key    int
	values []int
	meta   model.Meta
}

// A recording is what came out of a pipeline.
type recording struct {
	rig     *rig
	outputs []output
	drops   []reference.Drop
}

// record records what comes out of c.
func (r *recording) record(c model.PCollection[lists]) {
	transforms.ForEach(c, func(_ context.Context, e transforms.Element[lists]) error {
		r.outputs = append(r.outputs, output{r.rig.step, e.Value.Key, slices.Sorted(slices.Values(e.Value.Value)), e.Meta})
		return nil
	})
}

// recordDrops records what was dropped.
func (r *recording) recordDrops(late model.LateData[number]) {
	transforms.ForEach(late.Collection(), func(_ context.Context, e transforms.Element[model.LateElement[number]]) error {
		l := e.Value
		r.drops = append(r.drops, reference.Drop{
			Step: r.rig.step, Key: l.Value.Key, Value: l.Value.Value, At: l.Timestamp,
			Window: l.Window, Watermark: l.Watermark, Reason: l.Reason,
		})
		return nil
	})
}

// panes are what was recorded, as the reference has it.
func (r *recording) panes() (panes []reference.Pane) {
	for _, o := range r.outputs {
		panes = append(panes, reference.Pane{Step: o.step, Key: o.key, Window: o.meta.Window, Pane: o.meta.Pane, At: o.meta.Timestamp, Values: o.values})
	}
	return panes
}
