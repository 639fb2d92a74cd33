package kafkaio

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// A fetcher fetches the partitions of several readers by one client, in a goroutine
// of its own, which ends with the last of the readers.
//
// The invariant: what its queues hold is below the limit, but for what one fetch brought
// on top of it, and for what partitions bring whose queue was empty while others were full.
// Those others are paused until they are read.
type fetcher struct {
	client *kgo.Client
	limit  int64
	// uncommitted is whether it reads beyond the last stable offset.
	uncommitted bool
	cancel      context.CancelFunc
	done        chan struct{}

	mu     sync.Mutex
	room   sync.Cond // for what waits for queues to be read
	queues map[partitionKey]*queue
	// had are the partitions that it ever fetched. It takes none of them again: what
	// was on its way for the reader before could pass for the new one's.
	had      map[partitionKey]bool
	buffered int64 // bytes in queues
	paused   int   // queues
	closing  bool
}

type partitionKey struct {
	topic     string
	partition int32
}

// A queue is what was fetched of a partition and not read yet. Its fetcher's mu guards
// it, but for end and the channel.
type queue struct {
	key     partitionKey
	batches [][]*kgo.Record
	sizes   []int64 // of batches
	paused  bool
	err     error // that ends it, behind its batches
	// end is where the partition ends for this reader, as far as is known.
	end atomic.Int64
	// ready has a token when there may be something new.
	ready chan struct{}
}

const (
	defaultBuffered = 64 << 20
	// mostFetched and mostOfPartition are what a broker may answer at once, compressed.
	mostFetched     = 32 << 20
	mostOfPartition = 1 << 20
	// longestWait is how long a broker that has nothing lets a fetch wait. For so long, a
	// partition whose pause has ended may wait for the fetch of others.
	longestWait = 250 * time.Millisecond
)

// newFetcher begins to fetch, for no reader yet.
func (s *records) newFetcher(ctx context.Context) (*fetcher, error) {
	limit := s.MaxBufferedBytes
	if limit == 0 {
		limit = defaultBuffered
	}
	client, err := s.client(ctx,
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.FetchIsolationLevel(s.isolation()),
		kgo.KeepControlRecords(), // as they have offsets, too
		kgo.FetchMaxWait(longestWait),
		kgo.FetchMaxBytes(int32(min(limit, mostFetched))),
		kgo.FetchMaxPartitionBytes(int32(min(limit, mostOfPartition))),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{}),
	)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	f := &fetcher{
		client: client, limit: limit, uncommitted: s.Uncommitted, cancel: cancel, done: make(chan struct{}),
		queues: map[partitionKey]*queue{}, had: map[partitionKey]bool{},
	}
	f.room.L = &f.mu
	go f.run(ctx)
	return f, nil
}

// fetcherFor finds a fetcher that has not read p yet, and has it read p.
func (s *records) fetcherFor(ctx context.Context, p place) (*fetcher, *queue, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.fetchers {
		if q := f.add(p); q != nil {
			return f, q, nil
		}
	}
	f, err := s.newFetcher(ctx)
	if err != nil {
		return nil, nil, err
	}
	s.fetchers = append(s.fetchers, f)
	return f, f.add(p), nil
}

// add begins to fetch p; it returns nil if it has fetched that partition before.
func (f *fetcher) add(p place) *queue {
	f.mu.Lock()
	defer f.mu.Unlock()
	k := partitionKey{p.topic, p.partition}
	if f.had[k] {
		return nil
	}
	f.had[k] = true
	q := &queue{key: k, ready: make(chan struct{}, 1)}
	f.queues[k] = q
	f.client.AddConsumePartitions(map[string]map[int32]kgo.Offset{p.topic: {p.partition: kgo.NewOffset().At(p.next)}})
	return q
}

