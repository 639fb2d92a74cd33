package engine

import (
	"github.com/millrace/millrace/internal/plan"
	"github.com/millrace/millrace/model"
)

// A PortReceiver is a Receiver whose ports go through event time each on its own.
// Its task calls AdvancePort in place of Advance, and takes Hold for the watermark
// of all that the receiver will still emit.
type PortReceiver interface {
	Receiver
	// AdvancePort raises the watermark of a port.
	AdvancePort(port int, watermark model.Timestamp)
}

// portWatermarks is a watermark for each port of a task's input.
type portWatermarks struct {
	receiver PortReceiver
	ports    []*watermarks
	port     []int // by channel
	index    []int // of the channel among those of its port
}

func newPortWatermarks(r PortReceiver, s *plan.Stage, of int) *portWatermarks {
	p := &portWatermarks{receiver: r}
	channels := make([]int, len(s.Head.Inputs))
	for _, f := range s.Feeds {
		for range of {
			p.port = append(p.port, f.Port)
			p.index = append(p.index, channels[f.Port])
			channels[f.Port]++
		}
	}
	for _, n := range channels {
		p.ports = append(p.ports, newWatermarks(n))
	}
	return p
}

// advance notes a channel's watermark, and tells the receiver where that raises
// its port's.
func (p *portWatermarks) advance(channel int, t model.Timestamp) {
	port := p.port[channel]
	if w := p.ports[port]; w.advance(p.index[channel], t) {
		p.receiver.AdvancePort(port, w.min)
	}
}

// setIdle notes whether a channel is idle, and tells the receiver where that raises
// its port's watermark.
func (p *portWatermarks) setIdle(channel int, idle bool) {
	port := p.port[channel]
	if w := p.ports[port]; w.setIdle(p.index[channel], idle) {
		p.receiver.AdvancePort(port, w.min)
	}
}
