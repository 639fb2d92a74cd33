package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/source"
)

// A Split is [source.Split]: the engine passes it through.
type Split = source.Split

// A SourceHead opens the splits that a task is given.
type SourceHead interface {
	Open(ctx context.Context, s Split) (*SplitReader, error)
}

// A SplitReader is a [source.Reader] whose elements go where its head's go.
type SplitReader struct {
	untypedReader
	Poll func(ctx context.Context, max int) (source.Status, error)
}

// An untypedReader is what of a [source.Reader] does not depend on elements' type.
type untypedReader interface {
	Watermark() model.Timestamp
	Position() Split
	Progress() source.Progress
	Close() error
}

// ReadSpec is the SourceSpec of a [source.Source].
type ReadSpec[T any] struct{ Source source.Source[T] }

// Bounded implements [SourceSpec].
func (s *ReadSpec[T]) Bounded() bool { return s.Source.Bounded() }

// Concurrent implements [SourceSpec].
func (s *ReadSpec[T]) Concurrent() bool {
	_, ok := s.Source.(source.Concurrent)
	return ok || !s.Source.Bounded()
}

// Lockstep implements [SourceSpec].
func (s *ReadSpec[T]) Lockstep() bool {
	_, ok := s.Source.(source.Lockstep)
	return ok
}

// IdleAfter implements [SourceSpec].
func (s *ReadSpec[T]) IdleAfter() time.Duration {
	if i, ok := s.Source.(source.Idling); ok {
		return i.IdleAfter()
	}
	return 0
}

// Splits implements [SourceSpec].
func (s *ReadSpec[T]) Splits(ctx context.Context, hint int) ([]Split, error) {
	return s.Source.Splits(ctx, hint)
}

// Head implements [SourceSpec].
func (s *ReadSpec[T]) Head(op *Op, outs [][]any) SourceHead {
	return &head[T]{op: op, src: s.Source, next: Tee[T](outs[0])}
}

type head[T any] struct {
	op   *Op
	src  source.Source[T]
	next Emit[T]
}

func (h *head[T]) Open(ctx context.Context, s Split) (*SplitReader, error) {
	r, err := h.src.Open(ctx, s)
	if err == nil && r == nil {
		err = errors.New("the source returned neither a reader nor an error")
	}
	if err != nil {
		return nil, err
	}
	m := &model.Meta{Window: model.GlobalWindow, Pane: model.NoPane}
	next, op := h.next, h.op
	emit := func(v *T, ts model.Timestamp) {
		op.Counts.Read++
		m.Timestamp = ts
		next(m, v)
		op.task.cursor.op = nil // the reader's own code again
	}
	return &SplitReader{r, func(ctx context.Context, max int) (source.Status, error) { return r.Read(ctx, max, emit) }}, nil
}

// AddSplit gives the task a split to read.
func (t *Task) AddSplit(s Split) error {
	if t.err == nil {
		t.addSplit(s)
	}
	return t.err
}

func (t *Task) addSplit(s Split) {
	defer t.recover()
	t.cursor.op = nil
	r, err := t.source.Open(t.cfg.Context, s)
	if err != nil {
		t.err = t.sourceError(s.ID, fmt.Errorf("opening: %w", err))
		return
	}
	rd := &reading{SplitReader: r, id: s.ID, watermark: model.MinTimestamp, nothingSince: model.MaxTimestamp, resumeAt: model.MaxTimestamp}
	rd.keeper, _ = r.untypedReader.(source.Timekeeper)
	rd.clocked, _ = r.untypedReader.(source.Clocked)
	rd.splitter, _ = r.untypedReader.(source.Splitter)
	t.readers = append(t.readers, rd)
	t.tellTime(rd)
}

// Readers is how many splits the task is reading.
func (t *Task) Readers() int { return len(t.readers) }

// SetFloor bounds the task's watermark by that of splits that it may be given
// later; MaxTimestamp is no bound. A lower one stops the watermark where it is.
func (t *Task) SetFloor(floor model.Timestamp) { t.floor = floor }

// ReadersWatermark is where the splits that the task reads are, as it was when the
// watermark was last sent on.
func (t *Task) ReadersWatermark() model.Timestamp {
	w := model.MaxTimestamp
	for _, r := range t.readers {
		if !r.idle {
			w = min(w, r.watermark)
		}
	}
	return w
}

