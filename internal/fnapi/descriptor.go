package fnapi

import (
	"fmt"

	fnpb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/fnexecution_v1"
	pipepb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/pipeline_v1"
	"google.golang.org/protobuf/proto"
)

const (
	urnSource = "beam:runner:source:v1"
	urnSink   = "beam:runner:sink:v1"
)

// A Port is where elements come from the engine, or go to it.
type Port struct {
	// Transform is the descriptor's id of the port.
	Transform string
	// PCollection is what passes through.
	PCollection string

	url  string
	size sizer // of elements that come in
}

// A TimerFamily is a group of timers of one transform.
type TimerFamily struct {
	Transform, Family string

	key sizer
}

// A Descriptor is a stage of the engine's, as one worker is to execute it. It does not
// change.
type Descriptor struct {
	// Proto has the transforms, collections and coders.
	Proto *fnpb.ProcessBundleDescriptor
	// In and Out are the ends of the stage, by transform.
	In, Out map[string]*Port
	// Timers are the families that its transforms declare.
	Timers []*TimerFamily

	stateURL, timerURL string
}

func newDescriptor(d *fnpb.ProcessBundleDescriptor) (*Descriptor, error) {
	out := &Descriptor{
		Proto: d, In: map[string]*Port{}, Out: map[string]*Port{},
		stateURL: d.GetStateApiServiceDescriptor().GetUrl(),
		timerURL: d.GetTimerApiServiceDescriptor().GetUrl(),
	}
	for id, t := range d.GetTransforms() {
		var err error
		switch t.GetSpec().GetUrn() {
		case urnSource:
			err = out.addPort(out.In, id, t, t.GetOutputs())
		case urnSink:
			err = out.addPort(out.Out, id, t, t.GetInputs())
		default:
			err = out.addTimers(id, t)
		}
		if err != nil {
			return nil, fmt.Errorf("%w (transform %s of descriptor %s)", err, id, d.GetId())
		}
	}
	return out, nil
}

func (d *Descriptor) addPort(ports map[string]*Port, id string, t *pipepb.PTransform, collections map[string]string) error {
	var remote fnpb.RemoteGrpcPort
	if err := proto.Unmarshal(t.GetSpec().GetPayload(), &remote); err != nil {
		return fmt.Errorf("fnapi: the engine sent a port that cannot be read: %w", err)
	}
	if len(collections) != 1 {
		return fmt.Errorf("fnapi: the engine sent a port of %d collections", len(collections))
	}
	p := &Port{Transform: id, url: remote.GetApiServiceDescriptor().GetUrl()}
	for _, c := range collections {
		p.PCollection = c
	}
	coders := d.Proto.GetCoders()
	element := d.Proto.GetPcollections()[p.PCollection].GetCoderId()
	if c := coders[remote.GetCoderId()]; c.GetSpec().GetUrn() == "beam:coder:windowed_value:v1" {
		// What the engine says of the port goes before what it says of the collection: it
		// may send longer forms, which it can tell apart without knowing our coders.
		parts := c.GetComponentCoderIds()
		if len(parts) != 2 {
			return fmt.Errorf("fnapi: the engine sent a coder of windowed values with %d components", len(parts))
		}
		if err := onlyGlobal(coders, parts[1]); err != nil {
			return err
		}
		element = parts[0]
	}
	var err error
	p.size, err = newSizer(coders, element, 0)
	ports[id] = p
	return err
}

func (d *Descriptor) addTimers(id string, t *pipepb.PTransform) error {
	switch t.GetSpec().GetUrn() {
	case "beam:transform:pardo:v1",
		"beam:transform:sdf_process_sized_element_and_restrictions:v1":
	default:
		return nil
	}
	var payload pipepb.ParDoPayload
	if err := proto.Unmarshal(t.GetSpec().GetPayload(), &payload); err != nil {
		return fmt.Errorf("fnapi: the engine sent a transform that cannot be read: %w", err)
	}
	for family, spec := range payload.GetTimerFamilySpecs() {
		coders := d.Proto.GetCoders()
		parts := coders[spec.GetTimerFamilyCoderId()].GetComponentCoderIds()
		if len(parts) != 2 {
			return fmt.Errorf("fnapi: the engine sent timers %q in a coder of %d components", family, len(parts))
		}
		if err := onlyGlobal(coders, parts[1]); err != nil {
			return err
		}
		key, err := newSizer(coders, parts[0], 0)
		if err != nil {
			return err
		}
		if d.timerURL == "" {
			return fmt.Errorf("fnapi: the engine has no place for the timers %q", family)
		}
		d.Timers = append(d.Timers, &TimerFamily{Transform: id, Family: family, key: key})
	}
	return nil
}
