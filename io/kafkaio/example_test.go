package kafkaio_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millrace/millrace/io/kafkaio"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/source"
	"github.com/millrace/millrace/runners/direct"
	"github.com/millrace/millrace/transforms"
	"github.com/millrace/millrace/windowing"
)

// Departures are counted by airport and hour.
func ExampleSource() {
	brokers, stop := brokerWithFlights()
	defer stop()

	var p model.Pipeline
	flights := kafkaio.Source(kafkaio.ReadOptions{
		Cluster: kafkaio.Cluster{Brokers: brokers},
		Topics:  []string{"flights"},
		Start:   kafkaio.Earliest(),
		ToEnd:   true,
	})
	timed := source.WithWatermarks(flights, source.BoundedOutOfOrderness(time.Minute).IdleAfter(10*time.Second))
	records := transforms.Read(&p, timed)

	airports := transforms.Map(records, func(r kafkaio.Record) string { return string(r.Key) })
	hours := transforms.Window(airports, model.WindowingStrategy{Windows: windowing.Fixed{Size: time.Hour}})
	lines := transforms.Do(transforms.Count(hours), transforms.DoFunc[model.KV[string, int64], string](func(_ context.Context, e transforms.Element[model.KV[string, int64]], out transforms.Output[string]) error {
		out.Emit(fmt.Sprintf("%s %s: %d", e.Window.Start.Time().UTC().Format("15:04"), e.Value.Key, e.Value.Value))
		return nil
	}))

	got, err := direct.Collect(context.Background(), lines)
	if err != nil {
		fmt.Println(err)
	}
	slices.Sort(got)
	fmt.Println(strings.Join(got, "\n"))
	// Output:
	// 06:00 EWR: 1
	// 06:00 JFK: 2
	// 07:00 JFK: 1
}

// brokerWithFlights starts a broker with a topic of two partitions.
func brokerWithFlights() (addresses []string, stop func()) {
	fake := kfake.MustCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, "flights"))
	client, err := kgo.NewClient(kgo.SeedBrokers(fake.ListenAddrs()...))
	if err == nil {
		defer client.Close()
		at := func(airport string, hour, minute int) *kgo.Record {
			return &kgo.Record{Topic: "flights", Key: []byte(airport), Timestamp: time.Date(2013, 1, 1, hour, minute, 0, 0, time.UTC)}
		}
		err = client.ProduceSync(context.Background(),
			at("JFK", 6, 1), at("EWR", 6, 2), at("JFK", 6, 59), at("JFK", 7, 0)).FirstErr()
	}
	if err != nil {
		fmt.Println(err)
	}
	return fake.ListenAddrs(), fake.Close
}
