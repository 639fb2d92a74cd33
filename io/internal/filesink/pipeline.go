package filesink

import (
	"fmt"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/sink"
	"github.com/millrace/millrace/transforms"
)

// Write writes c to s. What is wrong with s is the pipeline's mistake, at the
// user's line.
func Write[T any](c model.PCollection[T], s sink.Sink[T], opts []model.Option) {
	if v, ok := s.(sink.Validator); ok {
		if err := v.Validate(); err != nil {
			c.Pipeline().Add(model.Definition{Kind: "Write", Class: model.Fused, Detail: fmt.Sprint(s), Inputs: []model.Input{c}, Err: err, Options: opts})
			return
		}
	}
	transforms.Write(c, s, opts...)
}
