package fnapi

import (
	"encoding/binary"
	"math"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	pipepb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/pipeline_v1"
)

// A meter is what a bundle reports, under a name that the engine knows.
type meter interface {
	// payload encodes what was measured; nil if nothing.
	payload() []byte
}

// A Counter is a sum. It may be used by several goroutines.
type Counter struct{ n atomic.Int64 }

// Add adds n, which may be negative.
func (c *Counter) Add(n int64) { c.n.Add(n) }

func (c *Counter) payload() []byte { return binary.AppendUvarint(nil, uint64(c.n.Load())) }

// A Distribution is the number, sum, least and greatest of values. It may be used by several
// goroutines.
type Distribution struct {
	mu                    sync.Mutex
	count, sum, low, high int64
}

// Update adds a value.
func (d *Distribution) Update(v int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.count == 0 {
		d.low, d.high = math.MaxInt64, math.MinInt64
	}
	d.count, d.sum, d.low, d.high = d.count+1, d.sum+v, min(d.low, v), max(d.high, v)
}

func (d *Distribution) payload() (out []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.count == 0 {
		return nil
	}
	for _, v := range []int64{d.count, d.sum, d.low, d.high} {
		out = binary.AppendUvarint(out, uint64(v))
	}
	return out
}

// A Gauge is the latest of values. It may be used by several goroutines.
type Gauge struct {
	mu  sync.Mutex
	set bool
	at  int64
	v   int64
}

// Set replaces the value by one of that time.
func (g *Gauge) Set(at time.Time, v int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.set, g.at, g.v = true, at.UnixMilli(), v
}

func (g *Gauge) payload() []byte {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.set {
		return nil
	}
	return binary.AppendUvarint(binary.AppendUvarint(nil, uint64(g.at)), uint64(g.v))
}

// A metric is what a meter is of: urn, type and labels.
type metric struct{ urn, kind, labels string }

func (m metric) info() *pipepb.MonitoringInfo {
	out := &pipepb.MonitoringInfo{Urn: m.urn, Type: m.kind, Labels: map[string]string{}}
	for l := range strings.SplitSeq(m.labels, "\x00") {
		k, v, _ := strings.Cut(l, "=")
		out.Labels[k] = v
	}
	return out
}

// metricIDs gives metrics short names, that spare an engine which knows them the long
// ones. They are a worker's.
type metricIDs struct {
	mu   sync.Mutex
	ids  map[metric]string
	list []metric
}

func (m *metricIDs) id(of metric) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	id, ok := m.ids[of]
	if !ok {
		if m.ids == nil {
			m.ids = map[metric]string{}
		}
		id = strconv.FormatInt(int64(len(m.list)), 36)
		m.ids[of], m.list = id, append(m.list, of)
	}
	return id
}

// lookup is what ids stand for; those that it does not know are left out.
func (m *metricIDs) lookup(ids []string) map[string]*pipepb.MonitoringInfo {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := map[string]*pipepb.MonitoringInfo{}
	for _, id := range ids {
		if i, err := strconv.ParseInt(id, 36, 32); err == nil && i >= 0 && int(i) < len(m.list) {
			out[id] = m.list[i].info()
		}
	}
	return out
}

// meters are those of one bundle.
type meters struct {
	ids *metricIDs
	mu  sync.Mutex
	all map[metric]meter

	collections map[string]*Counter // elements, by collection
	elements    *Counter            // read from the one port that there is
}

const sumInt64 = "beam:metrics:sum_int64:v1"

func (m *meters) init(b *Bundle) {
	m.ids, m.all, m.collections = &b.worker.metrics, map[metric]meter{}, map[string]*Counter{}
	for _, ports := range []map[string]*Port{b.desc.In, b.desc.Out} {
		for _, p := range ports {
			m.collections[p.PCollection] = meterOf[Counter](m, metric{"beam:metric:element_count:v1", sumInt64, "PCOLLECTION=" + p.PCollection})
		}
	}
	for id := range b.desc.In {
		if len(b.desc.In) == 1 {
			m.elements = meterOf[Counter](m, metric{"beam:metric:data_channel:read_index:v1", sumInt64, "PTRANSFORM=" + id})
		}
	}
}

func (m *meters) read(p *Port) {
	m.collections[p.PCollection].Add(1)
	if m.elements != nil {
		m.elements.Add(1)
	}
}

func (m *meters) wrote(p *Port) { m.collections[p.PCollection].Add(1) }

// meterOf returns the meter of a metric, which it makes if there is none.
func meterOf[M any, P interface {
	*M
	meter
}](m *meters, of metric) P {
	m.mu.Lock()
	defer m.mu.Unlock()
	if got, ok := m.all[of].(P); ok {
		return got
	}
	p := P(new(M))
	m.all[of] = p
	return p
}

func userMetric(kind, transform, namespace, name string) metric {
	return metric{"beam:metric:user:" + kind + ":v1", "beam:metrics:" + kind + ":v1",
		"PTRANSFORM=" + transform + "\x00NAMESPACE=" + namespace + "\x00NAME=" + name}
}

// Counter returns the bundle's counter of that name.
func (b *Bundle) Counter(transform, namespace, name string) *Counter {
	return meterOf[Counter](&b.meters, userMetric("sum_int64", transform, namespace, name))
}

// Distribution returns the bundle's distribution of that name.
func (b *Bundle) Distribution(transform, namespace, name string) *Distribution {
	return meterOf[Distribution](&b.meters, userMetric("distribution_int64", transform, namespace, name))
}

// Gauge returns the bundle's gauge of that name.
func (b *Bundle) Gauge(transform, namespace, name string) *Gauge {
	return meterOf[Gauge](&b.meters, userMetric("latest_int64", transform, namespace, name))
}

// report is what has been measured, both in full, for engines that know nothing else, and under
// short names.
func (m *meters) report() (infos []*pipepb.MonitoringInfo, data map[string][]byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	data = map[string][]byte{}
	for of, meter := range m.all {
		payload := meter.payload()
		if payload == nil {
			continue
		}
		info := of.info()
		info.Payload = payload
		infos = append(infos, info)
		data[m.ids.id(of)] = payload
	}
	return infos, data
}
