package fnengine

import (
	fnpb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/fnexecution_v1"
	pipepb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/pipeline_v1"
	"google.golang.org/protobuf/proto"
)

const (
	urnSource = "beam:runner:source:v1"
	urnSink   = "beam:runner:sink:v1"
)

// Ports of a [Stage].
const (
	In  = "in"
	Out = "out"
)

// A Stage is one transform between a port from which it takes pairs and one to which it emits pairs.
type Stage struct {
	// ID is the descriptor's; Transform the transform's.
	ID, Transform string
	// Bags and Timers are what the transform declares.
	Bags, Timers []string
}

// Descriptor is the stage as an engine describes it.
func (s Stage) Descriptor() *fnpb.ProcessBundleDescriptor {
	spec := func(urn string) *pipepb.FunctionSpec { return &pipepb.FunctionSpec{Urn: urn} }
	address := &pipepb.ApiServiceDescriptor{Url: Address}
	payload := &pipepb.ParDoPayload{
		DoFn:       spec("test:" + s.Transform),
		StateSpecs: map[string]*pipepb.StateSpec{}, TimerFamilySpecs: map[string]*pipepb.TimerFamilySpec{},
	}
	for _, b := range s.Bags {
		payload.StateSpecs[b] = &pipepb.StateSpec{
			Spec:     &pipepb.StateSpec_BagSpec{BagSpec: &pipepb.BagStateSpec{ElementCoderId: "bytes"}},
			Protocol: spec("beam:user_state:bag:v1"),
		}
	}
	for _, t := range s.Timers {
		payload.TimerFamilySpecs[t] = &pipepb.TimerFamilySpec{TimeDomain: pipepb.TimeDomain_EVENT_TIME, TimerFamilyCoderId: "timer"}
	}
	port := &fnpb.RemoteGrpcPort{ApiServiceDescriptor: address, CoderId: "windowed"}
	transform := func(urn string, m proto.Message, in, out map[string]string) *pipepb.PTransform {
		b, err := proto.Marshal(m)
		if err != nil {
			panic(err) // it is ours
		}
		t := &pipepb.PTransform{Spec: spec(urn), Inputs: in, Outputs: out}
		t.Spec.Payload = b
		return t
	}
	return &fnpb.ProcessBundleDescriptor{
		Id: s.ID,
		Transforms: map[string]*pipepb.PTransform{
			In:          transform(urnSource, port, nil, map[string]string{"o": "before"}),
			s.Transform: transform("beam:transform:pardo:v1", payload, map[string]string{"i": "before"}, map[string]string{"o": "after"}),
			Out:         transform(urnSink, port, map[string]string{"i": "after"}, nil),
		},
		Pcollections: map[string]*pipepb.PCollection{"before": {CoderId: "kv"}, "after": {CoderId: "kv"}},
		Coders: map[string]*pipepb.Coder{
			"bytes":    {Spec: spec("beam:coder:bytes:v1")},
			"global":   {Spec: spec("beam:coder:global_window:v1")},
			"kv":       {Spec: spec("beam:coder:kv:v1"), ComponentCoderIds: []string{"bytes", "bytes"}},
			"windowed": {Spec: spec("beam:coder:windowed_value:v1"), ComponentCoderIds: []string{"kv", "global"}},
			"timer":    {Spec: spec("beam:coder:timer:v1"), ComponentCoderIds: []string{"bytes", "global"}},
		},
		StateApiServiceDescriptor: address, TimerApiServiceDescriptor: address,
	}
}
