package kafkaio

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/millrace/millrace/model/source"
)

// A place is a partition, and what of it is left to read: [next, end).
type place struct {
	topic     string
	partition int32
	// id is that of the topic, by which one that was made anew under an old name is
	// told apart; all zeros where the broker has none.
	id kadm.TopicID
	// first is where reading began, by which progress counts.
	first, next int64
	end         int64 // unbounded if negative
}

// positionFormat is how a place is stored, but for what is in the split's ID.
const positionFormat = "kafka 1 %s %d %d %d"

func (p place) split() source.Split {
	s := source.Split{
		ID:       p.topic + "/" + strconv.Itoa(int(p.partition)),
		Position: fmt.Appendf(nil, positionFormat, hex.EncodeToString(p.id[:]), p.first, p.next, p.end),
	}
	if p.end >= 0 {
		s.Size = p.end - p.next
	}
	return s
}

func placeOf(s source.Split) (p place, err error) {
	slash := strings.LastIndexByte(s.ID, '/')
	number := -1
	if slash > 0 {
		if n, err := strconv.ParseInt(s.ID[slash+1:], 10, 32); err == nil {
			number = int(n)
		}
	}
	var id string
	_, err = fmt.Sscanf(string(s.Position), positionFormat, &id, &p.first, &p.next, &p.end)
	n := 0
	if err == nil {
		n, err = hex.Decode(p.id[:], []byte(id[:min(len(id), 2*len(p.id))]))
	}
	if err != nil || n != len(p.id) || number < 0 || p.first < 0 || p.next < p.first || p.end >= 0 && p.next > p.end {
		return p, fmt.Errorf("kafkaio: the split %q with the position %.60q is none of a topic: take the one that fits, or start without the checkpoint", s.ID, s.Position)
	}
	p.topic, p.partition = s.ID[:slash], int32(number)
	return p, nil
}

// Splits implements source.Source: a split is a partition, whatever hint says.
func (s *records) Splits(ctx context.Context, _ int) ([]source.Split, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	cl, err := s.client(ctx)
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(ctx, answerLimit)
	defer cancel()
	admin := kadm.NewClient(cl)
	places, err := s.partitions(ctx, admin)
	if err != nil {
		return nil, err
	}
	if len(places) == 0 {
		return nil, fmt.Errorf("kafkaio: no topic matches %q; check the pattern, and whether the user may DESCRIBE the topics", s.Pattern)
	}
	if err := s.place(ctx, admin, places); err != nil {
		return nil, err
	}
	splits := make([]source.Split, len(places))
	for i, p := range places {
		splits[i] = p.split()
	}
	return splits, nil
}

// partitions lists what is to be read, in order.
func (s *records) partitions(ctx context.Context, admin *kadm.Client) (places []place, err error) {
	names := slices.Clone(s.Topics)
	for t := range s.Partitions {
		names = append(names, t)
	}
	topics, err := admin.ListTopics(ctx, names...)
	if err != nil {
		return nil, s.explain(err)
	}
	pattern, err := s.pattern()
	if err != nil {
		return nil, err
	}
	for _, t := range topics.Sorted() {
		if s.Pattern != "" && !pattern.MatchString(t.Topic) {
			continue
		}
		if t.Err != nil {
			return nil, fmt.Errorf("topic %q: %w", t.Topic, s.explain(t.Err))
		}
		for _, p := range t.Partitions.Sorted() {
			if chosen := s.Partitions[t.Topic]; chosen == nil || slices.Contains(chosen, p.Partition) {
				places = append(places, place{topic: t.Topic, partition: p.Partition, id: t.ID, end: -1})
			}
		}
		for _, chosen := range s.Partitions[t.Topic] {
			if _, ok := t.Partitions[chosen]; !ok {
				return nil, fmt.Errorf("kafkaio: topic %q has no partition %d: it has %d, numbered from 0", t.Topic, chosen, len(t.Partitions))
			}
		}
	}
	return places, nil
}

