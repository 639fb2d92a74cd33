package kafkaio

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
)

// An explanation is what to check when a broker answers with one of its errors.
type explanation struct {
	errs  []error
	check string
}

var explanations = []explanation{
	{[]error{kerr.UnknownTopicOrPartition, kerr.UnknownTopicID}, "there is no such topic: check its name, and whether it was deleted; it is not made by being asked for"},
	{[]error{kerr.TopicAuthorizationFailed}, "permission is missing: to read a topic, the user needs READ and DESCRIBE on it"},
	{[]error{kerr.GroupAuthorizationFailed}, "permission is missing: to read and store the offsets of a group, the user needs READ on it"},
	{[]error{kerr.ClusterAuthorizationFailed}, "permission is missing on the cluster"},
	{[]error{kerr.SaslAuthenticationFailed, kerr.UnsupportedSaslMechanism, kerr.IllegalSaslState}, "the credentials were refused: check the user, the password and the mechanism"},
}

// explain says what to check about an error of a client.
func (c Cluster) explain(err error) error {
	if err == nil {
		return nil
	}
	for _, e := range explanations {
		for _, known := range e.errs {
			if errors.Is(err, known) {
				return fmt.Errorf("kafkaio: %w: %s", err, e.check)
			}
		}
	}
	var network net.Error
	if errors.As(err, &network) || errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("kafkaio: no broker of %s answers: %w: check the addresses, whether this machine reaches them, whether the port is for clients, and whether it wants TLS", strings.Join(c.Brokers, ", "), err)
	}
	return fmt.Errorf("kafkaio: %w", err)
}
