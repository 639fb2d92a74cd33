package kafkaio_test

import (
	"context"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/millrace/millrace/io/kafkaio"
	"github.com/millrace/millrace/model/source"
)

// open opens the first split of what opts say.
func open(t testing.TB, opts kafkaio.ReadOptions) (source.Source[kafkaio.Record], source.Reader[kafkaio.Record]) {
	t.Helper()
	src := kafkaio.Source(opts)
	splits, err := src.Splits(context.Background(), 1)
	if err != nil {
		t.Fatal(err)
	}
	r, err := src.Open(context.Background(), splits[0])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return src, r
}

// until drains r until it has something or fails.
func until(t testing.TB, r source.Reader[kafkaio.Record]) (values []string, err error) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); len(values) == 0 && err == nil; {
		if time.Now().After(deadline) {
			t.Fatal("there is neither a record nor an error")
		}
		values, err = drain(r)
	}
	return values, err
}

func (c *testCluster) deleteRecords(t testing.TB, topic string, before int64) {
	t.Helper()
	o := kadm.Offsets{}
	o.AddOffset(topic, 0, before, -1)
	if _, err := c.admin.DeleteRecords(context.Background(), o); err != nil {
		t.Fatal(err)
	}
}

func wantError(t testing.TB, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("there is no error; it should say %q", parts)
	}
	for _, p := range parts {
		if !strings.Contains(err.Error(), p) {
			t.Errorf("the error is %q; it should say %q", err, p)
		}
	}
}

// A reader stopped at offset 2, and retention then took all records before offset 5.
func TestRecordsThatWereDeletedAreNoSilentGap(t *testing.T) {
	everyBroker(t, func(t *testing.T, c *testCluster) {
		topic := c.topic(t, 1)
		c.put(t, topic, 0, numbered("a", 8)...)
		opts := kafkaio.ReadOptions{
			Cluster: c.Cluster, Topics: []string{topic}, Start: kafkaio.Offsets(map[string]map[int32]int64{topic: {0: 2}}),
			Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
		}
		_, r := open(t, opts)
		stopped := r.Position()
		c.deleteRecords(t, topic, 5)
		reopened := func(g kafkaio.Gap) ([]string, error) {
			o := opts
			o.OnGap = g
			r, err := kafkaio.Source(o).Open(t.Context(), stopped)
			if err != nil {
				return nil, err
			}
			defer r.Close()
			return drain(r)
		}
		_, err := reopened(kafkaio.GapFails)
		wantError(t, err, topic+", partition 0", "offset 2", "5 up to 8", "set OnGap")
		got, err := reopened(kafkaio.GapToEarliest)
		if err != nil {
			t.Fatal(err)
		}
		want(t, got, numbered("a", 8)[5:]...)
		got, err = reopened(kafkaio.GapToLatest)
		if err != nil {
			t.Fatal(err)
		}
		want(t, got)
	})
}

// The source has just looked at the partition for another reader, so that it is the
// fetch which finds that the records are gone.
func TestRecordsThatAreDeletedWhileReading(t *testing.T) {
	everyBroker(t, func(t *testing.T, c *testCluster) {
		for _, g := range []kafkaio.Gap{kafkaio.GapFails, kafkaio.GapToEarliest, kafkaio.GapToLatest} {
			topic := c.topic(t, 1)
			c.put(t, topic, 0, numbered("a", 8)...)
			src, first := open(t, kafkaio.ReadOptions{
				Cluster: c.Cluster, Topics: []string{topic}, OnGap: g, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
			})
			begin := first.Position()
			c.deleteRecords(t, topic, 5)
			r, err := src.Open(t.Context(), begin)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			if g == kafkaio.GapToLatest {
				if _, err := drain(r); err != nil {
					t.Fatal(err)
				}
				c.put(t, topic, 0, "b")
			}
			got, err := until(t, r)
			switch g {
			case kafkaio.GapFails:
				wantError(t, err, topic+", partition 0", "offset 0", "5 up to 8", "set OnGap")
			case kafkaio.GapToEarliest:
				want(t, got, numbered("a", 8)[5:]...)
			case kafkaio.GapToLatest:
				want(t, got, "b")
			}
		}
	})
}

// The client waits for some ten seconds before it takes a topic that is missing to be
// deleted, so that this is for the real broker alone.
func TestATopicThatIsDeletedWhileReading(t *testing.T) {
	t.Parallel()
	t.Run("real", func(t *testing.T) {
		c := realBroker(t)
		topic := c.topic(t, 1)
		c.put(t, topic, 0, "a 0")
		_, r := open(t, kafkaio.ReadOptions{Cluster: c.Cluster, Topics: []string{topic}})
		if got, err := until(t, r); err != nil || len(got) != 1 {
			t.Fatal(got, err)
		}
		if _, err := c.admin.DeleteTopics(t.Context(), topic); err != nil {
			t.Fatal(err)
		}
		_, err := until(t, r)
		wantError(t, err, "there is no such topic", "deleted")
	})
}

func TestATopicThatWasMadeAnewSinceTheCheckpoint(t *testing.T) {
	everyBroker(t, func(t *testing.T, c *testCluster) {
		topic := c.topic(t, 1)
		c.put(t, topic, 0, numbered("a", 3)...)
		opts := kafkaio.ReadOptions{Cluster: c.Cluster, Topics: []string{topic}}
		_, r := open(t, opts)
		if _, err := until(t, r); err != nil {
			t.Fatal(err)
		}
		position := r.Position()
		if _, err := c.admin.DeleteTopics(t.Context(), topic); err != nil {
			t.Fatal(err)
		}
		again := connect(t, c.fake, c.Brokers...) // as a client does not take the new for the old
		again.create(t, topic, 1)
		again.put(t, topic, 0, numbered("b", 5)...)
		_, err := kafkaio.Source(opts).Open(t.Context(), position)
		wantError(t, err, topic, "made anew since the checkpoint")
	})
}
