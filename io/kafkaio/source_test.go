package kafkaio_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millrace/millrace/io/kafkaio"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/source"
	"github.com/millrace/millrace/testing/sourcetest"
)

func TestTheSourceKeepsItsPromises(t *testing.T) {
	c := inProcess(t)
	topic := c.topic(t, 3) // the last partition stays empty
	c.put(t, topic, 0, numbered("a", 4)...)
	c.put(t, topic, 1, numbered("b", 2)...)
	want := []kafkaio.Record{}
	for i, n := range []int{4, 2} {
		for o := range n {
			key := string(rune('a' + i))
			want = append(want, kafkaio.Record{Topic: topic, Partition: int32(i), Offset: int64(o), Key: []byte(key), Value: fmt.Appendf(nil, "%s %d", key, o)})
		}
	}
	for _, bounded := range []bool{true, false} {
		t.Run(fmt.Sprint("bounded: ", bounded), func(t *testing.T) {
			t.Parallel()
			src := kafkaio.Source(kafkaio.ReadOptions{Cluster: c.Cluster, Topics: []string{topic}, ToEnd: bounded})
			sourcetest.Check(t, src, want)
			sourcetest.Check(t, source.WithWatermarks(src, source.Monotonic()), want)
		})
	}
}

// read is the values of all partitions, in order of partition and offset, as far
// as they are there.
func read(t testing.TB, src source.Source[kafkaio.Record]) []string {
	t.Helper()
	values, err := readOrFail(src)
	if err != nil {
		t.Fatal(err)
	}
	return values
}

func readOrFail(src source.Source[kafkaio.Record]) (values []string, err error) {
	ctx := context.Background()
	splits, err := src.Splits(ctx, 1)
	if err != nil {
		return nil, err
	}
	for _, s := range splits {
		r, err := src.Open(ctx, s)
		if err != nil {
			return nil, err
		}
		more, err := drain(r)
		values = append(values, more...)
		if cerr := r.Close(); err != nil || cerr != nil {
			return values, fmt.Errorf("%w %w", err, cerr)
		}
	}
	return values, nil
}

// drain reads until there is nothing for now.
func drain(r source.Reader[kafkaio.Record]) (values []string, err error) {
	for {
		st, err := r.Read(context.Background(), 100, func(v *kafkaio.Record, _ model.Timestamp) {
			values = append(values, string(v.Value))
		})
		if err != nil || st.Done || st.ResumeAfter > 0 {
			return values, err
		}
	}
}

