package fnapi_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	fnpb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/fnexecution_v1"
	pipepb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/pipeline_v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/test/bufconn"

	"github.com/millrace/millrace/internal/fnapi"
	"github.com/millrace/millrace/testing/fnengine"
)

func TestLogRecordsNameTransformAndBundle(t *testing.T) {
	f := start(t, handler{"s": func(b *fnapi.Bundle) error {
		log := b.Logger("t")
		log.Debug("not shown")
		log.With("window", 3).WithGroup("key").Warn("late", "name", "k1")
		return copies(b)
	}}, func(o *fnapi.Options) { o.Logging = fnengine.Address })
	f.engine.Describe(fnengine.Stage{ID: "s", Transform: "t"}.Descriptor())
	a := f.worker.Begin("s", nil)
	f.do(a.End())
	_, err := a.Result()
	f.do(err)
	got := f.engine.Logs(1)[0]
	f.same("message", got.GetMessage(), "late")
	f.same("severity", got.GetSeverity(), fnpb.LogEntry_Severity_WARN)
	f.same("bundle", got.GetInstructionId(), a.ID)
	f.same("transform", got.GetTransformId(), "t")
	f.same("data", got.GetCustomData().AsMap(), map[string]any{"window": "3", "key.name": "k1"})
	if !strings.Contains(got.GetLogLocation(), "services_test.go:") {
		t.Errorf("the record comes from %q", got.GetLogLocation())
	}
}

func TestAWorkerSaysWhatItDoes(t *testing.T) {
	f := start(t, handler{"copy": copies}, func(o *fnapi.Options) { o.Status = fnengine.Address })
	f.engine.Describe(fnengine.Stage{ID: "copy", Transform: "t"}.Descriptor())
	a := f.worker.Begin("copy", nil)
	f.do(a.Send(fnengine.In, fnengine.Encode(kvs(2)...)))
	for !strings.Contains(f.engine.Status("w1"), "bundle "+a.ID+" of stage copy: 2 elements taken") {
		if t.Context().Err() != nil {
			t.Fatal("it never did")
		}
	}
	f.do(a.End())
	_, err := a.Result()
	f.do(err)
}

func TestMeasurements(t *testing.T) {
	f := start(t, handler{"s": func(b *fnapi.Bundle) error {
		b.Counter("t", "ns", "late").Add(3)
		b.Counter("t", "ns", "late").Add(4)
		for _, v := range []int64{5, -1, 200} {
			b.Distribution("t", "ns", "size").Update(v)
		}
		b.Gauge("t", "ns", "lag").Set(time.UnixMilli(9), 300)
		b.Distribution("t", "ns", "nothing")
		return copies(b)
	}}, nil)
	f.engine.Describe(fnengine.Stage{ID: "s", Transform: "t"}.Descriptor())
	a := f.worker.Begin("s", nil)
	f.do(a.Send(fnengine.In, fnengine.Encode(kvs(130)...)))
	f.do(a.End())
	got, err := a.Result()
	f.do(err)
	user := func(name string) string { return "NAME=" + name + " NAMESPACE=ns PTRANSFORM=t" }
	want := map[string]string{
		"beam:metric:user:sum_int64:v1 " + user("late"):                    "\x07",
		"beam:metric:user:distribution_int64:v1 " + user("size"):           "\x03\xcc\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\xc8\x01",
		"beam:metric:user:latest_int64:v1 " + user("lag"):                  "\x09\xac\x02",
		"beam:metric:element_count:v1 PCOLLECTION=before":                  "\x82\x01",
		"beam:metric:element_count:v1 PCOLLECTION=after":                   "\x82\x01",
		"beam:metric:data_channel:read_index:v1 PTRANSFORM=" + fnengine.In: "\x82\x01",
	}
	infos := map[string]string{}
	for _, i := range got.GetMonitoringInfos() {
		infos[name(i)] = string(i.GetPayload())
	}
	f.same("in full", infos, want)
	var ids []string
	for id := range got.GetMonitoringData() {
		ids = append(ids, id)
	}
	m, err := f.worker.Ask(&fnpb.InstructionRequest{Request: &fnpb.InstructionRequest_MonitoringInfos{
		MonitoringInfos: &fnpb.MonitoringInfosMetadataRequest{MonitoringInfoId: append(ids, "unknown", "-1")}}})
	f.do(err)
	short := map[string]string{}
	for id, i := range m.GetMonitoringInfos().GetMonitoringInfo() {
		short[name(i)] = string(got.GetMonitoringData()[id])
	}
	f.same("by short names", short, want)
}

func name(i *pipepb.MonitoringInfo) string {
	out := i.GetUrn()
	for _, l := range []string{"NAME", "NAMESPACE", "PCOLLECTION", "PTRANSFORM"} {
		if v := i.GetLabels()[l]; v != "" {
			out += " " + l + "=" + v
		}
	}
	return out
}

