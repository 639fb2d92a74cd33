package kafkaio_test

import (
	"net"
	"testing"

	"github.com/millrace/millrace/io/kafkaio"
)

func TestMistakesAreTold(t *testing.T) {
	at := kafkaio.Cluster{Brokers: []string{"localhost:9092"}}
	for name, c := range map[string]struct {
		opts kafkaio.ReadOptions
		say  []string
	}{
		"no broker":         {kafkaio.ReadOptions{Topics: []string{"t"}}, []string{"Brokers is empty", "localhost:9092"}},
		"no topic":          {kafkaio.ReadOptions{Cluster: at}, []string{"0 of Topics, Pattern and Partitions", "give one"}},
		"topic and pattern": {kafkaio.ReadOptions{Cluster: at, Topics: []string{"t"}, Pattern: "t.*"}, []string{"2 of Topics"}},
		"pattern":           {kafkaio.ReadOptions{Cluster: at, Pattern: "t("}, []string{"Pattern", "missing closing )"}},
		"no group":          {kafkaio.ReadOptions{Cluster: at, Topics: []string{"t"}, Start: kafkaio.Committed()}, []string{"give the Group"}},
		"gap":               {kafkaio.ReadOptions{Cluster: at, Topics: []string{"t"}, OnGap: 7}, []string{"OnGap is Gap(7)"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := kafkaio.Source(c.opts).Splits(t.Context(), 1)
			wantError(t, err, c.say...)
		})
	}
}

func TestABrokerThatDoesNotAnswer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	_, err = kafkaio.Source(kafkaio.ReadOptions{Cluster: kafkaio.Cluster{Brokers: []string{address}}, Topics: []string{"t"}}).Splits(t.Context(), 1)
	wantError(t, err, "no broker of "+address+" answers", "check the addresses")
}

func TestTopicsAndPartitionsThatAreMissing(t *testing.T) {
	everyBroker(t, func(t *testing.T, c *testCluster) {
		_, err := readOrFail(kafkaio.Source(kafkaio.ReadOptions{Cluster: c.Cluster, Topics: []string{"nobody-made-this"}}))
		wantError(t, err, `"nobody-made-this"`, "there is no such topic", "check its name")
		_, err = readOrFail(kafkaio.Source(kafkaio.ReadOptions{Cluster: c.Cluster, Pattern: "nobody-made-.*"}))
		wantError(t, err, "no topic matches", "check the pattern")
		topic := c.topic(t, 2)
		_, err = readOrFail(kafkaio.Source(kafkaio.ReadOptions{Cluster: c.Cluster, Partitions: map[string][]int32{topic: {1, 2}}}))
		wantError(t, err, "has no partition 2", "it has 2")
	})
}

func TestChosenPartitionsAndPatterns(t *testing.T) {
	c := inProcess(t)
	c.create(t, "flights.jfk", 2)
	c.create(t, "flights.ewr", 1)
	c.create(t, "old-flights.jfk", 1)
	c.put(t, "flights.jfk", 0, "a")
	c.put(t, "flights.jfk", 1, "b")
	c.put(t, "flights.ewr", 0, "c")
	c.put(t, "old-flights.jfk", 0, "d")
	want(t, read(t, kafkaio.Source(kafkaio.ReadOptions{Cluster: c.Cluster, Pattern: `flights\..*`})), "c", "a", "b")
	want(t, read(t, kafkaio.Source(kafkaio.ReadOptions{Cluster: c.Cluster, Topics: []string{"flights.jfk", "old-flights.jfk"}})), "a", "b", "d")
	want(t, read(t, kafkaio.Source(kafkaio.ReadOptions{Cluster: c.Cluster, Partitions: map[string][]int32{"flights.jfk": {1}}})), "b")
}
