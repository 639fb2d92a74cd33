package engine

import (
	"reflect"

	"github.com/millrace/millrace/model"
)

// A lateOutlet emits what a grouping dropped. A nil one emits nothing.
type lateOutlet[K comparable, V any] struct {
	next Emit[model.LateElement[model.KV[K, V]]]
	meta model.Meta
	out  model.LateElement[model.KV[K, V]]
}

// lateOut is the outlet of op's node for what it drops of its elements KV[K, V],
// or nil if nobody asked for that.
func lateOut[K comparable, V any](op *Op, outs [][]any) *lateOutlet[K, V] {
	t := reflect.TypeFor[model.LateElement[model.KV[K, V]]]()
	for port := 1; port < len(outs); port++ {
		if op.Node.Outputs[port].Type == t {
			return &lateOutlet[K, V]{next: Tee[model.LateElement[model.KV[K, V]]](outs[port])}
		}
	}
	return nil
}

// emit emits the element of r, which window w did not take. Its event time is that
// of the watermark, so that it is not late a second time.
func (l *lateOutlet[K, V]) emit(r *Record[K, V], w model.Window, watermark model.Timestamp, reason model.DropReason) {
	if l == nil {
		return
	}
	l.meta = model.Meta{Timestamp: max(watermark, r.At), Window: model.GlobalWindow, Pane: model.NoPane}
	l.out = model.LateElement[model.KV[K, V]]{
		Value:     model.KV[K, V]{Key: r.Key, Value: r.Part},
		Timestamp: r.At,
		Window:    w,
		Watermark: watermark,
		Reason:    reason,

		Retraction: r.N < 0,
	}
	l.next(&l.meta, &l.out)
}
