package fnapi

import (
	"fmt"
	"sync"

	fnpb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/fnexecution_v1"
)

// A dataStream is the data channel to one address, shared by all bundles of a worker.
type dataStream struct {
	url    string
	mu     sync.Mutex // of sending
	stream fnpb.BeamFnData_DataClient
}

// data returns the data channel to url, opening it if there is none.
func (w *worker) data(url string) (*dataStream, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if s := w.datas[url]; s != nil {
		return s, nil
	}
	conn, err := w.conn(url)
	if err != nil {
		return nil, err
	}
	stream, err := fnpb.NewBeamFnDataClient(conn).Data(w.ctx)
	if err != nil {
		return nil, fmt.Errorf("fnapi: opening the data channel to %s: %w", url, err)
	}
	s := &dataStream{url: url, stream: stream}
	w.datas[url] = s
	w.running.Go(func() { w.receiveData(s) })
	return s, nil
}

// receiveData hands what comes to the inboxes until the channel ends; the next bundle
// opens another.
func (w *worker) receiveData(s *dataStream) {
	for {
		m, err := s.stream.Recv()
		if err == nil {
			if err = w.intake.deliver(s.url, m); err == nil {
				continue
			}
			w.fail(err)
		}
		w.mu.Lock()
		delete(w.datas, s.url)
		w.mu.Unlock()
		w.intake.lose(s.url, fmt.Errorf("fnapi: the data channel to %s ended: %w", s.url, err))
		return
	}
}

func (in *intake) deliver(url string, m *fnpb.Elements) error {
	for _, d := range m.GetData() {
		b := block{transform: d.GetTransformId(), data: d.GetData(), last: d.GetIsLast()}
		if err := in.put(url, d.GetInstructionId(), b); err != nil {
			return err
		}
	}
	for _, t := range m.GetTimers() {
		b := block{transform: t.GetTransformId(), family: t.GetTimerFamilyId(), data: t.GetTimers(), last: t.GetIsLast()}
		if err := in.put(url, t.GetInstructionId(), b); err != nil {
			return err
		}
	}
	return nil
}

func (s *dataStream) send(m *fnpb.Elements) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.stream.Send(m); err != nil {
		return fmt.Errorf("fnapi: sending to %s: %w", s.url, err)
	}
	return nil
}