// place fills in where the partitions are read from and, if there is an end, up to
// where.
func (s *records) place(ctx context.Context, admin *kadm.Client, places []place) error {
	topics := topicsOf(places)
	earliest, err := admin.ListStartOffsets(ctx, topics...)
	if err != nil {
		return s.explain(err)
	}
	latest, err := s.listEnds(ctx, admin, topics...)
	if err != nil {
		return s.explain(err)
	}
	starts, err := s.starts(ctx, admin, earliest, latest, topics)
	if err != nil {
		return err
	}
	for i := range places {
		p := &places[i]
		from, ferr := offsetIn(earliest, p)
		to, terr := offsetIn(latest, p)
		if err := errors.Join(ferr, terr); err != nil {
			return fmt.Errorf("%s, partition %d: %w", p.topic, p.partition, s.explain(err))
		}
		p.next = from
		if at, ok := starts(p); ok {
			p.next = at
		}
		if p.next < from || p.next > to {
			if p.next, err = s.gap(p, from, to); err != nil {
				return err
			}
		}
		p.first = p.next
		if s.ToEnd {
			p.end = to
		}
	}
	return nil
}

// starts says, by partition, where Start has it start, if it does.
func (s *records) starts(ctx context.Context, admin *kadm.Client, earliest, latest kadm.ListedOffsets, topics []string) (func(*place) (int64, bool), error) {
	listed := func(l kadm.ListedOffsets) func(*place) (int64, bool) {
		return func(p *place) (int64, bool) {
			at, err := offsetIn(l, p)
			return at, err == nil
		}
	}
	switch s.Start.at {
	case atLatest:
		return listed(latest), nil
	case atTime:
		l, err := admin.ListOffsetsAfterMilli(ctx, s.Start.time.UnixMilli(), topics...)
		if err == nil {
			err = l.Error()
		}
		if err != nil {
			return nil, s.explain(err)
		}
		behind := listed(latest)
		at := listed(l)
		return func(p *place) (int64, bool) {
			o, _ := at(p)
			end, _ := behind(p)
			return min(o, end), true
		}, nil
	case atCommitted:
		var offsets kadm.OffsetResponses
		err := retried(ctx, func() (err error) {
			if offsets, err = admin.FetchOffsets(ctx, s.Group); err == nil {
				err = offsets.Error()
			}
			return err
		})
		if err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
			return nil, fmt.Errorf("group %q: %w", s.Group, s.explain(err))
		}
		return func(p *place) (int64, bool) {
			o, ok := offsets.Lookup(p.topic, p.partition)
			return o.At, ok && o.At >= 0
		}, nil
	case atOffsets:
		return func(p *place) (int64, bool) {
			o, ok := s.Start.offsets[p.topic][p.partition]
			return o, ok
		}, nil
	}
	return listed(earliest), nil
}

// gap is where to go on in a partition that has [from, to), and not p.next.
func (s *records) gap(p *place, from, to int64) (int64, error) {
	next := to
	switch s.OnGap {
	case GapFails:
		return 0, fmt.Errorf("kafkaio: %s, partition %d: reading should go on at offset %d, and the broker has %d up to %d: records were deleted, or the end of the log was lost; to go on without them, set OnGap",
			p.topic, p.partition, p.next, from, to)
	case GapToEarliest:
		next = from
	}
	s.logger().Warn("records of a topic are gone", "topic", p.topic, "partition", p.partition, "wanted", p.next, "first", from, "end", to, "goingOnAt", next)
	return next, nil
}

func offsetIn(l kadm.ListedOffsets, p *place) (int64, error) {
	o, ok := l.Lookup(p.topic, p.partition)
	if !ok {
		return 0, errors.New("the broker does not say which offsets it has")
	}
	return o.Offset, o.Err
}

func topicsOf(places []place) (topics []string) {
	for _, p := range places {
		if len(topics) == 0 || topics[len(topics)-1] != p.topic {
			topics = append(topics, p.topic)
		}
	}
	return topics
}

// topicBounds is what a topic has, as of when it was asked.
type topicBounds struct {
	asked    time.Time
	id       kadm.TopicID
	from, to kadm.ListedOffsets
}
