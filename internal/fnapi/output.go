package fnapi

import (
	"slices"
	"time"

	fnpb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/fnexecution_v1"
	pipepb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/pipeline_v1"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// sendAt is how many bytes are sent together: fewer cost more messages, and engines refuse
// messages of some megabytes.
const sendAt = 512 << 10

// An Output is an end of a stage: what is written there goes to the engine.
type Output struct {
	b    *Bundle
	port *Port
	buf  []byte
}

// Output returns the end of that transform, or nil.
func (b *Bundle) Output(transform string) *Output { return b.outs[transform] }

// Write sends an element, encoded, sooner or later; the order is kept. The value may be
// reused.
func (o *Output) Write(ms int64, value []byte) error {
	o.buf = append(AppendElementHeader(o.buf, ms), value...)
	o.b.meters.wrote(o.port)
	if len(o.buf) < sendAt {
		return nil
	}
	return o.send(false)
}

func (o *Output) send(last bool) error {
	if len(o.buf) == 0 && !last {
		return nil
	}
	s, err := o.b.worker.data(o.port.url)
	if err != nil {
		return err
	}
	m := &fnpb.Elements{}
	if len(o.buf) > 0 {
		m.Data = append(m.Data, &fnpb.Elements_Data{InstructionId: o.b.id, TransformId: o.port.Transform, Data: o.buf})
		o.buf = nil // gRPC's until it is sent
	}
	if last {
		m.Data = append(m.Data, &fnpb.Elements_Data{InstructionId: o.b.id, TransformId: o.port.Transform, IsLast: true})
	}
	return s.send(m)
}

// A timerOutput gathers the timers of one family that a bundle sets.
type timerOutput struct {
	b      *Bundle
	family *TimerFamily
	buf    []byte
}

// Set sets a timer, or takes it back. It returns false if the stage has no such family.
func (b *Bundle) Set(transform, family string, t *Timer) bool {
	o := b.timers[stream{transform, family}]
	if o != nil {
		o.buf = appendTimer(o.buf, t)
	}
	return o != nil
}

func (o *timerOutput) send(last bool) error {
	s, err := o.b.worker.data(o.b.desc.timerURL)
	if err != nil {
		return err
	}
	to := func(data []byte, last bool) *fnpb.Elements_Timers {
		return &fnpb.Elements_Timers{InstructionId: o.b.id, TransformId: o.family.Transform, TimerFamilyId: o.family.Family, Timers: data, IsLast: last}
	}
	m := &fnpb.Elements{}
	if len(o.buf) > 0 {
		m.Timers = append(m.Timers, to(o.buf, false))
		o.buf = nil
	}
	m.Timers = append(m.Timers, to(nil, last))
	return s.send(m)
}

// dataURLs are the addresses from which input comes.
func (d *Descriptor) dataURLs() []string {
	var urls []string
	for _, p := range d.In {
		urls = append(urls, p.url)
	}
	if len(d.Timers) > 0 {
		urls = append(urls, d.timerURL)
	}
	slices.Sort(urls)
	return slices.Compact(urls)
}

func (a *Application) delayed() *fnpb.DelayedBundleApplication {
	d := &fnpb.DelayedBundleApplication{Application: a.proto()}
	if a.After > 0 {
		d.RequestedTimeDelay = durationpb.New(a.After)
	}
	return d
}

func (a *Application) proto() *fnpb.BundleApplication {
	out := &fnpb.BundleApplication{
		TransformId: a.Transform, InputId: a.Input,
		Element:   append(AppendElementHeader(nil, a.Time), a.Value...),
		IsBounded: pipepb.IsBounded_UNBOUNDED,
	}
	if a.Bounded {
		out.IsBounded = pipepb.IsBounded_BOUNDED
	}
	for output, ms := range a.Watermarks {
		if out.OutputWatermarks == nil {
			out.OutputWatermarks = map[string]*timestamppb.Timestamp{}
		}
		out.OutputWatermarks[output] = timestamppb.New(time.UnixMilli(ms))
	}
	return out
}
