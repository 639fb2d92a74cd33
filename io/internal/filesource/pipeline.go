package filesource

import (
	"fmt"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/source"
	"github.com/millrace/millrace/transforms"
)

// Read adds src to p. What is wrong with src is the pipeline's mistake, at the
// user's line.
func Read[T any](p *model.Pipeline, src source.Source[T], opts []model.Option) model.PCollection[T] {
	if v, ok := src.(source.Validator); ok {
		if err := v.Validate(); err != nil {
			return model.Add1[T](p, model.Definition{Kind: "Read", Class: model.Source, Detail: fmt.Sprint(src), Err: err, Options: opts})
		}
	}
	return transforms.Read(p, src, opts...)
}
