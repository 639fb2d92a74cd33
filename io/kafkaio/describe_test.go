package kafkaio_test

import (
	"testing"
	"time"

	"github.com/millrace/millrace/io/kafkaio"
	"github.com/millrace/millrace/model/source"
)

// What is read is told; where its reading starts, and by which brokers, is not.
func TestTopicsSayWhatIsRead(t *testing.T) {
	for want, o := range map[string]kafkaio.ReadOptions{
		"kafka: a, b":                        {Topics: []string{"b", "a"}, Cluster: kafkaio.Cluster{Brokers: []string{"x:1"}}, Start: kafkaio.Latest()},
		"kafka: topics like f.*, to the end": {Pattern: "f.*", ToEnd: true, Start: kafkaio.At(time.Unix(1, 0))},
		"kafka: a [0 1], b [2], uncommitted": {Partitions: map[string][]int32{"b": {2}, "a": {0, 1}}, Uncommitted: true},
	} {
		src := source.WithWatermarks(kafkaio.Source(o), source.Monotonic())
		if got := src.(source.Described).Describe(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if src.(source.Movable).Moves() {
			t.Errorf("%s moves; its splits are of its topics", want)
		}
	}
}
