// Package kafkaio reads the topics of Apache Kafka.
//
// A partition is a split: it has a watermark of its own, and its offset is what a
// checkpoint stores. Nothing else decides where reading goes on; the offsets of a
// group are for people to look at.
//
// The invariant: of the records that a partition has from the offset of a position
// on, a reader hands over each once, in order. Where the broker does not have them any
// more, that is an error, or a gap that [ReadOptions.OnGap] allows and the log tells of.
//
// One client serves all partitions that a process reads of a source (fetcher.go); the
// readers of package source take from what it has fetched (reader.go).
package kafkaio

import (
	"github.com/twmb/franz-go/pkg/kgo"
)

// A Record is a record of a topic. Key, Value and the values of Headers share memory
// with what was fetched with them, so that one that is kept keeps a batch of
// them alive; they must not be changed.
type Record struct {
	Topic     string
	Partition int32
	Offset    int64
	// Key is nil where there is none, and Value is nil in a tombstone.
	Key, Value []byte
	Headers    []Header
}

// A Header is a name and a value beside a record's own.
type Header = kgo.RecordHeader
