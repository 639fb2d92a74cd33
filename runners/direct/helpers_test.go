package direct_test

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/transforms"
)

const micro = time.Microsecond

// summed adds up the elements of c while the pipeline runs.
func summed(c model.PCollection[int64]) *atomic.Int64 {
	sum := new(atomic.Int64)
	transforms.ForEach(c, func(_ context.Context, e transforms.Element[int64]) error {
		sum.Add(e.Value)
		return nil
	})
	return sum
}
