package csvio

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/millrace/millrace/io/internal/filesource"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/source"
	"github.com/millrace/millrace/transforms"
)

// Read reads the rows of the files that match pattern, as [Source] describes. A
// row that cannot be read ends the run with a [RowError].
func Read[T any](p *model.Pipeline, pattern string, opts Options[T], more ...model.Option) model.PCollection[T] {
	return transforms.Read(p, Source(pattern, opts), more...)
}

// ReadWithDeadLetters is [Read] that goes on after rows that cannot be read, and
// sets them aside: pattern -> PCollection[T], PCollection[BadRow]. A bad row has
// the time of the watermark. What is wrong with a file as a whole, such as its
// header or its compression, ends the run as ever.
func ReadWithDeadLetters[T any](p *model.Pipeline, pattern string, opts Options[T], more ...model.Option) (model.PCollection[T], model.PCollection[BadRow]) {
	all := transforms.Read(p, outcomeSource(pattern, opts), more...)
	return transforms.Do2(all, func(_ context.Context, e transforms.Element[outcome[T]], rows transforms.Output[T], bad transforms.Output[BadRow]) error {
		if e.Value.Bad != nil {
			bad.Emit(*e.Value.Bad)
		} else {
			rows.Emit(e.Value.Row)
		}
		return nil
	})
}

// Source is the rows of the files that match pattern, which is as
// [github.com/millrace/millrace/io/textio.Source] describes.
//
// Every file has a header unless opts name the columns. The headers of all files are
// read before anything else, and must have a column for each field that is not
// optional, once. Beyond that they may differ: columns that T has no field for are
// passed over, whatever their names, and may be missing in some files. A file without
// a line has no rows.
//
// A row without an event time is stamped with the watermark of its split: the latest
// event time of the rows before it in its split, less OutOfOrderness. So it is not
// late, and belongs to the windows of that time. Before the first row with an event
// time that is [model.MinTimestamp].
//
// A file is read by one reader unless opts say SingleLineRecords. A compressed
// one is in any case, and resuming in it costs decompressing again what was read
// of it. Rows cost an allocation for each text in them, and none otherwise. The
// line number of an error in a piece of a file costs a pass over the file.
func Source[T any](pattern string, opts Options[T]) source.Source[T] {
	src := newSource(pattern, opts, func(ctx context.Context, s *schema, d dialect, in *filesource.Input) (filesource.Decoder[T], error) {
		row := new(T)
		dec, err := newDecoder(ctx, s, d, in, row)
		if err != nil {
			return nil, err
		}
		return func(max int, emit func(*T, model.Timestamp)) error {
			for range max {
				if err := dec.next(); err != nil {
					return advised(err)
				}
				emit(row, model.MinTimestamp)
			}
			return nil
		}, nil
	})
	if opts.EventTime == nil {
		return src
	}
	return timed(src, opts, func(row T) model.Timestamp { return orNone(opts.EventTime(row)) })
}

// zeroTime is the event time of a [time.Time] that was never set.
var zeroTime = model.TimestampOf(time.Time{})

// orNone is t, or MinTimestamp, which is no event time, for the zero time.
func orNone(t model.Timestamp) model.Timestamp {
	if t == zeroTime {
		return model.MinTimestamp
	}
	return t
}

// advised adds to a *RowError what can be done about it.
func advised(err error) error {
	if bad, ok := err.(*RowError); ok {
		return fmt.Errorf("%w; correct the row, or have such rows set aside with csvio.ReadWithDeadLetters", bad)
	}
	return err
}

// An outcome is a row, or the report of one that could not be read.
type outcome[T any] struct {
	Row T
	Bad *BadRow
}

// outcomeSource is [Source] with the bad rows among the good ones.
func outcomeSource[T any](pattern string, opts Options[T]) source.Source[outcome[T]] {
	src := newSource(pattern, opts, func(ctx context.Context, s *schema, d dialect, in *filesource.Input) (filesource.Decoder[outcome[T]], error) {
		o := new(outcome[T])
		dec, err := newDecoder(ctx, s, d, in, &o.Row)
		if err != nil {
			return nil, err
		}
		return func(max int, emit func(*outcome[T], model.Timestamp)) error {
			for range max {
				err := dec.next()
				o.Bad = nil
				if err != nil {
					bad, ok := err.(*RowError)
					if !ok {
						return err
					}
					row := bad.badRow()
					o.Bad = &row
				}
				emit(o, model.MinTimestamp)
			}
			return nil
		}, nil
	})
	if opts.EventTime == nil {
		return src
	}
	return timed(src, opts, func(o outcome[T]) model.Timestamp {
		if o.Bad != nil {
			return model.MinTimestamp // it has none
		}
		return orNone(opts.EventTime(o.Row))
	})
}

// timed gives the elements of src the event times that at says.
func timed[T, E any](src source.Source[E], opts Options[T], at func(E) model.Timestamp) source.Source[E] {
	return source.WithEventTime(src, at, source.BoundedOutOfOrderness(opts.OutOfOrderness))
}

// newSource is a source of what is decoded of rows T.
func newSource[T, E any](pattern string, opts Options[T], open func(context.Context, *schema, dialect, *filesource.Input) (filesource.Decoder[E], error)) source.Source[E] {
	s, err := schemaOf(reflect.TypeFor[T]())
	if err == nil {
		err = s.readable()
	}
	d, dialectErr := opts.dialect()
	if err == nil && d.columns != nil {
		_, err = s.match(d.columns)
	}
	return &filesource.Source[E]{
		Name: "csvio", Pattern: pattern, Options: opts.files(), Format: d.String(), Err: errors.Join(err, dialectErr),
		Check: func(ctx context.Context, files []filesource.File) error { return d.check(ctx, s, files) },
		Decoder: func(ctx context.Context, in *filesource.Input) (filesource.Decoder[E], error) {
			return open(ctx, s, d, in)
		},
	}
}
