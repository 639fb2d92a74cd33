package kafkaio

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/source"
	"github.com/millrace/millrace/transforms"
)

// ReadOptions say what is read. Exactly one of Topics, Pattern and Partitions is
// needed.
type ReadOptions struct {
	Cluster
	Topics []string
	// Pattern is a regular expression that the whole name of a topic matches.
	Pattern    string
	Partitions map[string][]int32
	// Start is where reading starts where no checkpoint says it.
	Start Start
	// ToEnd makes the input bounded: each partition is read up to where it ended when
	// the run started for the first time.
	ToEnd bool
	// Uncommitted reads the records of transactions that are not committed, too, and
	// of those that never will be.
	Uncommitted bool
	// Group is the consumer group whose offsets [Committed] starts at. No member joins
	// it: partitions are not assigned by it.
	Group string
	// OnGap is what happens when records are not there any more.
	OnGap Gap
	// MaxBufferedBytes bounds what is fetched ahead of the readers, in keys, values
	// and headers; what one fetch brings may come on top. 0 is 64 MiB.
	MaxBufferedBytes int64
	// Logger is told of gaps; nil is slog.Default.
	Logger *slog.Logger
}

// Read reads records, as [Source] describes.
func Read(p *model.Pipeline, opts ReadOptions, more ...model.Option) model.PCollection[Record] {
	return transforms.Read(p, Source(opts), more...)
}

// Source is the records of partitions of topics. Each partition is a split. The event
// time of a record is its timestamp, which its producer or its broker gave it.
//
// It has no watermark of its own: what to expect of the order of timestamps is
// for [source.WithWatermarks] to say, or [source.WithEventTime] if event time is in
// the payload. Without one of them, windows fire when the input ends, and never in
// one that does not.
//
// The progress of a split counts offsets. Its total grows with the partition, so
// that total less done is the lag.
//
// What was fetched and not read yet is held in memory, up to MaxBufferedBytes; when
// that is reached, no more is fetched but for readers that have nothing. A record
// costs no allocation beyond those of the client.
func Source(opts ReadOptions) source.Source[Record] {
	return &records{ReadOptions: opts, ends: map[string]topicBounds{}}
}

// records is the source. Its fields below are what its readers share in this process;
// mu guards them.
type records struct {
	ReadOptions

	mu       sync.Mutex
	fetchers []*fetcher
	ends     map[string]topicBounds
}

// Validate implements source.Validator.
func (s *records) Validate() error {
	var errs []error
	errs = append(errs, s.Cluster.validate())
	given := 0
	for _, is := range []bool{len(s.Topics) > 0, s.Pattern != "", len(s.Partitions) > 0} {
		if is {
			given++
		}
	}
	if given != 1 {
		errs = append(errs, fmt.Errorf("kafkaio: %d of Topics, Pattern and Partitions are given; give one of them", given))
	}
	if _, err := s.pattern(); err != nil {
		errs = append(errs, fmt.Errorf("kafkaio: Pattern: %w", err))
	}
	if s.Start.at == atCommitted && s.Group == "" {
		errs = append(errs, errors.New("kafkaio: to start at committed offsets, give the Group that they are of"))
	}
	if s.OnGap > GapToLatest {
		errs = append(errs, fmt.Errorf("kafkaio: OnGap is %v; it is one of GapFails, GapToEarliest and GapToLatest", s.OnGap))
	}
	if s.MaxBufferedBytes < 0 {
		errs = append(errs, errors.New("kafkaio: MaxBufferedBytes is negative; 0 is 64 MiB"))
	}
	return errors.Join(errs...)
}

func (s *records) pattern() (*regexp.Regexp, error) {
	return regexp.Compile("^(?:" + s.Pattern + ")$")
}

func (s *records) String() string {
	what := s.what() + " " + s.Start.String()
	if s.ToEnd {
		what += " to the end"
	}
	return what
}

// Describe implements source.Described. Where reading starts is not of it: a checkpoint
// has its own.
func (s *records) Describe() string {
	text := "kafka: " + s.what()
	if s.ToEnd {
		text += ", to the end"
	}
	if s.Uncommitted {
		text += ", uncommitted"
	}
	return text
}

// what is what is read.
func (s *records) what() string {
	what := strings.Join(slices.Sorted(slices.Values(s.Topics)), ", ")
	if s.Pattern != "" {
		what = "topics like " + s.Pattern
	}
	if len(s.Partitions) > 0 {
		var topics []string
		for t, ps := range s.Partitions {
			topics = append(topics, fmt.Sprintf("%s %v", t, ps))
		}
		slices.Sort(topics)
		what = strings.Join(topics, ", ")
	}
	return what
}

// Bounded implements source.Source.
func (s *records) Bounded() bool { return s.ToEnd }

// Concurrent implements source.Concurrent: event time goes on in all partitions side
// by side.
func (*records) Concurrent() {}

func (s *records) logger() *slog.Logger {
	if s.Logger == nil {
		return slog.Default()
	}
	return s.Logger
}

func (s *records) isolation() kgo.IsolationLevel {
	if s.Uncommitted {
		return kgo.ReadUncommitted()
	}
	return kgo.ReadCommitted()
}

// listEnds lists where partitions end, for a reader of this source.
func (s *records) listEnds(ctx context.Context, admin *kadm.Client, topics ...string) (kadm.ListedOffsets, error) {
	if s.Uncommitted {
		return admin.ListEndOffsets(ctx, topics...)
	}
	return admin.ListCommittedOffsets(ctx, topics...)
}
