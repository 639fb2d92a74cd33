package kafkaio

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// A Cluster says how a Kafka cluster is reached.
type Cluster struct {
	// Brokers are the addresses, host:port, of some of its brokers; the others are
	// learned from them.
	Brokers []string
	// ClientID is the name that the cluster's logs and quotas know the client by; ""
	// is "millrace".
	ClientID string
}

// answerLimit is how long a cluster may take to answer what is asked before a run.
const answerLimit = 10 * time.Second

func (c Cluster) validate() error {
	if len(c.Brokers) == 0 {
		return errors.New("kafkaio: Brokers is empty; give the address of at least one, such as localhost:9092")
	}
	for _, b := range c.Brokers {
		if strings.TrimSpace(b) == "" {
			return errors.New("kafkaio: one of Brokers is an empty address; they are host:port")
		}
	}
	return nil
}

// client makes a client, and has the cluster answer it once.
func (c Cluster) client(ctx context.Context, opts ...kgo.Opt) (*kgo.Client, error) {
	id := c.ClientID
	if id == "" {
		id = "millrace"
	}
	cl, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(c.Brokers...), kgo.ClientID(id)}, opts...)...)
	if err != nil {
		return nil, fmt.Errorf("kafkaio: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, answerLimit)
	defer cancel()
	if err := cl.Ping(ctx); err != nil {
		cl.Close()
		return nil, c.explain(err)
	}
	return cl, nil
}

// retried asks again while the cluster says that it may answer later: as it does where
// it has to find a coordinator first.
func retried(ctx context.Context, ask func() error) error {
	const every = 50 * time.Millisecond
	for {
		err := ask()
		if !kerr.IsRetriable(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(every):
		}
	}
}