func TestABundleIsFinalizedOnceAndNotTooLate(t *testing.T) {
	now := time.UnixMilli(0)
	called := 0
	f := start(t, handler{"s": func(b *fnapi.Bundle) error {
		b.OnFinalize(now.Add(time.Minute), func() error {
			if called++; called == 2 {
				return errors.New("cannot commit")
			}
			return nil
		})
		return copies(b)
	}}, func(o *fnapi.Options) { o.Now = func() time.Time { return now } })
	f.engine.Describe(fnengine.Stage{ID: "s", Transform: "t"}.Descriptor())
	bundle := func() *fnengine.Attempt {
		a := f.worker.Begin("s", nil)
		f.do(a.End())
		got, err := a.Result()
		f.do(err)
		if !got.GetRequiresFinalization() {
			t.Error("the engine is not asked to finalize")
		}
		return a
	}
	a := bundle()
	f.do(a.Finalize())
	f.do(a.Finalize())
	f.same("calls", called, 1)
	if err := bundle().Finalize(); err == nil || !strings.Contains(err.Error(), "cannot commit") {
		t.Errorf("finalizing ended with %v", err)
	}
	late := bundle()
	now = now.Add(2 * time.Minute)
	bundle()
	f.do(late.Finalize())
	f.same("calls", called, 2)
}

func TestProgressOfABundle(t *testing.T) {
	taken, release := make(chan struct{}), make(chan struct{})
	f := start(t, handler{"s": func(b *fnapi.Bundle) error {
		if _, err := b.Next(); err != nil {
			return err
		}
		close(taken)
		<-release
		return copies(b)
	}}, nil)
	f.engine.Describe(fnengine.Stage{ID: "s", Transform: "t"}.Descriptor())
	a := f.worker.Begin("s", nil)
	f.do(a.Send(fnengine.In, fnengine.Encode(kvs(2)...)))
	f.do(a.End())
	<-taken
	got, err := a.Progress()
	f.do(err)
	counts := map[string]string{}
	for _, i := range got.GetMonitoringInfos() {
		counts[name(i)] = string(i.GetPayload())
	}
	f.same("read", counts["beam:metric:element_count:v1 PCOLLECTION=before"], "\x01")
	close(release)
	_, err = a.Result()
	f.do(err)
	got, err = a.Progress()
	f.do(err)
	f.same("measurements of a bundle that is over", len(got.GetMonitoringInfos()), 0)
}

func TestAPoolReplacesAWorkerWhoseIDComesAgain(t *testing.T) {
	engine := fnengine.New()
	defer engine.Close()
	ctx, stop := context.WithCancel(t.Context())
	p := fnapi.NewPool(ctx, fnapi.Options{Handler: handler{"copy": copies}, Dial: engine.Dial})
	defer p.Wait()
	defer stop()
	endpoint := &pipepb.ApiServiceDescriptor{Url: fnengine.Address}
	begin := func() *fnengine.Worker {
		if _, err := p.StartWorker(ctx, &fnpb.StartWorkerRequest{WorkerId: "1-1", ControlEndpoint: endpoint}); err != nil {
			t.Fatal(err)
		}
		return engine.Worker("1-1")
	}
	first := begin()
	engine.Describe(fnengine.Stage{ID: "copy", Transform: "t"}.Descriptor())
	stuck := first.Begin("copy", nil) // which never gets its input
	begin()
	if _, err := stuck.Result(); err == nil {
		t.Error("the first worker's bundle succeeded")
	}
	a := engine.Worker("1-1").Begin("copy", nil)
	if err := a.End(); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Result(); err != nil {
		t.Error(err)
	}
	if _, err := p.StopWorker(ctx, &fnpb.StopWorkerRequest{WorkerId: "1-1"}); err != nil {
		t.Error(err)
	}
	if _, err := p.StopWorker(ctx, &fnpb.StopWorkerRequest{WorkerId: "unknown"}); err != nil {
		t.Error(err)
	}
}

func TestCallsAreEncryptedAndCarryTheToken(t *testing.T) {
	cert, roots := selfSigned(t)
	served := fnapi.Security{TLS: &tls.Config{Certificates: []tls.Certificate{cert}}, Token: "s3cret"}
	options, err := served.ServerOptions()
	if err != nil {
		t.Fatal(err)
	}
	listener := bufconn.Listen(1 << 20)
	server := grpc.NewServer(options...)
	p := fnapi.NewPool(t.Context(), fnapi.Options{})
	p.Register(server)
	go func() { _ = server.Serve(listener) }()
	defer server.Stop()
	call := func(s fnapi.Security) error {
		conn, err := s.Dial("pool", func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) })
		if err != nil {
			return err
		}
		defer conn.Close()
		_, err = fnpb.NewBeamFnExternalWorkerPoolClient(conn).StopWorker(t.Context(), &fnpb.StopWorkerRequest{})
		return err
	}
	client := &tls.Config{RootCAs: roots, ServerName: "pool"}
	if err := call(fnapi.Security{TLS: client, Token: "s3cret"}); err != nil {
		t.Error(err)
	}
	for what, s := range map[string]fnapi.Security{
		"another token":  {TLS: client, Token: "guess"},
		"no token":       {TLS: client},
		"no encryption":  {},
		"another server": {TLS: &tls.Config{ServerName: "pool", RootCAs: x509.NewCertPool()}, Token: "s3cret"},
	} {
		if err := call(s); err == nil {
			t.Errorf("a call with %s was answered", what)
		}
	}
	if err := call(fnapi.Security{Token: "s3cret"}); err == nil || !strings.Contains(err.Error(), "needs TLS") {
		t.Errorf("a token without encryption: %v", err)
	}
}

func selfSigned(t *testing.T) (tls.Certificate, *x509.CertPool) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"pool"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Unix(0, 0), NotAfter: time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots
}