func want(t testing.TB, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestWhereReadingStarts(t *testing.T) {
	everyBroker(t, func(t *testing.T, c *testCluster) {
		topic := c.topic(t, 1)
		c.put(t, topic, 0, numbered("a", 5)...)
		all := kafkaio.ReadOptions{Cluster: c.Cluster, Topics: []string{topic}, Group: "of-" + topic}
		from := func(s kafkaio.Start) kafkaio.ReadOptions {
			o := all
			o.Start = s
			return o
		}
		want(t, read(t, kafkaio.Source(from(kafkaio.Earliest()))), numbered("a", 5)...)
		want(t, read(t, kafkaio.Source(from(kafkaio.Latest()))))
		want(t, read(t, kafkaio.Source(from(kafkaio.At(second(3))))), "a 3", "a 4")
		want(t, read(t, kafkaio.Source(from(kafkaio.At(second(9))))))
		want(t, read(t, kafkaio.Source(from(kafkaio.Offsets(map[string]map[int32]int64{topic: {0: 4}})))), "a 4")
		want(t, read(t, kafkaio.Source(from(kafkaio.Committed()))), numbered("a", 5)...)
		committed := kadm.Offsets{}
		committed.AddOffset(topic, 0, 2, -1)
		if err := c.admin.CommitAllOffsets(t.Context(), all.Group, committed); err != nil {
			t.Fatal(err)
		}
		want(t, read(t, kafkaio.Source(from(kafkaio.Committed()))), "a 2", "a 3", "a 4")
	})
}

// The records of a transaction come when it is committed, and never if it was aborted.
func TestOpenAndAbortedTransactionsAreNotRead(t *testing.T) {
	everyBroker(t, func(t *testing.T, c *testCluster) {
		topic := c.topic(t, 1)
		writer, err := kgo.NewClient(kgo.SeedBrokers(c.Brokers...), kgo.TransactionalID("of-"+topic), kgo.DefaultProduceTopic(topic))
		if err != nil {
			t.Fatal(err)
		}
		defer writer.Close()
		transaction := func(value string) {
			t.Helper()
			if err := writer.BeginTransaction(); err != nil {
				t.Fatal(err)
			}
			if err := writer.ProduceSync(t.Context(), kgo.StringRecord(value)).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
		end := func(how kgo.TransactionEndTry) {
			t.Helper()
			if err := writer.EndTransaction(t.Context(), how); err != nil {
				t.Fatal(err)
			}
		}
		opts := kafkaio.ReadOptions{Cluster: c.Cluster, Topics: []string{topic}, ToEnd: true}
		transaction("first")
		end(kgo.TryCommit)
		for len(read(t, kafkaio.Source(opts))) == 0 { // a broker ends a transaction in a partition when it gets to
		}
		transaction("second")
		end(kgo.TryAbort)
		want(t, read(t, kafkaio.Source(opts)), "first") // whether or not the broker has got to it
		transaction("third")
		want(t, read(t, kafkaio.Source(opts)), "first")
		opts.Uncommitted = true
		want(t, read(t, kafkaio.Source(opts)), "first", "second", "third")
		opts.Uncommitted = false
		end(kgo.TryCommit)
		got := read(t, kafkaio.Source(opts))
		for len(got) == 1 {
			got = read(t, kafkaio.Source(opts))
		}
		want(t, got, "first", "third")
	})
}

func TestAReaderGoesOnWithWhatIsWrittenLater(t *testing.T) {
	everyBroker(t, func(t *testing.T, c *testCluster) {
		topic := c.topic(t, 1)
		src := kafkaio.Source(kafkaio.ReadOptions{Cluster: c.Cluster, Topics: []string{topic}})
		splits, err := src.Splits(t.Context(), 1)
		if err != nil {
			t.Fatal(err)
		}
		r, err := src.Open(t.Context(), splits[0])
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		for i := range 3 {
			c.put(t, topic, 0, fmt.Sprint("a ", i))
			var got []string
			for deadline := time.Now().Add(time.Minute); len(got) == 0 && time.Now().Before(deadline); {
				more, err := drain(r)
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, more...)
			}
			want(t, got, fmt.Sprint("a ", i))
			if p := r.Progress(); p.Total-p.Done != 0 || p.Done != int64(i+1) {
				t.Errorf("after %d records, the progress is %+v", i+1, p)
			}
		}
	})
}

// One partition is read and the other is not: what waits for the other's reader stays
// within bounds, and does not keep the first from being read to its end.
func TestAPartitionThatIsNotReadKeepsNoOtherWaiting(t *testing.T) {
	everyBroker(t, func(t *testing.T, c *testCluster) {
		const n, limit = 300, 64 << 10
		topic := c.topic(t, 2)
		noise := make([]byte, 1000) // as what is fetched is compressed
		rand.NewChaCha8([32]byte{}).Read(noise)
		for range 10 { // batches
			for p := range int32(2) {
				var values []string
				for range n / 10 {
					rand.Shuffle(len(noise), func(i, j int) { noise[i], noise[j] = noise[j], noise[i] })
					values = append(values, string(noise))
				}
				c.put(t, topic, p, values...)
			}
		}
		src := kafkaio.Source(kafkaio.ReadOptions{Cluster: c.Cluster, Topics: []string{topic}, ToEnd: true, MaxBufferedBytes: limit})
		splits, err := src.Splits(t.Context(), 1)
		if err != nil {
			t.Fatal(err)
		}
		var readers []source.Reader[kafkaio.Record]
		for _, s := range splits {
			r, err := src.Open(t.Context(), s)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			readers = append(readers, r)
		}
		for i, r := range readers {
			read, most := 0, int64(0)
			for done := false; !done; {
				st, err := r.Read(t.Context(), 10, func(*kafkaio.Record, model.Timestamp) { read++ })
				if err != nil {
					t.Fatal(err)
				}
				most = max(most, kafkaio.Buffered(src))
				done = st.Done
			}
			if read != n {
				t.Errorf("of partition %d, %d records were read, want %d", i, read, n)
			}
			if most > 4*limit {
				t.Errorf("while partition %d was read, %d bytes were buffered; the limit is %d", i, most, limit)
			}
		}
	})
}