// Poll reads up to limit elements from the first split that has some, and ends
// splits that are exhausted. The status says Done when the last of them is.
func (t *Task) Poll(limit int) (source.Status, error) {
	if t.err != nil {
		return source.Status{}, t.err
	}
	status := t.poll(limit)
	return status, t.err
}

func (t *Task) poll(limit int) (status source.Status) {
	defer t.recover()
	t.cursor.op = nil
	for i := 0; i < len(t.readers); {
		r := t.readers[0]
		st, err := t.pollOne(r, limit)
		if err != nil && t.err == nil {
			t.err = t.sourceError(r.id, err)
		}
		if t.err != nil {
			return status
		}
		if st.Done {
			p := r.Progress()
			t.readers = append(t.readers[:0], t.readers[1:]...)
			t.read.Done += max(p.Done, p.Total)
			t.read.Total += max(p.Done, p.Total)
			if err := r.Close(); err != nil {
				t.err = t.sourceError(r.id, fmt.Errorf("closing: %w", err))
				return status
			}
			status.ResumeAfter = 0 // others were not asked
			break
		}
		copy(t.readers, t.readers[1:]) // round robin
		t.readers[len(t.readers)-1] = r
		if st.ResumeAfter <= 0 {
			status.ResumeAfter = 0
			break
		}
		if status.ResumeAfter == 0 || st.ResumeAfter < status.ResumeAfter {
			status.ResumeAfter = st.ResumeAfter
		}
		i++
	}
	t.forward()
	status.Done = len(t.readers) == 0
	return status
}

// EndSource says that the task will be given no more splits and has read those
// it has. Stopped means that they were not read to the end, and that the
// watermark stays where it is.
func (t *Task) EndSource(stopped bool) error {
	if t.err == nil && !t.done {
		t.endSource(stopped)
	}
	return t.err
}

// Drain ends the task as if its splits had come to their end where they were read up to.
func (t *Task) Drain() error {
	for len(t.readers) > 0 && t.err == nil {
		r := t.readers[0]
		t.readers = t.readers[1:]
		if err := t.guard(nil, r.Close); err != nil {
			t.err = t.sourceError(r.id, fmt.Errorf("closing: %w", err))
		}
	}
	return t.EndSource(false)
}

func (t *Task) endSource(stopped bool) {
	defer t.recover()
	if !stopped {
		t.floor = model.MaxTimestamp
		t.forward()
	}
	if t.err == nil {
		t.finish()
	}
}

// Now is the processing time that the task's scripted readers say it is.
func (t *Task) Now() (now model.Timestamp, scripted bool) {
	now = model.MinTimestamp
	for _, r := range t.readers {
		if r.keeper != nil {
			now, scripted = max(now, r.keeper.Now()), true
		}
	}
	return now, scripted
}

// Progress adds up the progress of the splits that the task has read and is reading.
func (t *Task) Progress() (p source.Progress, err error) {
	if t.err == nil {
		p = t.progress()
	}
	return p, t.err
}

func (t *Task) progress() source.Progress {
	defer t.recover()
	t.cursor.op = nil
	p := t.read
	for _, r := range t.readers {
		r.progress = r.Progress()
		p.Done += r.progress.Done
		p.Total += r.progress.Total
	}
	return p
}

// A SplitProgress is how far a task is in a split that it reads.
type SplitProgress struct {
	ID string
	source.Progress
	Watermark model.Timestamp
	// Idle says that the split does not hold the watermark back.
	Idle bool
}

// AppendSplits appends the splits that the task reads, with the progress that
// Progress last added up, to dst.
func (t *Task) AppendSplits(dst []SplitProgress) []SplitProgress {
	for _, r := range t.readers {
		dst = append(dst, SplitProgress{r.id, r.progress, r.watermark, r.idle})
	}
	return dst
}

// A SourceError is an error of a source, with the split that it was reading.
type SourceError struct {
	Transform string
	Site      model.Site
	Split     string
	Err       error
}

func (t *Task) sourceError(split string, err error) error {
	return &SourceError{Transform: t.cfg.Stage.Head.Name, Site: t.cfg.Stage.Head.Site, Split: split, Err: err}
}

func (e *SourceError) Error() string {
	s := e.Site.String() + ": " + e.Transform + ": "
	if e.Split != "" {
		s += "reading " + e.Split + ": "
	}
	return s + e.Err.Error()
}

func (e *SourceError) Unwrap() error { return e.Err }
