package engine

import (
	"reflect"

	"github.com/millrace/millrace/model"
)

// A lateOutlet emits the element of r, which window w did not take. Its event time is
// that of the watermark, so that it is not late a second time.
type lateOutlet[K comparable, V any] func(r *Record[K, V], w model.Window, watermark model.Timestamp, reason model.DropReason)

// lateOut is the outlet of op's node for what it drops of its elements KV[K, V],
// or nil if nobody asked for that.
func lateOut[K comparable, V any](op *Op, outs [][]any) lateOutlet[K, V] {
	port := latePort(op, reflect.TypeFor[model.LateElement[model.KV[K, V]]]())
	if port == 0 {
		return nil
	}
	next := Tee[model.LateElement[model.KV[K, V]]](outs[port])
	var out model.LateElement[model.KV[K, V]]
	var meta model.Meta
	return func(r *Record[K, V], w model.Window, watermark model.Timestamp, reason model.DropReason) {
		meta = model.Meta{Timestamp: max(watermark, r.At), Window: model.GlobalWindow, Pane: model.NoPane}
		out = model.LateElement[model.KV[K, V]]{
			Value:     model.KV[K, V]{Key: r.Key, Value: r.Part},
			Timestamp: r.At,
			Window:    w,
			Watermark: watermark,
			Reason:    reason,

			Retraction: r.N < 0,
		}
		next(&meta, &out)
	}
}

// latePort is the output of op's node that is of type t; 0 if there is none.
func latePort(op *Op, t reflect.Type) int {
	for port := 1; port < len(op.Node.Outputs); port++ {
		if op.Node.Outputs[port].Type == t {
			return port
		}
	}
	return 0
}