// remove lets go of a queue, and of the client with the last one.
func (s *records) remove(f *fetcher, q *queue) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f.mu.Lock()
	f.resume(q)
	delete(f.queues, q.key)
	for _, size := range q.sizes {
		f.buffered -= size
	}
	f.closing = len(f.queues) == 0
	last := f.closing
	f.room.Broadcast()
	f.mu.Unlock()
	// From the last queue, too: a client that is closed with partitions may assign them once
	// more when it has just asked for metadata, and then it fetches while it closes.
	f.client.RemoveConsumePartitions(map[string][]int32{q.key.topic: {q.key.partition}})
	if !last {
		return
	}
	for i, other := range s.fetchers {
		if other == f {
			s.fetchers = append(s.fetchers[:i], s.fetchers[i+1:]...)
			break
		}
	}
	f.cancel()
	<-f.done
	f.client.Close()
}

func (f *fetcher) run(ctx context.Context) {
	defer close(f.done)
	for f.waitForRoom() {
		fetches := f.client.PollFetches(ctx)
		if ctx.Err() != nil || fetches.IsClientClosed() {
			return
		}
		fetches.EachPartition(f.deliver)
	}
}

// waitForRoom waits until something may be fetched, and reports whether anybody still
// wants it.
func (f *fetcher) waitForRoom() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for !f.closing && f.buffered >= f.limit {
		hungry := false
		for _, q := range f.queues {
			hungry = hungry || len(q.batches) == 0
		}
		if hungry {
			f.pauseFull()
			break
		}
		f.room.Wait()
	}
	return !f.closing
}

// pauseFull pauses what has something.
func (f *fetcher) pauseFull() {
	for _, q := range f.queues {
		if len(q.batches) > 0 && !q.paused {
			q.paused = true
			f.paused++
			f.client.PauseFetchPartitions(map[string][]int32{q.key.topic: {q.key.partition}})
		}
	}
}

// resume ends the pause of q.
func (f *fetcher) resume(q *queue) {
	if !q.paused {
		return
	}
	q.paused = false
	f.paused--
	f.client.ResumeFetchPartitions(map[string][]int32{q.key.topic: {q.key.partition}})
}

// deliver queues what was fetched of a partition.
func (f *fetcher) deliver(p kgo.FetchTopicPartition) {
	const overhead = 160 // of a record, beside what the user put into it
	var size int64
	for _, r := range p.Records {
		size += overhead + int64(len(r.Key)+len(r.Value))
		for i := range r.Headers {
			size += int64(len(r.Headers[i].Key) + len(r.Headers[i].Value))
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	q := f.queues[partitionKey{p.Topic, p.Partition}]
	switch {
	case q == nil && p.Err != nil: // of the client, not of a partition
		for _, q := range f.queues {
			q.fail(p.Err)
		}
		return
	case q == nil: // read by nobody any more
		return
	}
	if len(p.Records) > 0 {
		q.batches, q.sizes = append(q.batches, p.Records), append(q.sizes, size)
		f.buffered += size
	}
	if p.Err != nil {
		q.fail(p.Err)
	}
	end := p.LastStableOffset
	if end < 0 || f.uncommitted {
		end = p.HighWatermark
	}
	if end > q.end.Load() {
		q.end.Store(end)
	}
	q.wake()
}

// fail ends the queue, unless the client goes on trying by itself.
func (q *queue) fail(err error) {
	var ke *kerr.Error
	if errors.As(err, &ke) && ke.Retriable && !errors.Is(err, kerr.UnknownTopicOrPartition) && !errors.Is(err, kerr.UnknownTopicID) {
		return
	}
	if q.err == nil {
		q.err = err
	}
	q.wake()
}

func (q *queue) wake() {
	select {
	case q.ready <- struct{}{}:
	default:
	}
}

// take takes the next batch; the error is what comes behind the last one.
func (f *fetcher) take(q *queue) ([]*kgo.Record, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(q.batches) == 0 {
		f.resume(q)
		return nil, q.err
	}
	batch := q.batches[0]
	q.batches[0] = nil
	f.buffered -= q.sizes[0]
	q.batches, q.sizes = q.batches[1:], q.sizes[1:]
	if f.buffered < f.limit/2 && f.paused > 0 {
		for _, other := range f.queues {
			f.resume(other)
		}
	}
	if len(q.batches) == 0 {
		q.batches, q.sizes = nil, nil
		f.resume(q)
	}
	f.room.Broadcast()
	return batch, nil
}
