package kafkaio

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/source"
)

// A reader reads a partition from what its fetcher fetched.
type reader struct {
	src *records
	place
	id      string
	fetcher *fetcher
	queue   *queue
	batch   []*kgo.Record // what is left of the one that is being read
	record  Record        // one for all, as emit is given its address
	// known is how often in a row records did not come that are known to be there.
	known int
	timer *time.Timer
}

const (
	// patience is how long a Read waits for records that are known to be there.
	patience = 5 * time.Millisecond
	// mostPatience is after how many such waits the last offsets are taken to be without
	// records: compaction leaves such.
	mostPatience = 400
	// pause is how long it is until one that has nothing is asked again.
	pause = 2 * time.Millisecond
)

// Open implements source.Source.
func (s *records) Open(ctx context.Context, split source.Split) (source.Reader[Record], error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	p, err := placeOf(split)
	if err != nil {
		return nil, err
	}
	if (p.end >= 0) != s.ToEnd {
		return nil, errors.New("kafkaio: the checkpoint is of a source that had another ToEnd; take the one that it had, or start without the checkpoint")
	}
	r := &reader{src: s, place: p, id: split.ID}
	end, err := r.check(ctx)
	if err != nil {
		return nil, err
	}
	r.fetcher, r.queue, err = s.fetcherFor(ctx, r.place)
	if err != nil {
		return nil, err
	}
	r.queue.end.Store(end)
	return r, nil
}

// check checks that the partition still has what is left to read, and returns where it
// ends.
func (r *reader) check(ctx context.Context) (end int64, err error) {
	b, err := r.src.bounds(ctx, r.topic)
	if err != nil {
		return 0, err
	}
	if none := (kadm.TopicID{}); r.place.id != b.id && b.id != none && r.place.id != none {
		return 0, fmt.Errorf("kafkaio: the topic %q was deleted and made anew since the checkpoint, and has other records; start without the checkpoint", r.topic)
	}
	from, ferr := offsetIn(b.from, &r.place)
	to, terr := offsetIn(b.to, &r.place)
	if err := errors.Join(ferr, terr); err != nil {
		return 0, r.src.explain(err)
	}
	done := r.end >= 0 && r.next >= r.end
	if (r.next < from || r.next > to) && !done {
		if err := r.skipGap(from, to); err != nil {
			return 0, err
		}
	}
	return to, nil
}

// skipGap goes on where OnGap says.
func (r *reader) skipGap(from, to int64) error {
	next, err := r.src.gap(&r.place, from, to)
	if err != nil {
		return err
	}
	if r.end >= 0 {
		next = min(next, r.end)
	}
	r.next = next
	r.first = min(r.first, next)
	return nil
}

// boundsAge is how old what is known of a topic may be when a reader is opened: many
// are, one after the other, as a run starts.
const boundsAge = time.Second

