package kafkaio_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millrace/millrace/io/kafkaio"
)

// A testCluster is a broker to test against, and a client to prepare topics with.
type testCluster struct {
	kafkaio.Cluster
	fake   *kfake.Cluster // nil if it is a real broker
	client *kgo.Client
	admin  *kadm.Client
}

// inProcess is a broker in this process.
func inProcess(t testing.TB, opts ...kfake.Opt) *testCluster {
	t.Helper()
	fake, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	return connect(t, fake, fake.ListenAddrs()...)
}

func connect(t testing.TB, fake *kfake.Cluster, addresses ...string) *testCluster {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(addresses...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return &testCluster{kafkaio.Cluster{Brokers: addresses}, fake, client, kadm.NewClient(client)}
}

// everyBroker runs test against a broker in this process, and against the real one that
// MILLRACE_KAFKA names.
func everyBroker(t *testing.T, test func(t *testing.T, c *testCluster)) {
	t.Run("in process", func(t *testing.T) { test(t, inProcess(t)) })
	t.Run("real", func(t *testing.T) { test(t, realBroker(t)) })
}

func realBroker(t testing.TB) *testCluster {
	t.Helper()
	address := os.Getenv("MILLRACE_KAFKA")
	if address == "" {
		t.Skip("enable with: go run ./testing/services/kafka up, and the variable MILLRACE_KAFKA that it prints")
	}
	return connect(t, nil, address)
}

var topics atomic.Int64

// topic makes a topic of a name that nobody had.
func (c *testCluster) topic(t testing.TB, partitions int32) string {
	t.Helper()
	name := fmt.Sprintf("t%d-%d-%d", topics.Add(1), os.Getpid(), time.Now().UnixNano())
	c.create(t, name, partitions)
	return name
}

func (c *testCluster) create(t testing.TB, name string, partitions int32) {
	t.Helper()
	r, err := c.admin.CreateTopic(context.Background(), partitions, 1, nil, name)
	if err == nil {
		err = r.Err
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.admin.DeleteTopics(context.Background(), name) })
	for { // until those who ask for it see it
		topics, err := c.admin.ListTopics(context.Background(), name)
		if err != nil {
			t.Fatal(err)
		}
		if topics[name].Err == nil {
			return
		}
	}
}

// second is an instant by which records are stamped.
func second(n int) time.Time { return time.Unix(1_700_000_000+int64(n), 0) }

// put writes values to a partition. The record at offset n is of second(n).
func (c *testCluster) put(t testing.TB, topic string, partition int32, values ...string) {
	t.Helper()
	at := 0
	if ends, err := c.admin.ListEndOffsets(context.Background(), topic); err == nil {
		o, _ := ends.Lookup(topic, partition)
		at = int(o.Offset)
	}
	var records []*kgo.Record
	for i, v := range values {
		key, _, _ := strings.Cut(v, " ")
		records = append(records, &kgo.Record{
			Topic: topic, Partition: partition, Key: []byte(key), Value: []byte(v), Timestamp: second(at + i),
		})
	}
	if err := c.client.ProduceSync(context.Background(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// numbered are n values that begin with name.
func numbered(name string, n int) (values []string) {
	for i := range n {
		values = append(values, fmt.Sprint(name, " ", i))
	}
	return values
}
