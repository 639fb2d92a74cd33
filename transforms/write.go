package transforms

import (
	"errors"
	"fmt"

	"github.com/millrace/millrace/internal/engine"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/sink"
)

// Write writes a collection to a sink: PCollection[T] -> nothing. Each task
// writes a shard, or as many tasks as the sink wants shards. Connectors usually
// wrap it in a Write of their own.
func Write[T any](c model.PCollection[T], s sink.Sink[T], opts ...model.Option) {
	d := model.Definition{Kind: "Write", Class: model.Fused, Options: opts}
	if d.Err = errors.Join(checkSink(s), shared(c, s)); d.Err != nil {
		d.Inputs = in(c)
		c.Pipeline().Add(d)
		return
	}
	shards := 0
	if sharded, ok := s.(sink.Sharded); ok {
		shards = sharded.Shards()
	}
	if shards > 0 {
		c = reshuffle(c, shards, nil)
	}
	d.Inputs = in(c)
	d.Spec = &engine.WriteSpec[T]{Sink: s, Shards: shards}
	if str, ok := s.(fmt.Stringer); ok {
		d.Detail = str.String()
	}
	c.Pipeline().Add(d)
}

// shared says that another Write of the pipeline has the target of s already.
func shared[T any](c model.PCollection[T], s sink.Sink[T]) error {
	target := targetOf(s)
	if target == "" {
		return nil
	}
	for _, n := range c.Pipeline().Nodes() {
		if w, ok := n.Spec.(interface{ Target() string }); ok && w.Target() == target {
			return fmt.Errorf("%s is written by %s at %v already, and one would replace what the other wrote; write somewhere else, or put the collections together first, with transforms.Flatten", target, n.Name, n.Site)
		}
	}
	return nil
}

// targetOf is the target of a sink that wants it for itself, or "".
func targetOf(s any) string {
	if e, ok := s.(sink.Exclusive); ok {
		return e.Target()
	}
	return ""
}

func checkSink[T any](s sink.Sink[T]) error {
	if s == nil {
		return errors.New("the sink is nil")
	}
	if v, ok := s.(sink.Validator); ok {
		return v.Validate()
	}
	return nil
}