// bounds is what a topic has.
func (s *records) bounds(ctx context.Context, topic string) (topicBounds, error) {
	s.mu.Lock()
	b, ok := s.ends[topic]
	var client *kgo.Client
	if len(s.fetchers) > 0 {
		client = s.fetchers[0].client
	}
	s.mu.Unlock()
	if ok && time.Since(b.asked) < boundsAge {
		return b, nil
	}
	if client == nil {
		own, err := s.client(ctx)
		if err != nil {
			return b, err
		}
		defer own.Close()
		client = own
	}
	b, err := s.askBounds(ctx, kadm.NewClient(client), topic)
	if err != nil {
		return b, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ends[topic] = b
	return b, nil
}

func (s *records) askBounds(ctx context.Context, admin *kadm.Client, topic string) (b topicBounds, err error) {
	ctx, cancel := context.WithTimeout(ctx, answerLimit)
	defer cancel()
	b.asked = time.Now()
	topics, err := admin.ListTopics(ctx, topic)
	if err != nil {
		return b, s.explain(err)
	}
	t := topics[topic]
	if t.Err != nil {
		return b, fmt.Errorf("topic %q: %w", topic, s.explain(t.Err))
	}
	b.id = t.ID
	if b.from, err = admin.ListStartOffsets(ctx, topic); err != nil {
		return b, s.explain(err)
	}
	if b.to, err = s.listEnds(ctx, admin, topic); err != nil {
		return b, s.explain(err)
	}
	return b, nil
}

// Read implements source.Reader.
func (r *reader) Read(ctx context.Context, max int, emit func(*Record, model.Timestamp)) (source.Status, error) {
	n := 0
	for n < max && !r.ended() {
		if len(r.batch) == 0 {
			batch, err := r.more(ctx, n == 0)
			if err != nil {
				return source.Status{}, err
			}
			if len(batch) == 0 {
				break
			}
			r.batch, r.known = batch, 0
		}
		rec := r.batch[0]
		r.batch[0] = nil
		r.batch = r.batch[1:]
		switch {
		case rec.Offset < r.next: // before a gap that was skipped
			continue
		case r.end >= 0 && rec.Offset >= r.end:
			r.next = r.end
			continue
		}
		r.next = rec.Offset + 1
		if rec.Attrs.IsControl() {
			continue
		}
		r.record = Record{rec.Topic, rec.Partition, rec.Offset, rec.Key, rec.Value, rec.Headers}
		emit(&r.record, model.TimestampOf(rec.Timestamp))
		n++
	}
	switch {
	case r.ended():
		return source.Status{Done: true}, r.Close() // so that nothing is fetched for it any more
	case n == 0 && max > 0 && !r.knowsOfMore():
		return source.Status{ResumeAfter: pause}, nil
	}
	return source.Status{}, nil
}

func (r *reader) ended() bool { return r.end >= 0 && r.next >= r.end }

// knowsOfMore reports whether there are records, as far as is known, that are only to be
// fetched.
func (r *reader) knowsOfMore() bool {
	return len(r.batch) > 0 || r.known < mostPatience && r.next < r.queue.end.Load()
}

// more is the next batch. It waits for it, for a while, if it is known to be there.
func (r *reader) more(ctx context.Context, wait bool) ([]*kgo.Record, error) {
	for {
		batch, err := r.fetcher.take(r.queue)
		if err != nil {
			return nil, r.failed(ctx, err)
		}
		if len(batch) > 0 || !wait || !r.knowsOfMore() {
			return batch, nil
		}
		wait = false
		if r.timer == nil {
			r.timer = time.NewTimer(patience)
		} else {
			r.timer.Reset(patience)
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-r.queue.ready:
			r.timer.Stop()
		case <-r.timer.C:
			r.known++
		}
	}
}

// failed is what becomes of an error of fetching: a gap that may be skipped, or the
// error with what to check.
func (r *reader) failed(ctx context.Context, err error) error {
	var lost *kgo.ErrDataLoss
	if !errors.Is(err, kerr.OffsetOutOfRange) && !errors.As(err, &lost) {
		return r.src.explain(err)
	}
	b, berr := r.src.freshBounds(ctx, r.topic)
	if berr != nil {
		return berr
	}
	from, ferr := offsetIn(b.from, &r.place)
	to, terr := offsetIn(b.to, &r.place)
	if err := errors.Join(ferr, terr); err != nil {
		return r.src.explain(err)
	}
	if err := r.skipGap(from, to); err != nil {
		return err
	}
	r.src.remove(r.fetcher, r.queue)
	r.fetcher, r.queue, err = r.src.fetcherFor(ctx, r.place)
	if err == nil {
		r.queue.end.Store(to)
	}
	return err
}

// freshBounds is what a topic has now.
func (s *records) freshBounds(ctx context.Context, topic string) (topicBounds, error) {
	s.mu.Lock()
	delete(s.ends, topic)
	s.mu.Unlock()
	return s.bounds(ctx, topic)
}

// Position implements source.Reader.
func (r *reader) Position() source.Split { return r.place.split() }

// Watermark implements source.Reader: nothing is known of the order of timestamps.
func (r *reader) Watermark() model.Timestamp { return model.MinTimestamp }

// Progress implements source.Reader.
func (r *reader) Progress() source.Progress {
	end := r.end
	if end < 0 {
		end = max(r.next, r.queue.end.Load())
	}
	return source.Progress{Done: r.next - r.first, Total: end - r.first}
}

// Close implements source.Reader.
func (r *reader) Close() error {
	if r.queue != nil {
		r.src.remove(r.fetcher, r.queue)
		r.queue = nil
	}
	return nil
}
