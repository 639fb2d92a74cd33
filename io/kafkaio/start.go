package kafkaio

import (
	"fmt"
	"time"
)

// A Start says with which record of a partition reading starts, where no checkpoint
// says it. The zero Start is [Earliest].
type Start struct {
	at      startAt
	time    time.Time
	offsets map[string]map[int32]int64
}

type startAt uint8

const (
	atEarliest startAt = iota
	atLatest
	atTime
	atCommitted
	atOffsets
)

// Earliest starts with the first record that the broker has.
func Earliest() Start { return Start{} }

// Latest starts with what is written from now on.
func Latest() Start { return Start{at: atLatest} }

// At starts with the first record whose timestamp is t or later; behind the last
// one if there is none.
func At(t time.Time) Start { return Start{at: atTime, time: t} }

// Committed starts at the offsets of the group [ReadOptions.Group]; partitions for
// which it has none are read from the first record on.
func Committed() Start { return Start{at: atCommitted} }

// Offsets starts at the given offsets, by topic and partition; partitions
// that are not listed are read from the first record on.
func Offsets(offsets map[string]map[int32]int64) Start {
	return Start{at: atOffsets, offsets: offsets}
}

func (s Start) String() string {
	switch s.at {
	case atLatest:
		return "from the latest"
	case atTime:
		return "from " + s.time.UTC().Format(time.RFC3339)
	case atCommitted:
		return "from committed offsets"
	case atOffsets:
		return "from given offsets"
	}
	return "from the earliest"
}

// A Gap says what happens when records that should be read are not there any more:
// retention took them, or a topic lost its end.
type Gap uint8

const (
	// GapFails ends the run with an error.
	GapFails Gap = iota
	// GapToEarliest goes on with the first record that there is, and logs the gap.
	GapToEarliest
	// GapToLatest goes on with what is written from then on, and logs the gap.
	GapToLatest
)

func (g Gap) String() string {
	switch g {
	case GapFails:
		return "fails"
	case GapToEarliest:
		return "to the earliest"
	case GapToLatest:
		return "to the latest"
	}
	return fmt.Sprintf("Gap(%d)", uint8(g))
}
