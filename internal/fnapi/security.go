package fnapi

import (
	"context"
	"crypto/tls"
	"errors"
	"math"
	"net"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
)

// Security is how a connection to an engine is protected.
type Security struct {
	// TLS, if not nil, is what connections are encrypted with.
	TLS *tls.Config
	// Token, if not "", is sent with every call, as a bearer token.
	Token string
}

// Check refuses a token that everybody on the way could read.
func (s Security) Check() error {
	if s.Token != "" && s.TLS == nil {
		return errors.New("fnapi: a bearer token needs TLS, or everybody on the way could read it")
	}
	return nil
}

// A Dialer opens the connection to an address; nil is TCP.
type Dialer func(ctx context.Context, address string) (net.Conn, error)

const window = 4 << 20 // bytes on their way in a stream

// Dial makes a connection, which is opened when it is first used. Messages may be as large
// as the protocol allows: gRPC's own limit is 4 MB, and engines send whole bags at once.
func (s Security) Dial(url string, dial Dialer) (*grpc.ClientConn, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	options := []grpc.DialOption{
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(math.MaxInt32), grpc.MaxCallSendMsgSize(math.MaxInt32)),
		grpc.WithInitialWindowSize(window), grpc.WithInitialConnWindowSize(2 * window),
		grpc.WithWriteBufferSize(256 << 10), grpc.WithReadBufferSize(256 << 10),
	}
	if s.TLS != nil {
		options = append(options, grpc.WithTransportCredentials(credentials.NewTLS(s.TLS)))
	} else {
		options = append(options, grpc.WithTransportCredentials(insecure.NewCredentials()))
	}
	if s.Token != "" {
		options = append(options, grpc.WithPerRPCCredentials(bearer(s.Token)))
	}
	if dial != nil {
		options = append(options, grpc.WithContextDialer(dial))
		url = "passthrough:///" + url
	}
	return grpc.NewClient(url, options...)
}

// ServerOptions are those of a server that engines call, with the same limits. It asks
// each caller for the token.
func (s Security) ServerOptions() ([]grpc.ServerOption, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	options := []grpc.ServerOption{grpc.MaxRecvMsgSize(math.MaxInt32), grpc.MaxSendMsgSize(math.MaxInt32)}
	if s.TLS != nil {
		options = append(options, grpc.Creds(credentials.NewTLS(s.TLS)))
	}
	if s.Token != "" {
		options = append(options, grpc.UnaryInterceptor(bearer(s.Token).unary), grpc.StreamInterceptor(bearer(s.Token).stream))
	}
	return options, nil
}
